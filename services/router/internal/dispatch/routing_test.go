package dispatch_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/enginesim"
	"github.com/leathq/leat/services/router/internal/policy"
)

// sharedPrefixes is open-loop traffic: one of 60 prefixes of 1,000 tokens, 100 tokens of one's own, 64 tokens of answer.
type sharedPrefixes struct {
	rate float64 // requests/s
	at   time.Time
}

const (
	prefixes     = 60
	prefixTokens = 1000
	ownTokens    = 100
)

// sharedLoad is the rate at which six engines would prefill for share of the time if nothing were cached.
func sharedLoad(share float64) *sharedPrefixes {
	return &sharedPrefixes{rate: 6 * share * 8000 / (prefixTokens + ownTokens)}
}

func tokens(seed uint64, n int) []int32 {
	r := rand.New(rand.NewPCG(seed, 3))
	s := make([]int32, n)
	for i := range s {
		s[i] = r.Int32N(30_000)
	}
	return s
}

func (w *sharedPrefixes) arrivals(f *fleet) (time.Time, func()) {
	if w.at.IsZero() {
		w.at = f.now
	}
	return w.at, func() {
		prompt := append(tokens(f.r.Uint64N(prefixes), prefixTokens), tokens(1000+f.r.Uint64(), ownTokens)...)
		f.submit(prompt, 64, nil)
		w.at = f.now.Add(time.Duration(f.r.ExpFloat64() / w.rate * float64(time.Second)))
	}
}

func TestSharedPrefixesFindTheirWorker(t *testing.T) {
	for _, share := range []float64{.72, .85} {
		base := newFleet(t, policy.LeastConnections{}, 1, 1).run(sharedLoad(share), 60*time.Second)
		got := newFleet(t, policy.Adaptive{}, 1, 1).run(sharedLoad(share), 60*time.Second)
		t.Logf("load %.2f  least_connections: %v", share, base)
		t.Logf("load %.2f  adaptive:          %v %v", share, got, got.per)
		if got.hits() < .88 {
			t.Errorf("load %.2f: prefix hits %.3f, want ≥ .88", share, got.hits())
		}
		if got.quantile(.5) > base.quantile(.5)/4 {
			t.Errorf("load %.2f: TTFT p50 %v, want ≤ a quarter of %v", share, got.quantile(.5), base.quantile(.5))
		}
	}
}

func TestASlowEngineDoesNotSpoilTheTail(t *testing.T) {
	base := newFleet(t, policy.LeastConnections{}, 5, 2).run(sharedLoad(.72), 60*time.Second)
	got := newFleet(t, policy.Adaptive{}, 5, 2).run(sharedLoad(.72), 60*time.Second)
	t.Logf("least_connections: %v %v", base, base.per)
	t.Logf("adaptive:          %v %v", got, got.per)
	if got.quantile(.99) > base.quantile(.99)/3 {
		t.Errorf("p99 %v, want ≤ a third of %v", got.quantile(.99), base.quantile(.99))
	}
}

// sessions grow: each turn repeats all that was said, asks 60 tokens more and gets 120, and 2 s later comes the next.
type sessions struct {
	rate  float64 // new sessions a second
	turns int
	at    time.Time
	due   []turn
	n     uint64
}

type turn struct {
	at     time.Time
	submit func()
}

func (w *sessions) arrivals(f *fleet) (time.Time, func()) {
	if w.at.IsZero() {
		w.at = f.now
	}
	for i, d := range w.due {
		if d.at.Before(w.at) {
			return d.at, func() {
				w.due = append(w.due[:i], w.due[i+1:]...)
				d.submit()
			}
		}
	}
	return w.at, func() {
		w.at = f.now.Add(time.Duration(f.r.ExpFloat64() / w.rate * float64(time.Second)))
		w.n++
		w.say(f, tokens(w.n<<20, 300), w.turns)
	}
}

func (w *sessions) say(f *fleet, history []int32, left int) {
	prompt := append(history[:len(history):len(history)], tokens(f.r.Uint64(), 60)...)
	f.submit(prompt, 120, func(answer int, now time.Time) {
		if left == 1 {
			return
		}
		for i := range answer {
			prompt = append(prompt, int32(i)) // the engine's answers are 0, 1, 2, …
		}
		at := now.Add(time.Duration((1.5 + f.r.Float64()) * float64(time.Second)))
		i := 0
		for i < len(w.due) && w.due[i].at.Before(at) {
			i++
		}
		w.due = append(w.due[:i], append([]turn{{at, func() { w.say(f, prompt, left-1) }}}, w.due[i:]...)...)
	})
}

func TestGrowingSessionsStayWhereTheyAre(t *testing.T) {
	load := func() workload { return &sessions{rate: 2, turns: 10} }
	base := newFleet(t, policy.LeastConnections{}, 1, 3).run(load(), 90*time.Second)
	got := newFleet(t, policy.Adaptive{}, 1, 3).run(load(), 90*time.Second)
	t.Logf("least_connections: %v", base)
	t.Logf("adaptive:          %v %v", got, got.per)
	if got.hits() < .88 {
		t.Errorf("prefix hits %.3f, want ≥ .88", got.hits())
	}
	if got.quantile(.5) > base.quantile(.5)/4 {
		t.Errorf("TTFT p50 %v, want ≤ a quarter of %v", got.quantile(.5), base.quantile(.5))
	}
}

// burst is n different cold prompts at once, half a millisecond after all engines have reported: five have a prompt of
// 4,000 tokens each, one is idle.
type burst struct {
	n    int
	long int
	at   time.Time
}

func (w *burst) arrivals(f *fleet) (time.Time, func()) {
	if w.at.IsZero() {
		w.at = f.now.Add(3990 * time.Millisecond)
	}
	if w.long < 5 {
		return w.at, func() {
			if w.long++; w.long == 5 {
				w.at = f.now.Add(10*time.Millisecond + 500*time.Microsecond)
			}
			f.submit(tokens(f.r.Uint64(), 4000), 16, nil)
		}
	}
	if w.n == 0 {
		return f.now.Add(time.Hour), func() {}
	}
	return w.at, func() {
		w.n--
		w.at = f.now.Add(10 * time.Microsecond)
		f.submit(tokens(f.r.Uint64(), 1000), 16, nil)
	}
}

func TestASynchronisedReportMakesNoHerd(t *testing.T) {
	const n = 60
	f := newFleet(t, policy.Adaptive{}, 1, 4)
	f.late = func(int) time.Duration { return 0 }
	got := f.run(&burst{n: n}, 12*time.Second)
	t.Logf("burst: %v", got.per)
	for name, k := range got.per { // level would be 13 for the idle one and 9 or 10, with the long one, for the others
		if k > 15 {
			t.Errorf("%s got %d of %d requests of a burst", name, k, n)
		}
	}
	// The same in the long run: reports at one moment are as good as spread ones.
	spread := newFleet(t, policy.Adaptive{}, 1, 5).run(sharedLoad(.85), 60*time.Second)
	f = newFleet(t, policy.Adaptive{}, 1, 5)
	f.late = func(int) time.Duration { return 0 }
	together := f.run(sharedLoad(.85), 60*time.Second)
	t.Logf("reports spread:   %v", spread)
	t.Logf("reports together: %v", together)
	if together.quantile(.99) > spread.quantile(.99)*5/4 {
		t.Errorf("p99 %v with synchronised reports, %v with spread ones", together.quantile(.99), spread.quantile(.99))
	}
}

func TestASlowEngineThatRecoversIsUsedAgain(t *testing.T) {
	f := newFleet(t, policy.Adaptive{}, 5, 6)
	f.run(&sessions{rate: 2, turns: 10}, 60*time.Second)
	slow, fast := f.engines[5], f.engines[0]
	before := f.result.per[slow.name]
	if before > f.result.per[fast.name]/4 {
		t.Fatalf("the slow engine got %d requests, a fast one %d", before, f.result.per[fast.name])
	}
	m, err := enginesim.New(fast.config)
	if err != nil {
		t.Fatal(err)
	}
	f.swap(slow, m)
	f.run(&sessions{rate: 2, turns: 10}, 60*time.Second)
	f.result = &result{per: map[string]int{}}
	f.run(&sessions{rate: 2, turns: 10}, 60*time.Second)
	if got := f.result.per[slow.name]; got < f.result.per[fast.name]/2 {
		t.Errorf("back at full speed the engine got %d requests, another one %d", got, f.result.per[fast.name])
	}
}
