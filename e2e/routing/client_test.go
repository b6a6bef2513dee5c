package routing_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// answer is what a client saw of one completion.
type answer struct {
	worker         string
	text           string
	ttft           time.Duration
	prompt, cached int
}

func (f *fleet) post(ctx context.Context, session, body string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://gateway/v1/completions", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if session != "" {
		req.Header.Set("X-Leat-Session", session)
	}
	return f.client.Do(req)
}

// complete streams one completion of so many tokens.
func (f *fleet) complete(ctx context.Context, prompt string, tokens int) (answer, error) {
	return f.say(ctx, "", prompt, tokens)
}

// say is complete within a session, where that has a name.
func (f *fleet) say(ctx context.Context, session, prompt string, tokens int) (answer, error) {
	quoted, err := json.Marshal(prompt)
	if err != nil {
		return answer{}, err
	}
	begin := time.Now()
	resp, err := f.post(ctx, session, fmt.Sprintf(
		`{"model":"sim","stream":true,"stream_options":{"include_usage":true},"ignore_eos":true,"max_tokens":%d,"prompt":%s}`, tokens, quoted))
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	a := answer{worker: resp.Header.Get("X-Leat-Worker")}
	if resp.StatusCode != http.StatusOK {
		data, err := io.ReadAll(resp.Body)
		return a, errors.Join(fmt.Errorf("%s: %s", resp.Status, data), err)
	}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !ok {
			continue
		}
		if string(data) == "[DONE]" {
			return a, nil
		}
		if err := a.chunk(data, begin); err != nil {
			return a, err
		}
	}
	return a, errors.Join(errors.New("the stream ended without [DONE]"), lines.Err())
}

func (a *answer) chunk(data []byte, begin time.Time) error {
	var c struct {
		Choices []struct{ Text string }
		Usage   *struct {
			Prompt  int `json:"prompt_tokens"`
			Details struct {
				Cached int `json:"cached_tokens"`
			} `json:"prompt_tokens_details"`
		}
		Error json.RawMessage
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return err
	}
	if c.Error != nil {
		return fmt.Errorf("error event: %s", c.Error)
	}
	if len(c.Choices) > 0 {
		if a.ttft == 0 {
			a.ttft = time.Since(begin)
		}
		a.text += c.Choices[0].Text
	}
	if c.Usage != nil {
		a.prompt, a.cached = c.Usage.Prompt, c.Usage.Details.Cached
	}
	return nil
}
