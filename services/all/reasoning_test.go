package all_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/pool"
	"github.com/leathq/leat/services/worker"
)

// thinker is an upstream that streams reasoning, a word every 50 ms for a second, before two words of answer.
func thinker(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v1/models" {
		fmt.Fprint(w, `{"data":[{"id":"thinks","owned_by":"vllm","max_model_len":4096}]}`)
		return
	}
	var req struct{ Stream bool }
	_ = json.NewDecoder(r.Body).Decode(&req)
	const used = `"usage":{"prompt_tokens":5,"completion_tokens":22,"completion_tokens_details":{"reasoning_tokens":20}}`
	if !req.Stream {
		fmt.Fprintf(w, `{"choices":[{"index":0,"message":{"role":"assistant","reasoning_content":%q,"content":"so it is"},"finish_reason":"stop"}],%s}`, strings.Repeat("hm ", 20), used)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	say := func(delta, finish string) {
		fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{%s},\"finish_reason\":%s}]}\n\n", delta, finish)
		w.(http.Flusher).Flush()
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 20 {
		say(`"reasoning_content":"hm "`, "null")
		<-tick.C
	}
	say(`"content":"so "`, "null")
	say(`"content":"it is"`, "null")
	say("", `"stop"`)
	fmt.Fprintf(w, "data: {\"choices\":[],%s}\n\ndata: [DONE]\n\n", used)
}

// think adds a worker whose upstream thinks.
func (f *fleet) think(t *testing.T) { f.relay(t, "thinks", http.HandlerFunc(thinker)) }

// relay adds a worker with the engine openai before an upstream of the test's, for a model of a pool of its own.
func (f *fleet) relay(t *testing.T, model string, upstream http.Handler, change ...func(*worker.Config)) {
	t.Helper()
	up := httptest.NewServer(upstream)
	t.Cleanup(up.Close)
	cfg := worker.DefaultConfig()
	cfg.Engine, cfg.Model, cfg.Name, cfg.Grace = "openai", model, "w-"+model, time.Second
	cfg.OpenAI.Upstream, cfg.OpenAI.MetricsInterval = up.URL, 0
	for _, fn := range change {
		fn(&cfg)
	}
	f.join(t, cfg)
	f.awaitModel(t, model)
}

// join runs a worker until the end of the test.
func (f *fleet) join(t *testing.T, cfg worker.Config) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := worker.New(cfg, deps(t, f.srv, cfg.Name, nil)).Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
}

// Thinking for longer than the first-token and idle time-outs allow is heard, and ends nothing.
func TestLongReasoningIsHeardAndCountsAsLife(t *testing.T) {
	f := start(t, pool.Timeouts{FirstToken: 500 * time.Millisecond, Idle: 500 * time.Millisecond})
	f.think(t)
	post := func(body string) string {
		resp, err := http.Post(f.url+"/v1/chat/completions", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("%s %v: %s", resp.Status, err, data)
		}
		return string(data)
	}
	type message struct {
		Content   string
		Reasoning string `json:"reasoning_content"`
	}
	type answer struct {
		Choices []struct {
			Delta, Message message
			Finish         string `json:"finish_reason"`
		}
		Usage *struct {
			Details struct {
				Reasoning int `json:"reasoning_tokens"`
			} `json:"completion_tokens_details"`
		}
	}
	check := func(name string, got message, reasoning int) {
		t.Helper()
		if want := strings.Repeat("hm ", 20); got.Reasoning != want || got.Content != "so it is" || reasoning != 20 {
			t.Errorf("%s: %+v, %d reasoning tokens", name, got, reasoning)
		}
	}
	const ask = `{"model":"thinks","messages":[{"role":"user","content":"is it so?"}]`
	var whole answer
	if err := json.Unmarshal([]byte(post(ask+`}`)), &whole); err != nil {
		t.Fatal(err)
	}
	check("whole", whole.Choices[0].Message, whole.Usage.Details.Reasoning)
	var streamed message
	counted := 0
	events := post(ask + `,"stream":true,"stream_options":{"include_usage":true}}`)
	for line := range strings.Lines(events) {
		data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: ")
		if !ok || data == "[DONE]" {
			continue
		}
		var chunk answer
		if err := json.Unmarshal([]byte(data), &chunk); err != nil {
			t.Fatal(err)
		}
		for _, c := range chunk.Choices {
			if c.Delta.Reasoning != "" && streamed.Content != "" {
				t.Error("reasoning behind the answer")
			}
			streamed.Reasoning += c.Delta.Reasoning
			streamed.Content += c.Delta.Content
		}
		if chunk.Usage != nil {
			counted = chunk.Usage.Details.Reasoning
		}
	}
	if !strings.HasSuffix(events, "data: [DONE]\n\n") {
		t.Errorf("ends with %s", events[max(0, len(events)-200):])
	}
	check("streamed", streamed, counted)
}
