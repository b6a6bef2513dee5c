package enginesim_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/enginesim"
)

var origin = time.Unix(0, 0)

func newMachine(t *testing.T, change func(*enginesim.Config)) *enginesim.Machine {
	t.Helper()
	cfg := enginesim.DefaultConfig()
	if change != nil {
		change(&cfg)
	}
	m, err := enginesim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// drain steps the machine to its end and returns the time of the last step; each sees every delta.
func drain(t *testing.T, m *enginesim.Machine, each func(enginesim.Delta, time.Time)) time.Time {
	t.Helper()
	now := origin
	for range 1_000_000 {
		at, ok := m.Next()
		if !ok {
			return now
		}
		now = at
		for _, d := range m.Step(now) {
			if each != nil {
				each(d, now)
			}
		}
	}
	t.Fatal("the machine does not come to an end")
	return now
}

func prompt(seed uint64, n int) []int32 {
	r := rand.New(rand.NewPCG(seed, 0))
	p := make([]int32, n)
	for i := range p {
		p[i] = r.Int32N(1000)
	}
	return p
}

func mustAdd(t *testing.T, m *enginesim.Machine, s *enginesim.Seq, now time.Time) {
	t.Helper()
	if err := m.Add(s, now); err != nil {
		t.Fatal(err)
	}
}

func TestCostModel(t *testing.T) {
	m := newMachine(t, func(c *enginesim.Config) {
		c.PrefillRate, c.StepBase, c.StepPerSeq, c.ChunkTokens = 1000, 10*time.Millisecond, time.Millisecond, 100
	})
	s := &enginesim.Seq{Prompt: prompt(1, 250), MaxTokens: 3}
	mustAdd(t, m, s, origin)
	end := drain(t, m, nil)
	// Chunks of 100, 100 and 50 tokens, then two decode steps.
	prefill := 3*10*time.Millisecond + 250*time.Millisecond
	if got := s.First.Sub(origin); got != prefill {
		t.Errorf("first token after %v, want %v", got, prefill)
	}
	if got, want := end.Sub(s.First), 2*11*time.Millisecond; got != want {
		t.Errorf("two more tokens took %v, want %v", got, want)
	}
}

func TestPrefixIsComputedOnce(t *testing.T) {
	m := newMachine(t, nil)
	shared := prompt(1, 1000)
	first := &enginesim.Seq{Prompt: shared, MaxTokens: 20}
	mustAdd(t, m, first, origin)
	now := drain(t, m, nil)
	second := &enginesim.Seq{Prompt: append(shared[:1000:1000], prompt(2, 50)...), MaxTokens: 1}
	mustAdd(t, m, second, now)
	drain(t, m, nil)
	if want := 1000 / 16 * 16; first.Cached != 0 || second.Cached != want {
		t.Errorf("cached %d and %d tokens, want 0 and %d", first.Cached, second.Cached, want)
	}
	if a, b := first.First.Sub(first.Arrived), second.First.Sub(second.Arrived); b > a/4 {
		t.Errorf("first token after %v cold and %v cached: reuse should save most of it", a, b)
	}
}

func TestGrowingSessionFindsItsOwnAnswer(t *testing.T) {
	m := newMachine(t, nil)
	var answer []int32
	first := &enginesim.Seq{Prompt: prompt(1, 160), MaxTokens: 64}
	first.Sample = func() (int32, bool) { return int32(7000 + first.Output), false }
	mustAdd(t, m, first, origin)
	now := drain(t, m, func(d enginesim.Delta, _ time.Time) { answer = append(answer, d.Token) })
	turn := append(append(first.Prompt[:160:160], answer...), prompt(3, 30)...)
	second := &enginesim.Seq{Prompt: turn, MaxTokens: 1}
	mustAdd(t, m, second, now)
	drain(t, m, nil)
	if second.Cached < 208 { // 160 + 63 computed answer tokens hold 13 full blocks
		t.Errorf("cached %d tokens of prompt and answer, want 208", second.Cached)
	}
}

func TestDecodesGoOnBesideALongPrompt(t *testing.T) {
	m := newMachine(t, func(c *enginesim.Config) { c.ChunkTokens = 256 })
	short := &enginesim.Seq{Prompt: prompt(1, 8), MaxTokens: 50}
	long := &enginesim.Seq{Prompt: prompt(2, 8000), MaxTokens: 1}
	mustAdd(t, m, short, origin)
	mustAdd(t, m, long, origin)
	var last time.Time
	var worst time.Duration
	drain(t, m, func(d enginesim.Delta, now time.Time) {
		if d.Seq != short {
			return
		}
		if !d.First {
			worst = max(worst, now.Sub(last))
		}
		last = now
	})
	if limit := 50 * time.Millisecond; worst > limit {
		t.Errorf("a long prompt delays a running decode by %v, want at most one chunk (%v)", worst, limit)
	}
}

func TestSlotsBoundTheBatch(t *testing.T) {
	m := newMachine(t, func(c *enginesim.Config) { c.Slots = 4 })
	for i := range 10 {
		mustAdd(t, m, &enginesim.Seq{Prompt: prompt(uint64(i), 20), MaxTokens: 5}, origin)
	}
	most := 0
	drain(t, m, func(enginesim.Delta, time.Time) { most = max(most, m.Stats().Running) })
	if s := m.Stats(); most != 4 || s.Running != 0 || s.Waiting != 0 || s.OutputTokens != 50 {
		t.Errorf("at most %d ran at once (want 4), at the end %+v", most, s)
	}
}

func TestHeldSequenceKeepsItsSlotAndGetsNothing(t *testing.T) {
	m := newMachine(t, nil)
	s := &enginesim.Seq{Prompt: prompt(1, 20), MaxTokens: 10}
	mustAdd(t, m, s, origin)
	got := 0
	now := drain(t, m, func(enginesim.Delta, time.Time) {
		if got++; got == 3 {
			m.Hold(s)
		}
	})
	if st := m.Stats(); got != 3 || st.Running != 1 || st.KVUse == 0 {
		t.Fatalf("held after 3 tokens: got %d, stats %+v", got, st)
	}
	m.Resume(s, now.Add(time.Second))
	drain(t, m, func(enginesim.Delta, time.Time) { got++ })
	if got != 10 {
		t.Errorf("%d tokens after the resume, want 10", got)
	}
}

// Whatever comes, is cancelled, held or preempted: every sequence gets its exact tokens, and nothing is leaked.
func TestNothingIsLostOrLeaked(t *testing.T) {
	preempted := uint64(0)
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := newMachine(t, func(c *enginesim.Config) {
			c.Slots, c.KVBlocks, c.BlockSize, c.ChunkTokens = 1+r.IntN(12), 8+r.IntN(60), 1+r.IntN(16), 1+r.IntN(200)
			c.NoCache = r.IntN(4) == 0
		})
		limit := m.ContextLen()
		now, cancelled := origin, map[*enginesim.Seq]bool{}
		var all []*enginesim.Seq
		tokens := map[*enginesim.Seq]int{}
		for range 300 {
			switch op := r.IntN(10); {
			case op < 3:
				p := prompt(uint64(r.IntN(3)), 1+r.IntN(limit))
				s := &enginesim.Seq{Prompt: p, MaxTokens: 1 + r.IntN(40)}
				if err := m.Add(s, now); err == nil {
					all = append(all, s)
				} else if len(p) < limit {
					t.Fatalf("seed %d: a prompt of %d tokens is refused by a context of %d: %v", seed, len(p), limit, err)
				}
			case op == 3 && len(all) > 0:
				s := all[r.IntN(len(all))]
				if s.Ended.IsZero() {
					cancelled[s] = true
				}
				m.Cancel(s, now)
			case op == 4 && len(all) > 0:
				m.Hold(all[r.IntN(len(all))])
			case op == 5 && len(all) > 0:
				m.Resume(all[r.IntN(len(all))], now)
			default:
				if at, ok := m.Next(); ok {
					now = at
					for _, d := range m.Step(now) {
						tokens[d.Seq]++
					}
				}
			}
			if use := m.Stats().KVUse; use < 0 || use > 1 {
				t.Fatalf("seed %d: KV use is %v", seed, use)
			}
		}
		for _, s := range all {
			m.Resume(s, now)
		}
		drain(t, m, func(d enginesim.Delta, _ time.Time) { tokens[d.Seq]++ })
		for _, s := range all {
			want := min(s.MaxTokens, limit-len(s.Prompt))
			if got := tokens[s]; !cancelled[s] && got != want || got != s.Output {
				t.Fatalf("seed %d: %d tokens, reported %d, want %d", seed, got, s.Output, want)
			}
		}
		if st := m.Stats(); st.Running+st.Waiting+st.QueuedTokens != 0 || st.KVUse != 0 {
			t.Fatalf("seed %d: left behind %+v", seed, st)
		}
		preempted += m.Stats().Preemptions
	}
	if preempted == 0 {
		t.Error("no schedule preempted anything: the test does not reach what it is for")
	}
}

func TestTooLongPromptIsRefusedWithBothNumbers(t *testing.T) {
	m := newMachine(t, func(c *enginesim.Config) { c.Context = 100 })
	err := m.Add(&enginesim.Seq{Prompt: prompt(1, 100)}, origin)
	if want := "prompt does not fit into the context: 100 tokens, and the context holds 100 with at least one for the answer"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestConfigIsValidated(t *testing.T) {
	for name, change := range map[string]func(*enginesim.Config){
		"slots":        func(c *enginesim.Config) { c.Slots = 0 },
		"kv_blocks":    func(c *enginesim.Config) { c.KVBlocks = 1 },
		"block_size":   func(c *enginesim.Config) { c.BlockSize = 0 },
		"chunk_tokens": func(c *enginesim.Config) { c.ChunkTokens = 0 },
		"prefill_rate": func(c *enginesim.Config) { c.PrefillRate = 0 },
		"step_base":    func(c *enginesim.Config) { c.StepBase = 0 },
		"context":      func(c *enginesim.Config) { c.Context = 1 },
	} {
		cfg := enginesim.DefaultConfig()
		change(&cfg)
		if _, err := enginesim.New(cfg); err == nil {
			t.Errorf("a bad %s is accepted", name)
		}
	}
}

func BenchmarkStep1000(b *testing.B) {
	cfg := enginesim.DefaultConfig()
	cfg.Slots, cfg.KVBlocks = 1000, 1<<20
	m, err := enginesim.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	for i := range 1000 {
		if err := m.Add(&enginesim.Seq{Prompt: prompt(uint64(i), 16)}, origin); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		at, _ := m.Next()
		m.Step(at)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/token")
}
