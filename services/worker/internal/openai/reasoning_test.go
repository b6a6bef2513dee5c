package openai_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/openai"
)

func thought(name, text string) string {
	return fmt.Sprintf("data: {\"choices\":[{\"index\":0,\"delta\":{%q:%q},\"finish_reason\":null}]}\n\n", name, text)
}

// said spells deltas in the order in which a client reads them: reasoning in brackets, text bare.
func said(deltas []engine.Delta) string {
	var b strings.Builder
	for _, d := range deltas {
		if d.Reasoning != "" {
			b.WriteString("[" + d.Reasoning + "]")
		}
		b.WriteString(d.Text)
	}
	return strings.ReplaceAll(b.String(), "][", "")
}

func TestReasoningIsRelayedInItsPlace(t *testing.T) {
	both := engine.Usage{UncachedInput: 6, CacheRead: 4, Output: 4, Reasoning: 2}
	for _, c := range []struct {
		name   string
		pieces []string
		want   string
	}{
		{"DeepSeek's and SGLang's name", []string{thought("reasoning_content", "let "), thought("reasoning_content", "me"), event("so"), finished, usage, done}, "[let me]so"},
		{"vLLM's name", []string{thought("reasoning", "let "), thought("reasoning", "me"), event("so"), finished, usage, done}, "[let me]so"},
		{"both names", []string{`data: {"choices":[{"delta":{"reasoning":"hm","reasoning_content":"hm"}}]}` + "\n\n", event("so"), finished, usage, done}, "[hm]so"},
		{"in one chunk", []string{`data: {"choices":[{"delta":{"content":"so","reasoning_content":"hm"}}]}` + "\n\n", finished, usage, done}, "[hm]so"},
		{"in turns", []string{thought("reasoning", "a") + event("b") + thought("reasoning", "c") + event("d") + event("e") + finished + usage + done}, "[a]b[c]de"},
		{"with the finish reason", []string{event("a") + `data: {"choices":[{"delta":{"reasoning":"b"},"finish_reason":"stop"}]}` + "\n\n", usage, done}, "a[b]"},
		{"escaped", []string{thought("reasoning", "\"é\n"), event("so"), finished, usage, done}, "[\"é\n]so"},
		{"only reasoning", []string{thought("reasoning", "a"), finished, usage, done}, "[a]"},
	} {
		bothTransports(t, c.name, func(t *testing.T, open func(openai.Config) *openai.Engine) {
			s := newServer(t)
			e := open(config(s.URL))
			s.handle("/v1/chat/completions", streaming(nil, c.pieces...))
			out := newSink()
			if err := e.Generate(t.Context(), chat(true), out); err != nil {
				t.Fatal(err)
			}
			if got := said(out.deltas); got != c.want || *out.last().Usage != both {
				t.Errorf("%q, want %q; usage %+v", got, c.want, out.last().Usage)
			}
		})
	}
}

// Reasoning goes out while the upstream thinks, not with the answer.
func TestReasoningDoesNotWaitForTheAnswer(t *testing.T) {
	s := newServer(t)
	e := healthy(t, config(s.URL))
	s.handle("/v1/chat/completions", streaming(s.hang, thought("reasoning_content", "hm")))
	out := newSink()
	go func() { _ = e.Generate(t.Context(), chat(true), out) }()
	<-out.first
	out.mu.Lock()
	defer out.mu.Unlock()
	if d := out.deltas[0]; d.Reasoning != "hm" || d.Text != "" {
		t.Errorf("%+v", d)
	}
}

func TestAWholeAnswerHasItsReasoning(t *testing.T) {
	for _, name := range []string{"reasoning_content", "reasoning"} {
		s := newServer(t)
		e := healthy(t, config(s.URL))
		s.handle("/v1/chat/completions", page(fmt.Sprintf(`{"choices":[{"finish_reason":"stop","message":{"role":"assistant",%q:"hm","content":"so"}}],
			"usage":{"prompt_tokens":3,"completion_tokens":5,"completion_tokens_details":{"reasoning_tokens":2}}}`, name)))
		out := newSink()
		if err := e.Generate(t.Context(), chat(false), out); err != nil {
			t.Fatal(err)
		}
		if d := out.last(); d.Reasoning != "hm" || d.Text != "so" || d.Usage.Reasoning != 2 || d.Usage.Output != 3 {
			t.Errorf("%s: %+v, usage %+v", name, d, d.Usage)
		}
	}
}
