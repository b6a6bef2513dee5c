package routing_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	prefixes     = 60
	prefixTokens = 1000
	ownTokens    = 100
	answerTokens = 48
	turns        = 10
	turnTokens   = 48
	prefillRate  = 8000 // tokens/s of a simulated engine
)

// traffic is clients that come at random times, each independent of how the others fare. With one seed they come at the
// same times with the same prompts, whatever the policy.
type traffic struct {
	name          string
	rate          float64 // clients a second, on average
	seed          uint64
	warm, measure time.Duration // clients that come after the warm-up and within the measured time count
	after         time.Duration // more of them come, until those that count are through
	client        func(ctx context.Context, f *fleet, r *rand.Rand, got func(answer, error))
}

// run sends the traffic and returns when all of it is answered. It keeps the times, however late it is.
func (f *fleet) run(t *testing.T, tr traffic) *result {
	t.Helper()
	res := &result{per: map[string]int{}}
	r := rand.New(rand.NewPCG(tr.seed, 1))
	var clients sync.WaitGroup
	begin := time.Now()
	for at := time.Duration(0); at < tr.warm+tr.measure+tr.after; at += time.Duration(r.ExpFloat64() / tr.rate * float64(time.Second)) {
		time.Sleep(time.Until(begin.Add(at)))
		own := rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
		counts := at >= tr.warm && at < tr.warm+tr.measure
		clients.Go(func() {
			tr.client(t.Context(), f, own, func(a answer, err error) { res.add(a, err, counts) })
		})
	}
	clients.Wait()
	return res
}

// shared is requests that begin with one of 60 prefixes of 1,000 tokens and add 100 of their own, at the rate at which
// the engines would prefill for that share of the time if nothing were cached.
func shared(share float64, seed uint64) traffic {
	return traffic{
		name: fmt.Sprintf("60 shared prefixes, load %.2g", share),
		rate: engines * share * prefillRate / (prefixTokens + ownTokens), seed: seed,
		warm: 20 * time.Second, measure: 60 * time.Second, after: 2 * time.Second,
		client: func(ctx context.Context, f *fleet, r *rand.Rand, got func(answer, error)) {
			got(f.complete(ctx, words(r.Uint64N(prefixes), prefixTokens)+words(prefixes+r.Uint64(), ownTokens), answerTokens))
		},
	}
}

// cold is shared without anything shared: every prompt is new.
func cold(share float64, seed uint64) traffic {
	tr := shared(share, seed)
	tr.client = func(ctx context.Context, f *fleet, r *rand.Rand, got func(answer, error)) {
		got(f.complete(ctx, words(prefixes+r.Uint64(), prefixTokens+ownTokens), answerTokens))
	}
	return tr
}

// sessions are conversations on one of the 60 prefixes: each of ten turns repeats all that was said, answers included,
// asks 48 tokens more, and comes about a second after the last answer. The share is as in shared.
func sessions(share float64, seed uint64) traffic {
	const tokens = turns*prefixTokens + turns*(turns+1)/2*turnTokens + turns*(turns-1)/2*answerTokens
	return traffic{
		name: fmt.Sprintf("conversations of ten turns, load %.2g", share),
		rate: engines * share * prefillRate / tokens, seed: seed,
		warm: 30 * time.Second, measure: 50 * time.Second, after: 15 * time.Second,
		client: func(ctx context.Context, f *fleet, r *rand.Rand, got func(answer, error)) {
			said := words(r.Uint64N(prefixes), prefixTokens)
			session := fmt.Sprintf("session-%x", r.Uint64())
			for range turns {
				said += words(prefixes+r.Uint64(), turnTokens)
				a, err := f.say(ctx, session, said, answerTokens)
				got(a, err)
				if err != nil {
					return
				}
				said += a.text
				time.Sleep(time.Duration((.7 + .6*r.Float64()) * float64(time.Second))) // the user reads
			}
		},
	}
}

// words is text of so many tokens: a space and three letters are one.
func words(seed uint64, tokens int) string {
	r := rand.New(rand.NewPCG(seed, 3))
	var b strings.Builder
	for range tokens {
		b.WriteByte(' ')
		for range 3 {
			b.WriteByte('a' + byte(r.IntN(26)))
		}
	}
	return b.String()
}

// result gathers the answers. It is safe for concurrent use.
type result struct {
	mu             sync.Mutex
	ttft           []time.Duration
	prompt, cached int
	per            map[string]int // by worker
	failed         int
	failure        error
}

// add notes an answer that counts, and every failure.
func (r *result) add(a answer, err error, counts bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil:
		r.failed, r.failure = r.failed+1, err
	case counts:
		r.ttft = append(r.ttft, a.ttft)
		r.prompt += a.prompt
		r.cached += a.cached
		r.per[a.worker]++
	}
}

func (r *result) hits() float64 { return float64(r.cached) / float64(max(r.prompt, 1)) }

func (r *result) quantile(q float64) time.Duration {
	slices.Sort(r.ttft)
	return r.ttft[min(int(q*float64(len(r.ttft))), len(r.ttft)-1)]
}

func (r *result) String() string {
	return fmt.Sprintf("%d requests, prefix hits %.3f, TTFT p50 %v p95 %v p99 %v, by worker %v", len(r.ttft), r.hits(),
		r.quantile(.5).Round(time.Millisecond), r.quantile(.95).Round(time.Millisecond), r.quantile(.99).Round(time.Millisecond), r.per)
}

// check ends the test where a request failed.
func (r *result) check(t *testing.T) *result {
	t.Helper()
	if r.failed > 0 || len(r.ttft) == 0 {
		t.Fatalf("%d requests failed, %d were answered; the last failure: %v", r.failed, len(r.ttft), r.failure)
	}
	return r
}
