package scenario

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// patience is how long anything may take before the test gives up on it.
const patience = 20 * time.Second

// object is a JSON object as a client without a schema sees it.
type object = map[string]any

// reply is an HTTP answer that was read to its end.
type reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// send posts a JSON body (an object, or raw text as a string) and reads the answer.
func send(t *testing.T, url string, body any, headers ...string) reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	resp, err := post(ctx, url, body, headers...)
	if err != nil {
		t.Fatalf("POST %s: %v", url, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("POST %s: read the answer: %v", url, err)
	}
	return reply{resp.StatusCode, resp.Header, data}
}

// post sends without reading. headers are names and values in turn.
func post(ctx context.Context, url string, body any, headers ...string) (*http.Response, error) {
	data, raw := body.(string)
	if !raw {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		data = string(b)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(data))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return http.DefaultClient.Do(req)
}

// get reads a URL.
func get(t *testing.T, url string) reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("GET %s: %v", url, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("GET %s: read the answer: %v", url, err)
	}
	return reply{resp.StatusCode, resp.Header, data}
}

// decode reads a 200's body into a new T.
func decode[T any](t *testing.T, r reply) T {
	t.Helper()
	var v T
	if r.Status != http.StatusOK {
		t.Fatalf("status %d: %s", r.Status, r.Body)
	}
	if err := json.Unmarshal(r.Body, &v); err != nil {
		t.Fatalf("answer is not what it should be: %v\n%s", err, r.Body)
	}
	return v
}

// completion is a text completion or a chat completion, whole or a chunk.
type completion struct {
	ID, Object, Model string
	SystemFingerprint string `json:"system_fingerprint"`
	Choices           []choice
	Usage             *usage
}

type choice struct {
	Index    int
	Text     string
	Message  *message
	Delta    *message
	Finish   string    `json:"finish_reason"`
	Logprobs *logprobs // of completions
}

type message struct{ Role, Content string }

type usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Total      int `json:"total_tokens"`
}

type logprobs struct {
	Tokens  []string
	Values  []*float64           `json:"token_logprobs"`
	Top     []map[string]float64 `json:"top_logprobs"`
	Offsets []int                `json:"text_offset"`
}

// events are the data of a server-sent stream in order, the closing [DONE] included.
func events(r io.Reader) ([]string, error) {
	var out []string
	err := each(r, func(data string) bool {
		out = append(out, data)
		return true
	})
	return out, err
}

// each calls fn with the data of every event until it returns false.
func each(r io.Reader, fn func(data string) bool) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if ok && !fn(string(data)) {
			return nil
		}
	}
	return lines.Err()
}

// until polls cond until it holds, and fails the test where it never does.
func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("still not after %s: %s", patience, what)
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("the test ended before: %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
