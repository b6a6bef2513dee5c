package routing_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

const (
	prefixes     = 60
	prefixTokens = 1000
	ownTokens    = 100
	answerTokens = 48
	prefillRate  = 8000 // tokens/s of a simulated engine
)

// shared runs one of 60 prefixes of 1,000 tokens with 100 tokens of the request's own, at the rate at which the engines
// would prefill for share of the time if nothing were cached.
func (f *fleet) shared(t *testing.T, share float64, seed uint64) *result {
	t.Helper()
	res := &result{per: map[string]int{}}
	openLoop(engines*share*prefillRate/(prefixTokens+ownTokens), seed, func(r *rand.Rand, warm bool) {
		prompt := append(tokens(r.Uint64N(prefixes), prefixTokens), tokens(1000+r.Uint64(), ownTokens)...)
		a, err := f.complete(t.Context(), prompt, answerTokens)
		if !warm {
			res.add(a, err)
		}
	})
	return res.check(t)
}

func TestSharedPrefixesFindTheirWorker(t *testing.T) {
	base := start(t, "least_connections", 1).shared(t, .72, 1)
	got := start(t, "adaptive", 1).shared(t, .72, 1)
	compare(t, base, got)
}

// compare holds the claim of prefix routing: hits ≥ .88, and a quarter of the time to first token.
func compare(t *testing.T, base, got *result) {
	t.Helper()
	t.Logf("least_connections: %v", base)
	t.Logf("adaptive:          %v", got)
	if got.hits() < .88 {
		t.Errorf("prefix hits %.3f, want ≥ .88", got.hits())
	}
	if got.quantile(.5) > base.quantile(.5)/4 {
		t.Errorf("TTFT p50 %v, want ≤ a quarter of %v", got.quantile(.5), base.quantile(.5))
	}
}

func TestASlowEngineDoesNotSpoilTheTail(t *testing.T) {
	base := start(t, "least_connections", 5).shared(t, .72, 2)
	got := start(t, "adaptive", 5).shared(t, .72, 2)
	t.Logf("least_connections: %v", base)
	t.Logf("adaptive:          %v", got)
	if got.quantile(.99) > base.quantile(.99)/3 {
		t.Errorf("TTFT p99 %v, want ≤ a third of %v", got.quantile(.99), base.quantile(.99))
	}
}

// sessions run conversations of ten turns on one of the 60 prefixes: each turn repeats what was said, adds 48 tokens,
// and comes about a second after the last answer.
func (f *fleet) sessions(t *testing.T, rate float64, seed uint64) *result {
	t.Helper()
	res := &result{per: map[string]int{}}
	end := time.Now().Add(warmUp + measure)
	openLoop(rate, seed, func(r *rand.Rand, _ bool) {
		history := tokens(r.Uint64N(prefixes), prefixTokens)
		for range 10 {
			history = append(history, tokens(1000+r.Uint64(), 48)...)
			counts := time.Until(end) < measure && time.Now().Before(end)
			a, err := f.complete(t.Context(), history, answerTokens)
			if counts {
				res.add(a, err)
			}
			if err != nil || time.Now().After(end) {
				return
			}
			select {
			case <-t.Context().Done():
				return
			case <-time.After(time.Duration((.7 + .6*r.Float64()) * float64(time.Second))): // the user reads
			}
		}
	})
	return res.check(t)
}

func TestGrowingSessionsStayWhereTheyAre(t *testing.T) {
	base := start(t, "least_connections", 1).sessions(t, 3, 3)
	got := start(t, "adaptive", 1).sessions(t, 3, 3)
	compare(t, base, got)
}

func TestABurstAfterAReportMakesNoHerd(t *testing.T) {
	const n = 60
	f := start(t, "adaptive", 1)
	var long sync.WaitGroup
	for i := range engines - 1 { // five engines prefill for a second, one is idle
		long.Go(func() {
			if _, err := f.complete(t.Context(), tokens(uint64(5000+i), 8000), 1); err != nil {
				t.Error(err)
			}
		})
	}
	<-time.After(300 * time.Millisecond) // every worker has reported by now
	res := &result{per: map[string]int{}}
	var burst sync.WaitGroup
	for i := range n {
		burst.Go(func() {
			a, err := f.complete(t.Context(), tokens(uint64(9000+i), 1000), 4)
			res.add(a, err)
		})
	}
	burst.Wait()
	long.Wait()
	res.check(t)
	var per []int
	for _, k := range res.per {
		per = append(per, k)
	}
	t.Logf("a burst of %d, by worker: %v", n, res.per)
	// Level would be 15 for the idle engine and 9 for the others.
	if most := slices.Max(per); most > 20 {
		t.Errorf("one worker got %d of %d requests", most, n)
	}
}
