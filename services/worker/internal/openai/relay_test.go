package openai_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/openai"
)

func TestHeaders(t *testing.T) {
	s := newServer(t)
	s.handle("/base/v1/models", page(`{"data":[{"id":"up","owned_by":"vllm"}]}`))
	got := make(chan http.Header, 10)
	s.handle("/base/v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Clone()
		page(`{"choices":[{"finish_reason":"length","message":{"content":"x"}}]}`)(w, r)
	})
	cfg := config(s.URL + "/base/v1/")
	cfg.Model, cfg.APIKeyEnv = "served=up", "KEY"
	e, err := openai.New(t.Context(), cfg, openai.Deps{Getenv: func(name string) string { return map[string]string{"KEY": "secret"}[name] }})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	<-got // the canary
	ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled,
	}))
	if err := e.Generate(ctx, chat(false), newSink()); err != nil {
		t.Fatal(err)
	}
	h := <-got
	for name, want := range map[string]string{
		"Authorization": "Bearer secret", "X-Request-Id": "req-1", "Content-Type": "application/json", "Accept-Encoding": "",
		"Traceparent": "00-01000000000000000000000000000000-0200000000000000-01",
	} {
		if h.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, h.Get(name), want)
		}
	}
	if e.Info().Model != "served" || e.Info().ModelVersion != "up" {
		t.Errorf("%+v", e.Info())
	}
}

// vLLM echoes the prompt in text and in the parallel lists; the usage says where it ends.
func TestEchoWithLogprobs(t *testing.T) {
	s := newServer(t)
	e := healthy(t, config(s.URL))
	s.handle("/v1/completions", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !bytes.Contains(body, []byte(`"echo":true`)) || !bytes.Contains(body, []byte(`"logprobs":1`)) || bytes.Contains(body, []byte("stream")) {
			t.Errorf("asked with %s", body)
		}
		page(`{"choices":[{"index":0,"text":"Hello world!","finish_reason":"length","logprobs":{"tokens":["Hello"," world","!"],
			"token_logprobs":[null,-1.5,-0.25],"top_logprobs":[null,{" world":-1.5," there":-1.0},{"!":-0.25}],"text_offset":[0,5,11]}}],
			"usage":{"prompt_tokens":2,"completion_tokens":1}}`)(w, r)
	})
	req := &engine.Request{Prompt: engine.Prompt{Tokens: []int32{5, 6}}, MaxTokens: 1, Echo: true, Logprobs: true, TopLogprob: 1, Stream: true}
	out := newSink()
	if err := e.Generate(t.Context(), req, out); err != nil {
		t.Fatal(err)
	}
	want := []engine.TokenLogprob{
		{ID: -1, Text: []byte("Hello"), Null: true},
		{ID: -1, Text: []byte(" world"), Logprob: -1.5, Top: []engine.TopLogprob{{ID: -1, Text: []byte(" there"), Logprob: -1.0}}},
	}
	if !reflect.DeepEqual(out.deltas[0].Prompt, want) {
		t.Errorf("prompt %+v", out.deltas[0].Prompt)
	}
	if last := out.last(); last.Text != "!" || len(last.Logprobs) != 1 || last.Logprobs[0].Logprob != -0.25 {
		t.Errorf("answer %+v", last)
	}
}

func TestEchoWithoutLogprobsIsSpelledHere(t *testing.T) {
	s := newServer(t)
	s.handle("/tokenize", page(`{"tokens":[1,2],"count":2,"max_model_len":4096}`))
	s.handle("/detokenize", page(`{"prompt":"spelled"}`))
	e := healthy(t, config(s.URL))
	for _, stream := range []bool{false, true} {
		if stream {
			s.handle("/v1/completions", streaming(nil, "data: {\"choices\":[{\"text\":\"!\",\"finish_reason\":\"stop\"}]}\n\n", usage, done))
		} else {
			s.handle("/v1/completions", page(`{"choices":[{"text":"!","finish_reason":"stop"}],"usage":{"prompt_tokens":2,"completion_tokens":1}}`))
		}
		out := newSink()
		req := &engine.Request{Prompt: engine.Prompt{Tokens: []int32{1, 2}}, Echo: true, Stream: stream}
		if err := e.Generate(t.Context(), req, out); err != nil {
			t.Fatal(err)
		}
		if p := out.deltas[0].Prompt; len(p) != 1 || string(p[0].Text) != "spelled" || out.text() != "!" {
			t.Errorf("%+v", out.deltas)
		}
	}
}

func TestTokenizerShapes(t *testing.T) {
	for _, c := range []struct{ owner, asks, spells string }{
		{"vllm", `{"model":"m","prompt":"a b","add_special_tokens":true}`, `{"prompt":"text"}`},
		{"llamacpp", `{"content":"a b","add_special":true,"parse_special":false}`, `{"content":"text"}`},
		{"sglang", `{"model":"m","prompt":"a b","add_special_tokens":true}`, `{"text":"text"}`},
	} {
		s := newServer(t)
		s.handle("/v1/models", page(fmt.Sprintf(`{"data":[{"id":"m","owned_by":%q}]}`, c.owner)))
		var mu sync.Mutex
		var asked string
		s.handle("/tokenize", func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			mu.Lock()
			asked = string(b)
			mu.Unlock()
			page(`{"tokens":[7,8]}`)(w, r)
		})
		s.handle("/detokenize", page(c.spells))
		e := healthy(t, config(s.URL))
		ids, err := e.Tokenize(t.Context(), "a b", true, false)
		mu.Lock()
		if err != nil || !reflect.DeepEqual(ids, []int32{7, 8}) || asked != c.asks {
			t.Errorf("%s: %v, %v, asked with %s", c.owner, ids, err, asked)
		}
		mu.Unlock()
		if text, err := e.Detokenize(t.Context(), ids); err != nil || text != "text" || !e.Info().Tokenizes {
			t.Errorf("%s: %q, %v", c.owner, text, err)
		}
	}
	e := healthy(t, config(newServer(t).URL))
	var refused *engine.Error
	if _, err := e.Tokenize(t.Context(), "a", false, false); !errors.As(err, &refused) || !refused.Client || e.Info().Tokenizes {
		t.Errorf("without a tokeniser: %v", err)
	}
}

func TestParamsFollowTheUpstream(t *testing.T) {
	for owner, extra := range map[string][]string{"vllm": {"top_k", "echo"}, "llamacpp": {"top_k", "!echo"}, "somebody": {"!top_k", "!echo", "temperature"}} {
		s := newServer(t)
		s.handle("/v1/models", page(fmt.Sprintf(`{"data":[{"id":"m","owned_by":%q}]}`, owner)))
		all := "," + strings.Join(healthy(t, config(s.URL)).Info().Params, ",") + ","
		for _, p := range extra {
			name, absent := strings.CutPrefix(p, "!")
			if strings.Contains(all, ","+name+",") == absent {
				t.Errorf("%s: %s", owner, all)
			}
		}
	}
}

func TestStats(t *testing.T) {
	s := newServer(t)
	s.handle("/metrics", page("vllm:num_requests_running{engine=\"0\"} 5\nvllm:num_requests_waiting{engine=\"0\"} 2\nvllm:kv_cache_usage_perc{engine=\"0\"} 0.25\n"))
	cfg := config(s.URL)
	cfg.MetricsInterval = 20 * time.Millisecond
	e := healthy(t, cfg)
	eventually(t, "numbers of the upstream", func() bool {
		st := e.Stats()
		return st.Running == 5 && st.Waiting == 2 && st.KVUse == 0.25
	})
	s.handle("/metrics", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	eventually(t, "stale numbers are forgotten", func() bool { return e.Stats().Running == 0 && e.Stats().KVUse == 0 })
	arrived := make(chan struct{}, 1)
	s.handle("/v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		streaming(s.hang)(w, r)
	})
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- e.Generate(ctx, chat(true), newSink()) }()
	<-arrived
	if st := e.Stats(); st.Running != 1 || st.QueuedTokens < 10 {
		t.Errorf("%+v", st)
	}
	cancel()
	<-result
	s.handle("/v1/chat/completions", streaming(nil, event("a"), finished, usage, done))
	if err := e.Generate(t.Context(), chat(true), newSink()); err != nil {
		t.Fatal(err)
	}
	if st := e.Stats(); st.PromptTokens != 10 || st.CachedTokens != 4 || st.OutputTokens != 6 || st.Steps == 0 || st.Running != 0 || st.QueuedTokens != 0 {
		t.Errorf("%+v", st)
	}
}

// Some servers ignore "stream" and answer whole.
func TestUnaryAnswerToAStream(t *testing.T) {
	s := newServer(t)
	e := healthy(t, config(s.URL))
	s.handle("/v1/chat/completions", page(`{"choices":[{"finish_reason":"stop","message":{"content":"whole"}}],"usage":{"prompt_tokens":1,"completion_tokens":1}}`))
	out := newSink()
	if err := e.Generate(t.Context(), chat(true), out); err != nil || out.text() != "whole" {
		t.Errorf("%q, %v", out.text(), err)
	}
}

// What arrives together leaves together, and what has arrived never waits for what has not.
func TestDeltasAreNotHeldBack(t *testing.T) {
	s := newServer(t)
	e := healthy(t, config(s.URL))
	out := newSink()
	s.handle("/v1/chat/completions", streaming(func(w http.ResponseWriter, _ *http.Request) {
		<-out.first // the first two events are emitted although half a comment is behind them
		_, _ = io.WriteString(w, "ping\n\n"+event("c")+finished+usage+done)
	}, event("a")+event("b")+": half a "))
	if err := e.Generate(t.Context(), chat(true), out); err != nil {
		t.Fatal(err)
	}
	if out.deltas[0].Text != "ab" || out.text() != "abc" {
		t.Errorf("%+v", out.deltas)
	}
}

// A prompt or an answer is in no log line, whatever goes wrong.
func TestLogsHoldNoContent(t *testing.T) {
	const canary = "xyzzy-plugh"
	var log lockedBuffer
	s := newServer(t)
	cfg := config(s.URL)
	cfg.ProbeInterval, cfg.IdleTimeout = 20*time.Millisecond, 100*time.Millisecond
	e, err := openai.New(t.Context(), cfg, openai.Deps{Log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	req := chat(true)
	req.Prompt.Messages, _ = json.Marshal([]map[string]string{{"role": "user", "content": canary}})
	for _, h := range []http.HandlerFunc{
		streaming(nil, event(canary)), streaming(s.hang, event(canary)), streaming(nil, "data: "+canary+"\n\n"), page(canary),
		func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(500)
			_, _ = io.WriteString(w, `{"error":{"message":"cannot handle `+canary+`"}}`)
		},
	} {
		for range 4 {
			s.handle("/v1/chat/completions", h)
			_ = e.Generate(t.Context(), req, newSink())
		}
		s.handle("/v1/chat/completions", page(`{"choices":[{"finish_reason":"length","message":{"content":"x"}}]}`))
		eventually(t, "healthy again", func() bool { return e.Stats().Healthy })
	}
	_ = e.Close()
	if text := log.String(); strings.Contains(text, canary) || !strings.Contains(text, "upstream unhealthy") {
		t.Errorf("the log: %s", text)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
