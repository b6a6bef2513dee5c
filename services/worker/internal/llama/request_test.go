package llama_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/llama"
)

func TestRequests(t *testing.T) {
	var steps sync.Map
	bracket := &brackets{}
	e := start(t, nil, llama.Deps{Steps: bracket, OnStep: func(s llama.StepTiming) { steps.Store(s.Kind, s) }})
	ask := func(text string, n int) engine.Request {
		return engine.Request{Prompt: engine.Prompt{Text: text}, Sampling: greedy(), MaxTokens: n}
	}
	t.Run("greedy answer, usage and timing", func(t *testing.T) {
		d := generate(t, e, ask("The capital of France is", 4))
		if !strings.HasPrefix(d.Text, " Paris") || d.Finish != engine.FinishLength || len(d.Tokens) != 4 {
			t.Errorf("%+v", d)
		}
		if u := *d.Usage; u.UncachedInput+u.CacheRead != 5 || u.Output != 4 {
			t.Errorf("usage %+v", u)
		}
		if tm := *d.Timing; tm.Prefill <= 0 || tm.Decode <= 0 || tm.Queue < 0 {
			t.Errorf("timing %+v", tm)
		}
	})
	t.Run("a cached prefix is counted and changes nothing", func(t *testing.T) {
		q := ask(prose[:600], 6)
		cold := generate(t, e, q)
		warm := generate(t, e, q)
		if warm.Usage.CacheRead < 100 || warm.Usage.UncachedInput != 2 {
			t.Errorf("usage %+v, want all but 2 tokens from the cache", *warm.Usage)
		}
		if !slices.Equal(cold.Tokens, warm.Tokens) {
			t.Errorf("cold %v, cached %v", cold.Tokens, warm.Tokens)
		}
	})
	t.Run("stop strings are never shown", func(t *testing.T) {
		free := generate(t, e, ask("Count: one, two, three,", 24)).Text
		for _, stop := range []string{free[7:12], free[3:4], free[10:18]} {
			q := ask("Count: one, two, three,", 24)
			q.Stop = []string{"never there", stop}
			d := generate(t, e, q)
			if want, _, _ := strings.Cut(free, stop); d.Text != want || d.Finish != engine.FinishStop {
				t.Errorf("stop %q: got %q (%s), want %q", stop, d.Text, d.Finish, want)
			}
		}
	})
	t.Run("end of generation", func(t *testing.T) {
		q := engine.Request{Prompt: engine.Prompt{Text: "<|im_start|>user\nSay hi.<|im_end|>\n<|im_start|>assistant\n", ParseSpecial: true}, Sampling: greedy(), MaxTokens: 200, Logprobs: true}
		q.LogitBias = towardsEnd(t, e)
		d := generate(t, e, q)
		if d.Finish != engine.FinishStop || strings.Contains(d.Text, "<|im_end|>") || len(d.Tokens) != d.Usage.Output || len(d.Logprobs) != len(d.Tokens) {
			t.Errorf("%q %s, %d tokens, %d log-probabilities, usage %+v", d.Text, d.Finish, len(d.Tokens), len(d.Logprobs), *d.Usage)
		}
		if last := d.Logprobs[len(d.Logprobs)-1]; string(last.Text) != "<|im_end|>" {
			t.Errorf("the last token is %q", last.Text)
		}
		q.IgnoreEOS, q.MaxTokens = true, d.Usage.Output+5
		if d := generate(t, e, q); d.Finish != engine.FinishLength || d.Usage.Output != q.MaxTokens {
			t.Errorf("ignore_eos: %s after %d tokens", d.Finish, d.Usage.Output)
		}
	})
	t.Run("whole characters only", func(t *testing.T) {
		var s sink
		q := ask("Emoji: 😀 😃 😄 😁 😆 日本語 漢字 😀 😃 😄", 40)
		q.IgnoreEOS = true
		if err := e.Generate(t.Context(), &q, &s); err != nil {
			t.Fatal(err)
		}
		for _, d := range s.deltas {
			if !utf8.ValidString(d.Text) {
				t.Errorf("delta %q is no whole text", d.Text)
			}
		}
	})
	t.Run("seeds", func(t *testing.T) {
		q := engine.Request{Prompt: engine.Prompt{Text: "A story:"}, MaxTokens: 10}
		texts := map[string]bool{}
		for _, seed := range []int64{1, 1, 2, 3} {
			q.Seed = &seed
			texts[generate(t, e, q).Text] = true
		}
		if len(texts) != 3 {
			t.Errorf("seeds 1, 1, 2, 3 gave %d different texts, want 3", len(texts))
		}
		q.Seed, q.AutoSeed = nil, 2
		if !texts[generate(t, e, q).Text] {
			t.Error("AutoSeed 2 differs from seed 2")
		}
	})
	t.Run("logit_bias", func(t *testing.T) {
		ids, err := e.Tokenize(t.Context(), " Rome", false, false)
		if err != nil || len(ids) != 1 {
			t.Fatal(ids, err)
		}
		q := ask("The capital of France is", 1)
		q.LogitBias, q.Logprobs = map[int32]float64{ids[0]: 100}, true
		d := generate(t, e, q)
		if d.Text != " Rome" || d.Logprobs[0].Logprob > -1 {
			t.Errorf("got %q with log-probability %v: want the biased token with its unmodified probability", d.Text, d.Logprobs[0].Logprob)
		}
	})
	t.Run("top_logprobs", func(t *testing.T) {
		q := ask("The capital of France is", 3)
		q.Logprobs, q.TopLogprob = true, 5
		for _, lp := range generate(t, e, q).Logprobs {
			if len(lp.Top) != 5 || lp.Top[0].ID != lp.ID || lp.Top[0].Logprob != lp.Logprob || lp.Logprob >= 0 {
				t.Errorf("%+v", lp)
			}
			if !slices.IsSortedFunc(lp.Top, func(a, b engine.TopLogprob) int { return int(math.Copysign(1, b.Logprob-a.Logprob)) }) {
				t.Errorf("alternatives are not in falling order: %+v", lp.Top)
			}
		}
	})
	t.Run("echo without log-probabilities", func(t *testing.T) {
		q := ask(prose, 1)
		q.Echo = true
		q.Prompt.Text = prose[:800]
		var s sink
		if err := e.Generate(t.Context(), &q, &s); err != nil {
			t.Fatal(err)
		}
		var text []byte
		for _, d := range s.deltas {
			if len(d.Prompt) > 256 {
				t.Errorf("a delta echoes %d tokens", len(d.Prompt))
			}
			for _, p := range d.Prompt {
				text = append(text, p.Text...)
			}
		}
		if d := s.whole(); string(text) != q.Prompt.Text || len(d.Prompt) != d.Usage.UncachedInput+d.Usage.CacheRead {
			t.Errorf("echoed %d tokens, usage %+v: %q", len(d.Prompt), *d.Usage, text)
		}
	})
	t.Run("tokens round trip", func(t *testing.T) {
		for _, text := range []string{"", "Hello, wörld! 日本 😀", "<|im_start|>user", "a\x00b"} {
			ids, err := e.Tokenize(t.Context(), text, false, true)
			if err != nil {
				t.Fatal(err)
			}
			if back, err := e.Detokenize(t.Context(), ids); err != nil || back != text {
				t.Errorf("%q came back as %q (%v)", text, back, err)
			}
		}
		var refused *engine.Error
		if _, err := e.Detokenize(t.Context(), []int32{1 << 30}); !errors.As(err, &refused) || !refused.Client || refused.Param != "tokens" {
			t.Errorf("a token outside the vocabulary: %v, want a refusal that names tokens", err)
		}
		if a, _ := e.Tokenize(t.Context(), "<|im_start|>", false, true); len(a) != 1 {
			t.Errorf("a special token is %d tokens where they are parsed", len(a))
		}
		if a, _ := e.Tokenize(t.Context(), "<|im_start|>", false, false); len(a) < 2 {
			t.Errorf("a special token is %d tokens where they are not parsed", len(a))
		}
	})
	bracket.check(t)
	for _, kind := range []string{"prefill", "decode"} {
		if s, ok := steps.Load(kind); !ok || s.(llama.StepTiming).Elapsed <= 0 || s.(llama.StepTiming).Tokens <= 0 {
			t.Errorf("no timing of %s steps: %+v", kind, s)
		}
	}
	if st := e.Stats(); st.PromptTokens == 0 || st.CachedTokens == 0 || st.OutputTokens == 0 || st.Steps == 0 || st.QueuedTokens != 0 || st.PrefillRate <= 0 || st.DecodeRate <= 0 || !st.Healthy {
		t.Errorf("stats %+v", st)
	}
}

// brackets checks that holds and releases are paired.
type brackets struct {
	mu         sync.Mutex
	depth, all int
	bad        bool
}

func (b *brackets) Hold()    { b.move(1) }
func (b *brackets) Release() { b.move(-1) }

func (b *brackets) move(d int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.depth += d
	b.all++
	b.bad = b.bad || b.depth < 0 || b.depth > 1
}

func (b *brackets) check(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bad || b.depth != 0 || b.all == 0 {
		t.Errorf("brackets are not paired: %+v", b)
	}
}

func TestRefusals(t *testing.T) {
	e := start(t, func(c *llama.Config) { c.Context = 256 }, llama.Deps{})
	num := func(v float64) *float64 { return &v }
	minus := -5
	for name, c := range map[string]struct {
		req         engine.Request
		code, param string
		says        []string
	}{
		"prompt too long":      {engine.Request{Prompt: engine.Prompt{Text: prose + prose}}, "context_length_exceeded", "prompt", []string{"256", "tokens"}},
		"far too long":         {engine.Request{Prompt: engine.Prompt{Text: strings.Repeat("word ", 1<<20)}}, "context_length_exceeded", "prompt", []string{"256", "at least"}},
		"output too long":      {engine.Request{Prompt: engine.Prompt{Text: "Hi"}, MaxTokens: 256}, "context_length_exceeded", "prompt", []string{"256 more", "has 1"}},
		"token out of range":   {engine.Request{Prompt: engine.Prompt{Tokens: []int32{1, 49152}}}, "invalid_prompt", "prompt", []string{"49152", "49151"}},
		"negative token":       {engine.Request{Prompt: engine.Prompt{Tokens: []int32{-1}}}, "invalid_prompt", "prompt", []string{"-1"}},
		"chat messages":        {engine.Request{Prompt: engine.Prompt{Messages: []byte("[]")}}, "invalid_prompt", "messages", nil},
		"temperature":          {engine.Request{Prompt: engine.Prompt{Text: "x"}, Sampling: engine.Sampling{Temperature: num(-1)}}, "invalid_value", "temperature", []string{"-1"}},
		"temperature NaN":      {engine.Request{Prompt: engine.Prompt{Text: "x"}, Sampling: engine.Sampling{Temperature: num(math.NaN())}}, "invalid_value", "temperature", nil},
		"top_p":                {engine.Request{Prompt: engine.Prompt{Text: "x"}, Sampling: engine.Sampling{TopP: num(0)}}, "invalid_value", "top_p", nil},
		"top_k":                {engine.Request{Prompt: engine.Prompt{Text: "x"}, Sampling: engine.Sampling{TopK: &minus}}, "invalid_value", "top_k", nil},
		"logit_bias":           {engine.Request{Prompt: engine.Prompt{Text: "x"}, Sampling: engine.Sampling{LogitBias: map[int32]float64{-3: 1}}}, "invalid_value", "logit_bias", []string{"-3"}},
		"top_logprobs":         {engine.Request{Prompt: engine.Prompt{Text: "x"}, TopLogprob: 21}, "invalid_value", "top_logprobs", []string{"21"}},
		"negative max_tokens":  {engine.Request{Prompt: engine.Prompt{Text: "x"}, MaxTokens: -1}, "invalid_value", "max_tokens", nil},
		"frequency too strong": {engine.Request{Prompt: engine.Prompt{Text: "x"}, Sampling: engine.Sampling{FrequencyPenalty: num(3)}}, "invalid_value", "frequency_penalty", nil},
	} {
		err := e.Generate(t.Context(), &c.req, &sink{})
		var ee *engine.Error
		if !errors.As(err, &ee) || ee.Code != c.code || ee.Param != c.param || !ee.Client || ee.Retry {
			t.Errorf("%s: got %#v", name, err)
			continue
		}
		for _, s := range c.says {
			if !strings.Contains(ee.Message, s) {
				t.Errorf("%s: %q does not say %q", name, ee.Message, s)
			}
		}
	}
	// The whole context can be used, to its last token.
	ids, err := e.Tokenize(t.Context(), prose[:500], false, false)
	if err != nil {
		t.Fatal(err)
	}
	d := generate(t, e, engine.Request{Prompt: engine.Prompt{Tokens: ids}, Sampling: greedy(), IgnoreEOS: true})
	if d.Finish != engine.FinishLength || len(ids)+d.Usage.Output != 256 {
		t.Errorf("%s after %d + %d tokens of 256", d.Finish, len(ids), d.Usage.Output)
	}
}

// TestCancelFreesTheSlotSoon cancels inside a prefill whose one native call takes seconds, between decode steps, and
// while a sequence waits; other sequences go on.
func TestCancelFreesTheSlotSoon(t *testing.T) {
	e := start(t, func(c *llama.Config) { c.Slots, c.Chunk, c.Context = 2, 500, 512 }, llama.Deps{})
	ids, err := e.Tokenize(t.Context(), strings.Repeat(prose, 3), false, false)
	if err != nil {
		t.Fatal(err)
	}
	inPrefill := func(i int) (time.Duration, error) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		at := make(chan time.Time, 1)
		time.AfterFunc(time.Duration(20+15*i)*time.Millisecond, func() { at <- time.Now(); cancel() })
		err := e.Generate(ctx, &engine.Request{Prompt: engine.Prompt{Tokens: ids[i : i+480]}, MaxTokens: 1}, &sink{})
		return time.Since(<-at), err
	}
	inDecode := func(i int) (time.Duration, error) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		at, n := make(chan time.Time, 1), 0
		s := &sink{onDelta: func(engine.Delta) {
			if n++; n == 2+i%3 {
				at <- time.Now()
				cancel()
			}
		}}
		err := e.Generate(ctx, &engine.Request{Prompt: engine.Prompt{Text: "Once"}, Sampling: greedy(), IgnoreEOS: true}, s)
		return time.Since(<-at), err
	}
	serve := func() time.Duration {
		begin := time.Now()
		generate(t, e, engine.Request{Prompt: engine.Prompt{Tokens: ids[:3]}, Sampling: greedy(), MaxTokens: 1})
		return time.Since(begin)
	}
	alone := min(serve(), serve(), serve())
	for name, run := range map[string]func(int) (time.Duration, error){"in a prefill": inPrefill, "in decode": inDecode} {
		var took []time.Duration
		for i := range 15 {
			d, err := run(i)
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("%s: %v", name, err)
			}
			if st := e.Stats(); st.Running != 0 {
				t.Fatalf("%s: the slot is still held: %+v", name, st)
			}
			// The end is told at once; the child has left the sequence when another one has been served.
			took = append(took, max(d, d+serve()-alone))
		}
		slices.Sort(took)
		t.Logf("%s: median %v, worst %v of %d", name, took[len(took)/2], took[len(took)-1], len(took))
		// The tail on a machine that others use is theirs; the benchmark reports it.
		if took[len(took)/2] > 50*time.Millisecond {
			t.Errorf("%s: median %v, want at most 50 ms", name, took[len(took)/2])
		}
	}
	d := generate(t, e, engine.Request{Prompt: engine.Prompt{Text: "The capital of France is"}, Sampling: greedy(), MaxTokens: 2})
	if !strings.Contains(d.Text, "Paris") {
		t.Errorf("after the cancels: %q", d.Text)
	}
}

func TestCancelledNeighbourDisturbsNobody(t *testing.T) {
	for _, schedule := range []string{"exact", "fast"} {
		e := start(t, func(c *llama.Config) { c.Slots, c.Chunk, c.Context, c.Schedule = 3, 200, 512, schedule }, llama.Deps{})
		ids, err := e.Tokenize(t.Context(), strings.Repeat(prose, 3), false, false)
		if err != nil {
			t.Fatal(err)
		}
		q := engine.Request{Prompt: engine.Prompt{Text: "The capital of France is"}, Sampling: greedy(), MaxTokens: 30, IgnoreEOS: true}
		alone := generate(t, e, q)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			err := e.Generate(ctx, &engine.Request{Prompt: engine.Prompt{Tokens: ids[:450]}, MaxTokens: 40}, &sink{})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", schedule, err)
			}
		})
		n := 0
		s := &sink{onDelta: func(engine.Delta) {
			if n++; n == 3 {
				cancel()
			}
		}}
		if err := e.Generate(t.Context(), &q, s); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		if got := s.whole(); len(got.Tokens) != 30 || schedule == "exact" && got.Text != alone.Text {
			t.Errorf("%s: %d tokens %q, alone %q", schedule, len(got.Tokens), got.Text, alone.Text)
		}
	}
}

// TestSlowReaderPausesOnlyItself gives one sequence credit for a few deltas and another one all it wants.
func TestSlowReaderPausesOnlyItself(t *testing.T) {
	e := start(t, nil, llama.Deps{})
	q := engine.Request{Prompt: engine.Prompt{Text: "Once upon a time"}, Sampling: greedy(), MaxTokens: 60, IgnoreEOS: true}
	slow := &sink{credit: 5, granted: make(chan struct{})}
	done := make(chan error, 1)
	go func() { done <- e.Generate(t.Context(), &q, slow) }()
	eventually(t, 20*time.Second, "the credit is used up", func() bool { return slow.Credit() <= 0 })
	if d := generate(t, e, q); len(d.Tokens) != 60 {
		t.Fatalf("the free reader got %d tokens", len(d.Tokens))
	}
	slow.mu.Lock()
	n := len(slow.deltas)
	slow.credit = math.MaxInt
	slow.mu.Unlock()
	if n > 5+4 {
		t.Errorf("the paused reader got %d deltas with credit for 5", n)
	}
	if st := e.Stats(); st.Running != 1 {
		t.Errorf("the paused sequence holds no slot: %+v", st)
	}
	close(slow.granted)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if d := slow.whole(); len(d.Tokens) != 60 {
		t.Errorf("after the grant: %d tokens", len(d.Tokens))
	}
}
