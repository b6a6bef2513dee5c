package llama_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/llama"
)

// TestLongPromptDelaysDecodesByOneChunk watches a running sequence's gaps in steps: between two of its tokens at most
// one chunk of prompt tokens is processed.
func TestLongPromptDelaysDecodesByOneChunk(t *testing.T) {
	const chunk = 32
	var mu sync.Mutex
	prefilled, worst := 0, 0
	e := start(t, func(c *llama.Config) { c.Chunk = chunk }, llama.Deps{OnStep: func(s llama.StepTiming) {
		mu.Lock()
		defer mu.Unlock()
		if s.Kind == "prefill" {
			prefilled += s.Tokens
			return
		}
		worst, prefilled = max(worst, prefilled), 0
	}})
	started := make(chan struct{})
	first := sync.OnceFunc(func() { close(started) })
	var wg sync.WaitGroup
	wg.Go(func() {
		q := engine.Request{Prompt: engine.Prompt{Text: "Once"}, Sampling: greedy(), MaxTokens: 60, IgnoreEOS: true}
		if err := e.Generate(t.Context(), &q, &sink{onDelta: func(engine.Delta) { first() }}); err != nil {
			t.Error(err)
		}
	})
	<-started
	mu.Lock()
	prefilled, worst = 0, 0
	mu.Unlock()
	for i := range 3 {
		wg.Go(func() {
			generate(t, e, engine.Request{Prompt: engine.Prompt{Text: fmt.Sprint(i, prose[:500])}, MaxTokens: 1})
		})
	}
	wg.Wait()
	if worst > chunk || worst == 0 {
		t.Errorf("%d prompt tokens between two decode steps, the chunk is %d", worst, chunk)
	}
}

// TestPromptsTakeTurnsWithRunningSequences: many prompts that come at once hold a running sequence up by about a decode
// step, or 16 tokens, each turn; where nothing runs, a prompt is taken by whole chunks.
func TestPromptsTakeTurnsWithRunningSequences(t *testing.T) {
	const chunk = 128
	var mu sync.Mutex
	prefilled, biggest := 0, 0
	var between []int
	e := start(t, func(c *llama.Config) { c.Chunk = chunk }, llama.Deps{OnStep: func(s llama.StepTiming) {
		mu.Lock()
		defer mu.Unlock()
		if s.Kind == "prefill" {
			prefilled, biggest = prefilled+s.Tokens, max(biggest, s.Tokens)
			return
		}
		between, prefilled = append(between, prefilled), 0
	}})
	prompt := func(i int) engine.Prompt { return engine.Prompt{Text: fmt.Sprint(i, prose[:700])} }
	generate(t, e, engine.Request{Prompt: prompt(0), MaxTokens: 1})
	if biggest != chunk {
		t.Errorf("alone, the largest call had %d tokens, want a chunk of %d", biggest, chunk)
	}
	ctx, leave := context.WithCancel(t.Context())
	started := make(chan struct{})
	first := sync.OnceFunc(func() { close(started) })
	var wg sync.WaitGroup
	wg.Go(func() {
		q := engine.Request{Prompt: engine.Prompt{Text: "Once"}, Sampling: greedy(), MaxTokens: 400, IgnoreEOS: true}
		_ = e.Generate(ctx, &q, &sink{onDelta: func(engine.Delta) { first() }})
	})
	<-started
	mu.Lock()
	prefilled, between = 0, nil
	mu.Unlock()
	var prompts sync.WaitGroup
	for i := range 3 {
		prompts.Go(func() { generate(t, e, engine.Request{Prompt: prompt(1 + i), MaxTokens: 1}) })
	}
	prompts.Wait()
	leave()
	wg.Wait()
	// One sequence runs: what prefills in the time of its step is the ratio of the rates, of which the engine has means.
	st := e.Stats()
	limit := max(16, int(2*st.PrefillRate/st.DecodeRate))
	if worst := slices.Max(between); worst > limit || worst < 8 {
		t.Errorf("%d prompt tokens between two decode steps, want at most %d and no trickle", worst, limit)
	}
}
