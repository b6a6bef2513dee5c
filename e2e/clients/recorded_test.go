package clients_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"
)

// TestRecordedUpstream has the SDKs read what a real inference server said: a Leat with the engine openai stands before a
// player of answers that were recorded from llama-server, which are those that the engine's own tests read.
func TestRecordedUpstream(t *testing.T) {
	upstream := httptest.NewServer(play(t))
	t.Cleanup(upstream.Close)
	p, _ := leat(t, "up", "--engine", "openai", "--upstream", upstream.URL, "--model", "recorded=SmolLM2-135M-Instruct.Q4_1.gguf", "--nats-listen", "127.0.0.1:0", "--nats-dir", t.TempDir())
	until(t, "the model can be called", func() bool { return strings.Contains(get(t, p.URL()+"/v1/models"), "recorded") })
	env := []string{"LEAT_TEST_URL=" + p.URL(), "LEAT_TEST_BUSY_URL=" + p.URL()}
	t.Run("python", func(t *testing.T) {
		command(t, env, "python", installed(t, "venv/bin/python"), "-m", "unittest", "-v", "test_recorded.py")
	})
	t.Run("node", func(t *testing.T) {
		command(t, append(env, "NODE_PATH="+installed(t, "node/node_modules")), "node", "node", "--test", "recorded.test.cjs")
	})
	t.Run("go", func(t *testing.T) { goRecorded(t, p.URL()) })
}

// goRecorded reads the recorded stream with the Go SDK.
func goRecorded(t *testing.T, url string) {
	q := openai.ChatCompletionNewParams{
		Model: "recorded", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("What is the capital of France?")},
		StreamOptions: openai.ChatCompletionStreamOptionsParam{IncludeUsage: param.NewOpt(true)},
	}
	var all openai.ChatCompletionAccumulator
	s := sdk(url).Chat.Completions.NewStreaming(t.Context(), q)
	for s.Next() {
		if !all.AddChunk(s.Current()) {
			t.Fatalf("a chunk that does not follow: %s", s.Current().RawJSON())
		}
	}
	if err := s.Err(); err != nil || len(all.Choices) != 1 || all.Choices[0].Message.Content != "L'Étoile, la Mar" || all.Choices[0].FinishReason != "length" ||
		all.Usage.PromptTokens != 37 || all.Usage.CompletionTokens != 8 || all.Usage.PromptTokensDetails.CachedTokens != 36 {
		t.Errorf("%v, %+v", err, all.ChatCompletion)
	}
}

// play answers as llama-server did.
func play(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		rec, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(recording(t, recorded(r.URL.Path, body)))), r)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = rec.Body.Close() }() // it is memory
		w.Header().Set("Content-Type", rec.Header.Get("Content-Type"))
		w.WriteHeader(rec.StatusCode)
		_, _ = io.Copy(w, rec.Body)
	}
}

// recorded is the name of the recording that answers a request.
func recorded(path string, body []byte) string {
	var q struct {
		Stream, Logprobs any
		Tools            []any
		MaxTokens        int `json:"max_tokens"`
	}
	_ = json.Unmarshal(body, &q) // pages have no body
	stream := ""
	if q.Stream == true {
		stream = "-stream"
	}
	switch path {
	case "/v1/chat/completions":
		switch {
		case len(q.Tools) > 0:
			return "chat-tools" + stream
		case q.Logprobs == true:
			return "chat-logprobs" + stream
		case stream == "" && q.MaxTokens == 2:
			return "chat-length"
		}
		return "chat" + stream
	case "/v1/completions":
		return "completion" + stream
	case "/tokenize":
		return "tokenize"
	}
	return "get-" + strings.ReplaceAll(strings.Trim(path, "/"), "/", "-")
}

// recording is a recorded answer, whole: its body was kept without its chunks. What was not recorded is not there.
func recording(t *testing.T, name string) []byte {
	b, err := os.ReadFile(filepath.Join("..", "..", "services", "worker", "internal", "openai", "testdata", "llama-server", name+".response"))
	if err != nil {
		if !strings.HasPrefix(name, "get-") {
			t.Errorf("nothing is recorded for %s", name)
		}
		return []byte("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n")
	}
	b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
	head, body, _ := bytes.Cut(b, []byte("\n\n"))
	var out bytes.Buffer
	for line := range bytes.Lines(append(head, '\n')) {
		key, _, _ := bytes.Cut(line, []byte(":"))
		if k := string(key); !strings.EqualFold(k, "Transfer-Encoding") && !strings.EqualFold(k, "Content-Length") {
			out.Write(bytes.TrimSuffix(line, []byte("\n")))
			out.WriteString("\r\n")
		}
	}
	out.WriteString("Connection: close\r\n\r\n")
	out.Write(body)
	return out.Bytes()
}
