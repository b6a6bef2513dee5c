package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// answer is what one streamed completion showed.
type answer struct {
	ttft   time.Duration // until the first text
	gaps   []time.Duration
	end    time.Time
	prompt int // tokens by the server's count
	tokens int
}

// learnModel takes the first model that the server lists.
func (t *target) learnModel(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url+"/v1/models", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", t.name, err)
	}
	defer resp.Body.Close()
	var list struct{ Data []struct{ ID string } }
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&list); err != nil || len(list.Data) == 0 {
		return fmt.Errorf("%s lists no model (%w)", t.name, err)
	}
	t.model = list.Data[0].ID
	return nil
}

// complete runs one greedy completion of exactly n tokens and times its chunks.
func (t target) complete(ctx context.Context, prompt string, n int) (answer, error) {
	body, err := json.Marshal(map[string]any{
		"model": t.model, "prompt": prompt, "max_tokens": n, "temperature": 0, "ignore_eos": true,
		"stream": true, "stream_options": map[string]bool{"include_usage": true},
	})
	if err != nil {
		return answer{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url+"/v1/completions", bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Close = true // llama-server closes an idle connection after 5 s, perhaps while the next request is on its way
	start := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", t.name, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 2000))
		return answer{}, fmt.Errorf("%s answered %s: %s", t.name, resp.Status, text)
	}
	a, err := readStream(resp.Body, start)
	if err == nil && a.tokens != n {
		err = fmt.Errorf("%d tokens instead of %d", a.tokens, n)
	}
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", t.name, err)
	}
	return a, nil
}

// readStream reads server-sent events until [DONE].
func readStream(r io.Reader, start time.Time) (answer, error) {
	var a answer
	var last time.Time
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !ok {
			continue
		}
		now := time.Now()
		if bytes.Equal(data, []byte("[DONE]")) {
			a.end = now
			return a, nil
		}
		var chunk struct {
			Choices []struct{ Text string }
			Usage   *struct {
				Prompt     int `json:"prompt_tokens"`
				Completion int `json:"completion_tokens"`
			}
			Error json.RawMessage
		}
		if err := json.Unmarshal(data, &chunk); err != nil {
			return a, fmt.Errorf("chunk %q: %w", data, err)
		}
		if chunk.Error != nil {
			return a, fmt.Errorf("error in the stream: %s", chunk.Error)
		}
		if chunk.Usage != nil {
			a.prompt, a.tokens = chunk.Usage.Prompt, chunk.Usage.Completion
		}
		if len(chunk.Choices) == 0 || chunk.Choices[0].Text == "" {
			continue
		}
		if last.IsZero() {
			a.ttft = now.Sub(start)
		} else {
			a.gaps = append(a.gaps, now.Sub(last))
		}
		last = now
	}
	return a, errors.Join(errors.New("the stream ended without [DONE]"), lines.Err())
}
