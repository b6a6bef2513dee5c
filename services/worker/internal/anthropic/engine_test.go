package anthropic_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leathq/leat/services/worker/internal/anthropic"
	"github.com/leathq/leat/services/worker/internal/engine"
)

type sink struct{ deltas []engine.Delta }

func (s *sink) Emit(d engine.Delta)      { s.deltas = append(s.deltas, d) }
func (*sink) Credit() int                { return 1 }
func (*sink) Wait(context.Context) error { return nil }
func (s *sink) all() (d engine.Delta, calls []engine.ToolCall) {
	for _, x := range s.deltas {
		d.Text, d.Reasoning = d.Text+x.Text, d.Reasoning+x.Reasoning
		if x.Extra != nil {
			calls = append(calls, x.Extra.ToolCalls...)
			if x.Extra.Signature != "" {
				d.Extra = x.Extra
			}
		}
		d.Finish, d.Usage = x.Finish, x.Usage
	}
	return d, calls
}

// provider answers each key by its own handler and keeps what it was sent.
type provider struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	keys   []string
}

func serve(t *testing.T, answer func(w http.ResponseWriter, key string)) *provider {
	p := new(provider)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		key := r.Header.Get("X-Api-Key")
		switch {
		case r.Header.Get("Anthropic-Version") != "2023-06-01":
			w.WriteHeader(http.StatusTeapot)
		case strings.HasPrefix(r.URL.Path, "/v1/models/"):
			_, _ = io.WriteString(w, `{"type":"model","id":"claude"}`)
		case r.URL.Path == "/v1/messages/count_tokens":
			if strings.Contains(string(body), "max_tokens") || strings.Contains(string(body), "stream") {
				w.WriteHeader(http.StatusBadRequest)
			}
			_, _ = io.WriteString(w, `{"input_tokens":14}`)
		default:
			p.mu.Lock()
			p.bodies, p.keys = append(p.bodies, string(body)), append(p.keys, key)
			p.mu.Unlock()
			answer(w, key)
		}
	}))
	t.Cleanup(p.Close)
	return p
}

func open(t *testing.T, p *provider, envs ...string) *anthropic.Engine {
	t.Helper()
	cfg := anthropic.DefaultConfig()
	cfg.Upstream, cfg.Model, cfg.KeyEnvs = p.URL, "mine=claude", envs
	e, err := anthropic.New(t.Context(), cfg, anthropic.Deps{Log: slog.New(slog.DiscardHandler), Getenv: func(s string) string { return "key-" + s }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func sse(events ...string) func(http.ResponseWriter, string) {
	return func(w http.ResponseWriter, _ string) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, e := range events {
			var kind struct{ Type string }
			_ = json.Unmarshal([]byte(e), &kind)
			_, _ = io.WriteString(w, "event: "+kind.Type+"\ndata: "+e+"\n\n")
		}
	}
}

const began = `{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"usage":{"input_tokens":25,"cache_creation_input_tokens":7,"cache_read_input_tokens":100,"output_tokens":1}}}`

// whole is an answer as the API documents it: thinking with its signature, text, two calls of tools, a ping.
var whole = []string{
	began,
	`{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`,
	`{"type":"ping"}`,
	`{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Two cities."}}`,
	`{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQB=="}}`,
	`{"type":"content_block_stop","index":0}`,
	`{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}`,
	`{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"I look "}}`,
	`{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"it up."}}`,
	`{"type":"content_block_stop","index":1}`,
	`{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_1","name":"weather","input":{}}}`,
	`{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":""}}`,
	`{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"city\": \"Pa"}}`,
	`{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"ris\"}"}}`,
	`{"type":"content_block_stop","index":2}`,
	`{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_2","name":"time","input":{}}}`,
	`{"type":"content_block_stop","index":3}`,
	`{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":89}}`,
	`{"type":"message_stop"}`,
}

func chat(messages, extras string) *engine.Request {
	r := &engine.Request{ID: "req-1", Prompt: engine.Prompt{Messages: []byte(messages)}}
	if extras != "" {
		r.Extras = []byte(extras)
	}
	return r
}

const hi = `[{"role":"user","content":"hi"}]`

func TestAnAnswerIsTranslatedWhole(t *testing.T) {
	e := open(t, serve(t, sse(whole...)), "A")
	out := new(sink)
	if err := e.Generate(t.Context(), chat(hi, ""), out); err != nil {
		t.Fatal(err)
	}
	d, calls := out.all()
	if d.Reasoning != "Two cities." || d.Text != "I look it up." || d.Extra == nil || d.Extra.Signature != "EqQB==" || d.Finish != engine.FinishTools {
		t.Errorf("%+v", d)
	}
	if u := *d.Usage; u != (engine.Usage{UncachedInput: 25, CacheWrite: 7, CacheRead: 100, Output: 89}) {
		t.Errorf("usage %+v", u)
	}
	want := []engine.ToolCall{{ID: "toolu_1", Name: "weather"}, {Arguments: `{"city": "Pa`}, {Arguments: `ris"}`}, {Index: 1, ID: "toolu_2", Name: "time"}}
	if len(calls) != len(want) {
		t.Fatalf("calls %+v", calls)
	}
	for i := range want {
		if calls[i] != want[i] {
			t.Errorf("call %d: %+v", i, calls[i])
		}
	}
}

func TestAChatIsSpelledForTheMessagesAPI(t *testing.T) {
	p := serve(t, sse(began, `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}`, `{"type":"message_stop"}`))
	e := open(t, p, "A")
	r := chat(`[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"see"},
		{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBO"}},{"type":"image_url","image_url":{"url":"https://x/y.png"}}]},
		{"role":"assistant","content":null,"reasoning_content":"hm","reasoning_signature":"sig","tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},
		{"id":"t2","type":"function","function":{"name":"f","arguments":""}}]},
		{"role":"tool","tool_call_id":"t1","content":"one"},{"role":"tool","tool_call_id":"t2","content":"two"},{"role":"user","content":"and?"}]`,
		`{"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}],"tool_choice":"required","parallel_tool_calls":false,
		"thinking":{"type":"enabled","budget_tokens":2048}}`)
	r.Stop, r.User = []string{"END"}, "u1"
	if err := e.Generate(t.Context(), r, new(sink)); err != nil {
		t.Fatal(err)
	}
	want := `{"model":"claude","max_tokens":4096,"system":[{"text":"Be brief.","type":"text"}],"messages":[` +
		`{"role":"user","content":[{"text":"see","type":"text"},{"source":{"data":"iVBO","media_type":"image/png","type":"base64"},"type":"image"},{"source":{"type":"url","url":"https://x/y.png"},"type":"image"}]},` +
		`{"role":"assistant","content":[{"signature":"sig","thinking":"hm","type":"thinking"},{"id":"t1","input":{"a":1},"name":"f","type":"tool_use"},{"id":"t2","input":{},"name":"f","type":"tool_use"}]},` +
		`{"role":"user","content":[{"content":[{"text":"one","type":"text"}],"tool_use_id":"t1","type":"tool_result"},{"content":[{"text":"two","type":"text"}],"tool_use_id":"t2","type":"tool_result"},{"text":"and?","type":"text"}]}],` +
		`"tools":[{"name":"f","description":"d","input_schema":{"type":"object"}}],"tool_choice":{"disable_parallel_tool_use":true,"type":"any"},"thinking":{"type":"enabled","budget_tokens":2048},` +
		`"stop_sequences":["END"],"metadata":{"user_id":"u1"},"stream":true}`
	if p.bodies[0] != want {
		t.Errorf("got  %s\nwant %s", p.bodies[0], want)
	}
	if n, err := e.Count(t.Context(), r.Prompt.Messages, r.Extras); n != 14 || err != nil {
		t.Error(n, err)
	}
}

func TestFailures(t *testing.T) {
	status := func(code int, body string, header ...string) func(http.ResponseWriter, string) {
		return func(w http.ResponseWriter, _ string) {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	text := `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}`
	for name, c := range map[string]struct {
		answer        func(http.ResponseWriter, string)
		code          string
		client, retry bool
		after         time.Duration
	}{
		"overloaded":         {status(529, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`), "overloaded", false, true, 5 * time.Second},
		"rate limit":         {status(429, `{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}`, "Retry-After", "17"), "overloaded", false, true, 17 * time.Second},
		"key":                {status(401, `{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}`), "upstream_auth", false, true, 0},
		"request":            {status(400, `{"type":"error","error":{"type":"invalid_request_error","message":"bad"}}`), "invalid_request", true, false, 0},
		"too long":           {status(400, `{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 tokens > 8 maximum"}}`), "context_length_exceeded", true, false, 0},
		"500 and a page":     {status(500, "<html>no"), "upstream_error", false, true, 0},
		"error at once":      {sse(began, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`), "overloaded", false, true, 0},
		"error in the midst": {sse(began, text, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`), "overloaded", false, false, 0},
		"truncated":          {sse(began, text), "upstream_truncated", false, false, 0},
		"garbage":            {sse("{"), "upstream_error", false, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			e := open(t, serve(t, c.answer), "A")
			var got *engine.Error
			err := e.Generate(t.Context(), chat(hi, ""), new(sink))
			if !errors.As(err, &got) || got.Code != c.code || got.Client != c.client || got.Retry != c.retry || got.RetryAfter.Round(time.Second) != c.after {
				t.Errorf("%+v", err)
			}
		})
	}
}

func TestAFinishReasonMakesAnAnswerWhole(t *testing.T) {
	for reason, want := range map[string]engine.FinishReason{"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "refusal": "content_filter"} {
		out := new(sink)
		e := open(t, serve(t, sse(began, `{"type":"message_delta","delta":{"stop_reason":"`+reason+`"},"usage":{"output_tokens":2}}`)), "A")
		if err := e.Generate(t.Context(), chat(hi, ""), out); err != nil || out.deltas[0].Finish != want {
			t.Errorf("%s: %v %+v", reason, err, out.deltas)
		}
	}
}

func TestTheNextKeyIsTakenAtOnce(t *testing.T) {
	good := sse(whole...)
	p := serve(t, func(w http.ResponseWriter, key string) {
		if key == "key-A" {
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		good(w, key)
	})
	e := open(t, p, "A", "B")
	for range 3 {
		if err := e.Generate(t.Context(), chat(hi, ""), new(sink)); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for _, k := range p.keys {
		if k == "key-A" {
			n++
		}
	}
	if n != 1 || len(p.keys) != 4 {
		t.Errorf("a resting key was called again: %v", p.keys)
	}
}

func TestWhatCannotBeToldIsRefused(t *testing.T) {
	p := serve(t, sse(whole...))
	e := open(t, p, "A")
	for in, param := range map[string]string{
		`[{"role":"user","content":[{"type":"input_audio"}]}]`:                                     "messages[0].content[0].type",
		`[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:x"}}]}]`:          "messages[0].content[0].image_url.url",
		`[{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{"}}]}]`: "messages[0].tool_calls[0].function.arguments",
		`[{"role":"system","content":"x"}]`:                                                        "messages",
		`[{"role":"robot","content":"x"}]`:                                                         "messages[0].role",
	} {
		var got *engine.Error
		if err := e.Generate(t.Context(), chat(in, ""), new(sink)); !errors.As(err, &got) || !got.Client || got.Param != param {
			t.Errorf("%s: %+v", in, err)
		}
	}
	if len(p.bodies) > 0 {
		t.Error("the provider was asked")
	}
}
