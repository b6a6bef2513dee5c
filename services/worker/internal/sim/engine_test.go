package sim_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leathq/leat/pkg/enginesim"
	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/sim"
)

// sink collects one sequence's deltas; credit is unlimited unless limit is set.
type sink struct {
	mu      sync.Mutex
	deltas  []engine.Delta
	limit   int // deltas that it takes until grant is called; 0: no limit
	granted chan struct{}
	first   chan struct{}
}

func newSink() *sink { return &sink{granted: make(chan struct{}), first: make(chan struct{})} }

func (s *sink) Emit(d engine.Delta) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deltas = append(s.deltas, d); len(s.deltas) == 1 {
		close(s.first)
	}
}

func (s *sink) Credit() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limit == 0 {
		return 1
	}
	return s.limit - len(s.deltas)
}

func (s *sink) Wait(ctx context.Context) error {
	select {
	case <-s.granted:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *sink) grant() {
	s.mu.Lock()
	s.limit = 0
	s.mu.Unlock()
	close(s.granted)
}

func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.deltas)
}

func (s *sink) text() string {
	var b strings.Builder
	for _, d := range s.deltas {
		b.WriteString(d.Text)
	}
	return b.String()
}

func (s *sink) tokens() (ids []int32) {
	for _, d := range s.deltas {
		ids = append(ids, d.Tokens...)
	}
	return ids
}

func (s *sink) logprobs() (lps []engine.TokenLogprob) {
	for _, d := range s.deltas {
		lps = append(lps, d.Logprobs...)
	}
	return lps
}

func (s *sink) echoed() (lps []engine.TokenLogprob) {
	for _, d := range s.deltas {
		lps = append(lps, d.Prompt...)
	}
	return lps
}

func (s *sink) last() engine.Delta { return s.deltas[len(s.deltas)-1] }

func open(t *testing.T, cfg sim.Config) *sim.Engine {
	t.Helper()
	e, err := sim.New(cfg, sim.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func run(t *testing.T, e *sim.Engine, req *engine.Request) *sink {
	t.Helper()
	s := newSink()
	if err := e.Generate(t.Context(), req, s); err != nil {
		t.Fatal(err)
	}
	return s
}

func textRequest(prompt string, maxTokens int) *engine.Request {
	return &engine.Request{Prompt: engine.Prompt{Text: prompt}, MaxTokens: maxTokens}
}

func ptr[T any](v T) *T { return &v }

func TestAnswerHasTextTokensUsageAndFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := open(t, sim.Config{})
		defer e.Close()
		req := textRequest("What is the capital of France?", 12)
		req.IgnoreEOS = true
		s := run(t, e, req)
		last := s.last()
		ids, err := e.Tokenize(t.Context(), req.Prompt.Text, false, false)
		if err != nil {
			t.Fatal(err)
		}
		want := &engine.Usage{UncachedInput: len(ids), Output: 12}
		if last.Finish != engine.FinishLength || !reflect.DeepEqual(last.Usage, want) || len(s.tokens()) != 12 {
			t.Errorf("finish %q, usage %+v, %d tokens", last.Finish, last.Usage, len(s.tokens()))
		}
		if text, err := e.Detokenize(t.Context(), s.tokens()); err != nil || text != s.text() || text == "" {
			t.Errorf("text %q, its tokens spell %q (%v)", s.text(), text, err)
		}
		if last.Timing == nil || last.Timing.Prefill <= 0 || last.Timing.Decode <= 0 {
			t.Errorf("timing %+v", last.Timing)
		}
	})
}

// An exact engine: company, cache and chunking change nothing of an answer.
func TestAnswerDoesNotDependOnLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alone := open(t, sim.Config{})
		defer alone.Close()
		cost := enginesim.DefaultConfig()
		cost.Slots, cost.KVBlocks, cost.ChunkTokens = 5, 40, 17
		busy := open(t, sim.Config{Cost: cost})
		defer busy.Close()
		var wg sync.WaitGroup
		for i := range 40 {
			r := rand.New(rand.NewPCG(uint64(i), 0))
			req := textRequest(strings.Repeat("shared prefix ", r.IntN(8))+fmt.Sprint(i), 1+r.IntN(60))
			req.Logprobs, req.TopLogprob, req.Echo = true, 3, i%2 == 0
			req.AutoSeed = int64(i)
			if i%3 == 0 {
				req.Temperature = ptr(0.0)
			}
			want := run(t, alone, req)
			wg.Go(func() {
				got := run(t, busy, req)
				if !reflect.DeepEqual(got.tokens(), want.tokens()) || !reflect.DeepEqual(got.logprobs(), want.logprobs()) ||
					!reflect.DeepEqual(got.echoed(), want.echoed()) || got.text() != want.text() {
					t.Errorf("request %d: %q beside others, %q alone", i, got.text(), want.text())
				}
			})
		}
		wg.Wait()
	})
}

// A moved sequence: prompt and half of the answer as a new prompt give the other half, with the same log-probabilities,
// and the echoed log-probabilities of the first half are those that it was generated with.
func TestAnswerContinuesFromItsOwnTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := open(t, sim.Config{})
		defer e.Close()
		req := textRequest("to be continued", 30)
		req.IgnoreEOS, req.Logprobs, req.Seed = true, true, ptr(int64(7))
		whole := run(t, e, req)
		prompt, _ := e.Tokenize(t.Context(), req.Prompt.Text, false, false)
		half := *req
		half.Prompt = engine.Prompt{Tokens: append(prompt, whole.tokens()[:13]...)}
		half.MaxTokens, half.Echo = 17, true
		rest := run(t, e, &half)
		if got := rest.tokens(); !reflect.DeepEqual(got, whole.tokens()[13:]) {
			t.Errorf("continued with %v, want %v", got, whole.tokens()[13:])
		}
		if got := rest.logprobs(); !reflect.DeepEqual(got, whole.logprobs()[13:]) {
			t.Error("log-probabilities of the rest differ")
		}
		if got := rest.echoed()[len(prompt):]; !reflect.DeepEqual(got, whole.logprobs()[:13]) {
			t.Error("echoed log-probabilities differ from the generated ones")
		}
	})
}

func TestSampling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := open(t, sim.Config{})
		defer e.Close()
		base := func(change func(*engine.Request)) string {
			req := textRequest("sampling", 40)
			req.IgnoreEOS, req.AutoSeed = true, 1
			change(req)
			return run(t, e, req).text()
		}
		plain := base(func(*engine.Request) {})
		greedy := base(func(r *engine.Request) { r.Temperature = ptr(0.0) })
		for name, change := range map[string]func(*engine.Request){
			"top_k=1":   func(r *engine.Request) { r.TopK = ptr(1) },
			"top_p=0":   func(r *engine.Request) { r.TopP = ptr(0.0) },
			"min_p=1":   func(r *engine.Request) { r.MinP = ptr(1.0) },
			"cold":      func(r *engine.Request) { r.Temperature = ptr(0.01) },
			"auto seed": func(r *engine.Request) { r.Temperature, r.AutoSeed = ptr(0.0), 9 },
		} {
			if got := base(change); got != greedy {
				t.Errorf("%s is not greedy", name)
			}
		}
		for name, change := range map[string]func(*engine.Request){
			"temperature": func(r *engine.Request) { r.Temperature = ptr(2.0) },
			"auto seed":   func(r *engine.Request) { r.AutoSeed = 2 },
			"seed":        func(r *engine.Request) { r.Seed = ptr(int64(2)) },
			"top_k":       func(r *engine.Request) { r.TopK = ptr(3) },
			"top_p":       func(r *engine.Request) { r.TopP = ptr(0.5) },
			"min_p":       func(r *engine.Request) { r.MinP = ptr(0.4) },
		} {
			if got := base(change); got == plain {
				t.Errorf("%s changes nothing", name)
			}
		}
		bias := base(func(r *engine.Request) { r.LogitBias = map[int32]float64{65: 100} })
		if bias != strings.Repeat("A", 40) {
			t.Errorf("a bias of 100 gives %q", bias)
		}
		penalty := base(func(r *engine.Request) {
			r.LogitBias, r.PresencePenalty = map[int32]float64{65: 30}, ptr(100.0)
		})
		if n := strings.Count(penalty, "A"); n != 1 {
			t.Errorf("a presence penalty leaves %d repetitions", n)
		}
	})
}

func TestEndOfText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := open(t, sim.Config{MeanOutput: 20})
		defer e.Close()
		lengths := 0
		for i := range 50 {
			s := run(t, e, textRequest(fmt.Sprint("story ", i), 0))
			if s.last().Finish != engine.FinishStop {
				t.Fatalf("finish is %q", s.last().Finish)
			}
			lengths += s.last().Usage.Output
		}
		if mean := lengths / 50; mean < 10 || mean > 60 {
			t.Errorf("mean length %d, want about 20 or a little above", mean)
		}
	})
}

func TestStopString(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := open(t, sim.Config{})
		defer e.Close()
		req := textRequest("stop here", 50)
		req.IgnoreEOS = true
		whole := run(t, e, req).text()
		for cut := 1; cut+7 < len(whole); cut += 5 {
			stopped := *req
			stopped.Stop = []string{"never this", whole[cut : cut+7]}
			s := run(t, e, &stopped)
			want := whole[:strings.Index(whole, whole[cut:cut+7])]
			if s.text() != want || s.last().Finish != engine.FinishStop {
				t.Fatalf("stop %q: got %q (%s), want %q", whole[cut:cut+7], s.text(), s.last().Finish, want)
			}
			for _, d := range s.deltas {
				if strings.Contains(d.Text, whole[cut:cut+7]) {
					t.Fatalf("the stop string is part of the text")
				}
			}
		}
	})
}

func TestEchoListsThePromptInPortions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := open(t, sim.Config{})
		defer e.Close()
		req := textRequest(strings.Repeat("word ", 600), 1)
		req.Echo, req.Logprobs, req.TopLogprob = true, true, 2
		s := run(t, e, req)
		ids, _ := e.Tokenize(t.Context(), req.Prompt.Text, false, false)
		echoed := s.echoed()
		if len(echoed) != len(ids) || !echoed[0].Null || len(s.deltas[0].Prompt) > 256 {
			t.Fatalf("%d of %d tokens, the first %+v, %d in one delta", len(echoed), len(ids), echoed[0], len(s.deltas[0].Prompt))
		}
		for i, lp := range echoed {
			if lp.ID != ids[i] || i > 0 && (lp.Null || lp.Logprob >= 0 || len(lp.Top) != 2) {
				t.Fatalf("entry %d: %+v", i, lp)
			}
		}
	})
}

func TestCreditPausesOnlyItsOwnSequence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := open(t, sim.Config{})
		defer e.Close()
		slow, quick := newSink(), newSink()
		slow.limit = 3
		req := textRequest("p", 100)
		req.IgnoreEOS = true
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := e.Generate(t.Context(), req, slow); err != nil {
				t.Error(err)
			}
		})
		if err := e.Generate(t.Context(), req, quick); err != nil {
			t.Fatal(err)
		}
		if got := slow.count(); got != 3 || quick.count() != 100 {
			t.Errorf("the paused one has %d deltas, the other one %d", got, quick.count())
		}
		if st := e.Stats(); st.Running != 1 {
			t.Errorf("the paused one lost its slot: %+v", st)
		}
		slow.grant()
		wg.Wait()
		if got := slow.text(); got != quick.text() {
			t.Error("a pause changed the answer")
		}
	})
}

func TestCancelAtEveryStageFreesAtOnce(t *testing.T) {
	cost := enginesim.DefaultConfig()
	cost.Slots, cost.ChunkTokens, cost.PrefillRate = 1, 4096, 1000 // a prefill step of seconds
	for _, stage := range []string{"queued", "prefill", "decode", "paused"} {
		t.Run(stage, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := open(t, sim.Config{Cost: cost})
				defer e.Close()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				req := textRequest("x", 0)
				req.IgnoreEOS = true
				if stage == "prefill" {
					req.Prompt.Text = strings.Repeat("word ", 8000)
				}
				if stage == "queued" {
					go func() { _ = e.Generate(t.Context(), req, newSink()) }()
					synctest.Wait()
				}
				s, result := newSink(), make(chan error, 1)
				if stage == "paused" {
					s.limit = 1
				}
				go func() { result <- e.Generate(ctx, req, s) }()
				if stage == "decode" || stage == "paused" {
					<-s.first
				}
				synctest.Wait()
				before := e.Stats()
				start := time.Now()
				cancel()
				if err := <-result; !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
				if took := time.Since(start); took > 50*time.Millisecond {
					t.Errorf("took %v", took)
				}
				after := e.Stats()
				if after.Running+after.Waiting != before.Running+before.Waiting-1 {
					t.Errorf("before %+v, after %+v", before, after)
				}
				seen := s.count()
				time.Sleep(10 * time.Second) // fake time: would a late step still emit?
				if s.count() != seen {
					t.Error("deltas after Generate returned")
				}
			})
		})
	}
}

func TestCloseEndsRunningSequences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := open(t, sim.Config{})
		paused := newSink()
		paused.limit = 1
		result := make(chan error, 2)
		req := textRequest("x", 0)
		req.IgnoreEOS = true
		go func() { result <- e.Generate(t.Context(), req, newSink()) }()
		go func() { result <- e.Generate(t.Context(), req, paused) }()
		<-paused.first
		synctest.Wait()
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := <-result; !errors.Is(err, engine.ErrClosed) {
				t.Errorf("got %v", err)
			}
		}
		if err := e.Generate(t.Context(), req, newSink()); !errors.Is(err, engine.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		if e.Stats().Healthy {
			t.Error("a closed engine is healthy")
		}
	})
}

func TestRefusals(t *testing.T) {
	cost := enginesim.DefaultConfig()
	cost.Context = 8
	e := open(t, sim.Config{Cost: cost})
	for name, c := range map[string]struct {
		prompt engine.Prompt
		code   string
	}{
		"empty":    {engine.Prompt{}, "invalid_prompt"},
		"messages": {engine.Prompt{Messages: []byte(`[]`)}, "invalid_prompt"},
		"too long": {engine.Prompt{Text: strings.Repeat("long ", 50)}, "context_length_exceeded"},
		"bad id":   {engine.Prompt{Tokens: []int32{300}}, "invalid_prompt"},
	} {
		var refused *engine.Error
		err := e.Generate(t.Context(), &engine.Request{Prompt: c.prompt}, newSink())
		if !errors.As(err, &refused) || refused.Code != c.code || !refused.Client || refused.Retry {
			t.Errorf("%s: %+v", name, err)
		}
	}
}

type bracket struct {
	mu    sync.Mutex
	depth int
	holds int
}

func (b *bracket) Hold()    { b.mu.Lock(); b.depth++; b.holds++; b.mu.Unlock() }
func (b *bracket) Release() { b.mu.Lock(); b.depth--; b.mu.Unlock() }

func TestStepsAreBracketed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bracket{}
		e, err := sim.New(sim.Config{}, sim.Deps{Steps: b})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		req := textRequest("x", 10)
		req.IgnoreEOS = true
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { run(t, e, req) })
		}
		wg.Wait()
		_ = e.Close()
		if b.depth != 0 || b.holds < 10 || b.holds > 30 {
			t.Errorf("%d brackets for 10 steps of 20 sequences, depth %d", b.holds, b.depth)
		}
	})
}

// In real time and under the race detector: what is cancelled at random leaves nothing behind.
func TestRandomCancelsLeakNothing(t *testing.T) {
	cost := enginesim.DefaultConfig()
	cost.StepBase, cost.StepPerSeq, cost.Slots = 200*time.Microsecond, 0, 16
	e := open(t, sim.Config{Cost: cost})
	var wg sync.WaitGroup
	for i := range 300 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 5))
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.IntN(20_000))*time.Microsecond)
			defer cancel()
			s := newSink()
			if i%4 == 0 {
				s.limit = 1 + i%3
			}
			_ = e.Generate(ctx, textRequest(strings.Repeat("a ", 1+r.IntN(200)), r.IntN(50)), s)
		})
	}
	wg.Wait()
	if st := e.Stats(); st.Running+st.Waiting+st.QueuedTokens != 0 || st.KVUse != 0 {
		t.Errorf("left behind: %+v", st)
	}
}
