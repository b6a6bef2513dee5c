package openai_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// llama is an upstream with a real llama-server's pages.
func llama(t *testing.T) *server {
	s := newServer(t)
	for path, name := range map[string]string{
		"/v1/models": "get-v1-models", "/props": "get-props", "/metrics": "get-metrics", "/health": "get-health",
		"/tokenize": "tokenize", "/v1/chat/completions": "chat", "/v1/completions": "completion",
	} {
		s.handle(path, load(t, name).serve(0))
	}
	return s
}

func TestRealServerIsUnderstood(t *testing.T) {
	e := healthy(t, config(llama(t).URL))
	info := e.Info()
	if info.Model != "m" || info.ModelVersion != "SmolLM2-135M-Instruct.Q4_1.gguf" || info.ContextLen != 512 ||
		info.Slots != 2 || info.EOS != "<|im_end|>" || !info.Tokenizes {
		t.Errorf("%+v", info)
	}
	ids, err := e.Tokenize(t.Context(), "Hello world", false, false)
	if err != nil || len(ids) != 2 || ids[0] != 19556 {
		t.Errorf("tokens %v, %v", ids, err)
	}
}

func TestRecordedAnswers(t *testing.T) {
	const chatText = "L'Étoile, la Marseillaise,"
	for _, c := range []struct {
		name   string
		change func(*engine.Request)
		text   string
		finish engine.FinishReason
		usage  engine.Usage
	}{
		{"chat", nil, chatText, "length", engine.Usage{UncachedInput: 37, Output: 12}},
		{"chat-length", nil, "L'", "length", engine.Usage{UncachedInput: 1, CacheRead: 36, Output: 2}},
		{"chat-logprobs", func(r *engine.Request) { r.Logprobs, r.TopLogprob = true, 2 }, "L'É", "length",
			engine.Usage{UncachedInput: 1, CacheRead: 36, Output: 3}},
		{"chat-stream", nil, "L'Étoile, la Mar", "length", engine.Usage{UncachedInput: 1, CacheRead: 36, Output: 8}},
		{"completion", func(r *engine.Request) { r.Logprobs, r.TopLogprob = true, 2 }, " Paris.\n\n", "length",
			engine.Usage{UncachedInput: 5, Output: 4}},
		{"completion-stream", nil, " Paris.\n\n", "length", engine.Usage{UncachedInput: 1, CacheRead: 4, Output: 4}},
	} {
		for _, split := range []int{0, 1, 7, 100} {
			rec := load(t, c.name)
			s := llama(t)
			e := healthy(t, config(s.URL))
			s.handle(rec.path, rec.serve(split))
			req := chat(strings.HasSuffix(c.name, "stream"))
			if rec.path == "/v1/completions" {
				req.Prompt = engine.Prompt{Text: "The capital of France is"}
			}
			if c.change != nil {
				c.change(req)
			}
			out := newSink()
			if err := e.Generate(t.Context(), req, out); err != nil {
				t.Fatalf("%s in pieces of %d: %v", c.name, split, err)
			}
			last := out.last()
			if out.text() != c.text || last.Finish != c.finish || last.Usage == nil || *last.Usage != c.usage {
				t.Errorf("%s in pieces of %d: %q, %q, %+v", c.name, split, out.text(), last.Finish, last.Usage)
			}
			if last.Timing == nil || last.Timing.Decode <= 0 || last.Timing.Prefill <= 0 {
				t.Errorf("%s: timing %+v", c.name, last.Timing)
			}
			if lps := out.logprobs(); req.Logprobs && (len(lps) != c.usage.Output || len(lps[0].Top) != 2 || lps[0].ID < 1) {
				t.Errorf("%s: log-probabilities %+v", c.name, lps)
			}
		}
	}
}

// A stream without a usage chunk (the recorded one with tools was asked for without) counts deltas, and says so.
func TestMissingUsageIsCountedFromDeltas(t *testing.T) {
	rec := load(t, "chat-tools-stream")
	s := llama(t)
	e := healthy(t, config(s.URL))
	s.handle(rec.path, rec.serve(0))
	out := newSink()
	if err := e.Generate(t.Context(), chat(true), out); err != nil {
		t.Fatal(err)
	}
	if u := out.last().Usage; u == nil || !u.Estimated || u.Output < 50 || u.Output > 60 {
		t.Errorf("usage %+v", u)
	}
}

func TestRecordedRefusals(t *testing.T) {
	for _, c := range []struct {
		name, code string
		client     bool
		says       string
	}{
		{"chat-too-long", "context_length_exceeded", true, "request (931 tokens) exceeds the available context size (512 tokens)"},
		{"chat-bad-field", "invalid_request", true, "Expected 'messages' to be an array"},
		{"chat-bad-json", "upstream_error", false, "parse error at line 1, column 10"},
	} {
		rec := load(t, c.name)
		for _, stream := range []bool{false, true} {
			s := llama(t)
			e := healthy(t, config(s.URL))
			s.handle(rec.path, rec.serve(0))
			var refused *engine.Error
			err := e.Generate(t.Context(), chat(stream), newSink())
			if !errors.As(err, &refused) || refused.Code != c.code || refused.Client != c.client ||
				refused.Retry == c.client || refused.Status != rec.status || !strings.Contains(refused.Message, c.says) {
				t.Errorf("%s: %+v", c.name, err)
			}
		}
	}
}

func TestWrongModelNameListsTheModels(t *testing.T) {
	s := newServer(t)
	s.handle("/v1/models", page(`{"data":[{"id":"a","owned_by":"vllm"},{"id":"b","owned_by":"vllm"}]}`))
	st := open(t, config(s.URL)).Stats()
	if st.Healthy || !strings.Contains(st.HealthMessage, `it has "a", "b": give --model NAME=UPSTREAM_NAME`) {
		t.Errorf("%+v", st)
	}
}

func TestUnreachableUpstreamSaysWhatToDo(t *testing.T) {
	s := newServer(t)
	url := s.URL
	s.Server.Close()
	e := open(t, config(url))
	if st := e.Stats(); st.Healthy || !strings.Contains(st.HealthMessage, "start it, or correct --upstream") || strings.Contains(st.HealthMessage, "\n") {
		t.Errorf("%+v", st)
	}
	var refused *engine.Error
	if err := e.Generate(t.Context(), chat(true), newSink()); !errors.As(err, &refused) || !refused.Retry || refused.Client {
		t.Errorf("%+v", err)
	}
}

var _ http.Handler = (*server)(nil)
