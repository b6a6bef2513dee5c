package llama_test

import (
	"slices"
	"testing"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/llama"
	"github.com/leathq/leat/services/worker/internal/llama/wire"
)

func TestSelfTestCatchesWrongSchedules(t *testing.T) {
	classic := wire.Schedule{Name: "exact", MinChunk: 2} // attention without flash attention: exact only with care
	for name, spoil := range map[string]func(*wire.Schedule){
		"tiled flash attention":   func(s *wire.Schedule) { s.RowAttention = false },
		"unified KV":              func(s *wire.Schedule) { *s = classic; s.Unified = true },
		"prompts beside decodes":  func(s *wire.Schedule) { *s = classic; s.Mixed = true },
		"generated text as cache": func(s *wire.Schedule) { *s = classic; s.ReuseOutput = true },
		"chunks of one token":     func(s *wire.Schedule) { *s = classic; s.MinChunk = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			rules := wire.Exact()
			spoil(&rules)
			e := start(t, func(c *llama.Config) { c.Rules = &rules }, llama.Deps{})
			if info := e.Info(); info.Exact {
				t.Fatal("the self-test calls this schedule exact")
			} else {
				t.Log(info.ExactNote)
			}
		})
	}
}

// TestCarefulScheduleIsExactWithoutFlashAttention: the rules about chunks and calls are enough where attention's
// kernels do depend on the rows of a call.
func TestCarefulScheduleIsExactWithoutFlashAttention(t *testing.T) {
	rules := wire.Schedule{Name: "exact", MinChunk: 2, Learn: true}
	e := start(t, func(c *llama.Config) { c.Rules = &rules }, llama.Deps{})
	if info := e.Info(); !info.Exact {
		t.Error(info.ExactNote)
	}
	first := engine.Request{Prompt: engine.Prompt{Text: prose[:200]}, Sampling: greedy(), MaxTokens: 20, IgnoreEOS: true}
	d := generate(t, e, first)
	ids, err := e.Tokenize(t.Context(), prose[:200], false, false)
	if err != nil {
		t.Fatal(err)
	}
	next := slices.Concat(ids, d.Tokens, ids[:5])
	d = generate(t, e, engine.Request{Prompt: engine.Prompt{Tokens: next}, Sampling: greedy(), MaxTokens: 1})
	if d.Usage.CacheRead != len(ids) {
		t.Errorf("%d tokens from the cache, want the %d of the first prompt: generated text must not serve here", d.Usage.CacheRead, len(ids))
	}
}

// TestGeneratedTextServesAsPrefix: a conversation's next turn takes the answer before it from the cache, which the
// self-test found to be exact for this model.
func TestGeneratedTextServesAsPrefix(t *testing.T) {
	e := start(t, nil, llama.Deps{})
	ids, err := e.Tokenize(t.Context(), prose[:200], false, false)
	if err != nil {
		t.Fatal(err)
	}
	d := generate(t, e, engine.Request{Prompt: engine.Prompt{Tokens: ids}, Sampling: greedy(), MaxTokens: 20, IgnoreEOS: true})
	next := slices.Concat(ids, d.Tokens, ids[:5])
	d = generate(t, e, engine.Request{Prompt: engine.Prompt{Tokens: next}, Sampling: greedy(), MaxTokens: 1})
	if want := len(ids) + 19; d.Usage.CacheRead != want {
		t.Errorf("%d tokens from the cache, want %d: the last generated token was never fed back", d.Usage.CacheRead, want)
	}
}
