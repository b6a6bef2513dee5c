package policy_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/services/router/internal/policy"
)

var t0 = time.Unix(1_800_000_000, 0)

// shares picks n times and returns how often each worker was picked.
func shares(p policy.Policy, r policy.Request, ws []policy.Worker, n int) []int {
	rnd, counts := rand.New(rand.NewPCG(1, 1)), make([]int, len(ws))
	scores := make([]float64, len(ws))
	for range n {
		counts[policy.Pick(p, r, ws, scores, rnd)]++
	}
	return counts
}

func TestAdaptiveStaysWithThePrefixUntilItsEstimateIsWorse(t *testing.T) {
	req := policy.Request{Tokens: 1100}
	holder := policy.Worker{Rate: 8000, Cached: 1000, Slots: 64}
	other := policy.Worker{Rate: 8000, Slots: 64}
	// The other worker would prefill 1,000 tokens more: the holder keeps the request up to that much waiting work.
	for pending := 0; pending <= 2000; pending += 50 {
		holder.Pending = pending
		got := shares(policy.Adaptive{}, req, []policy.Worker{other, holder}, 1)
		want := 1
		if pending > 1000+100 { // beside the slack
			want = 0
		} else if pending > 1000-100 {
			continue
		}
		if got[want] != 1 {
			t.Errorf("%d tokens wait at the holder: picked %v", pending, got)
		}
	}
}

func TestAdaptiveAvoidsSlowFullAndBusyWorkers(t *testing.T) {
	req := policy.Request{Tokens: 1000}
	good := policy.Worker{Rate: 8000, KVUse: .5, Slots: 64}
	for name, bad := range map[string]policy.Worker{
		"slow prefill":  {Rate: 1600, KVUse: .5},
		"slow to start": {Rate: 8000, KVUse: .5, Base: .2},
		"full cache":    {Rate: 8000, KVUse: .95},
		"busy":          {Rate: 8000, KVUse: .5, Pending: 4000},
	} {
		if got := shares(policy.Adaptive{}, req, []policy.Worker{bad, good}, 100); got[1] != 100 {
			t.Errorf("%s: picked %d times of 100", name, got[0])
		}
	}
}

func TestEqualScoresBreakAtRandom(t *testing.T) {
	ws := []policy.Worker{{Rate: 8000, Slots: 8}, {Rate: 8000, Slots: 8}, {Rate: 8000, Slots: 8}, {Rate: 8000, Slots: 8}}
	for _, p := range []policy.Policy{
		policy.Adaptive{}, policy.LeastConnections{}, policy.LeastLatency{}, policy.Prefix{}, policy.RoundRobin{}, policy.SessionAffinity{},
	} {
		for i, n := range shares(p, policy.Request{Tokens: 500}, ws, 4000) {
			if n < 850 || n > 1150 {
				t.Errorf("%s: worker %d got %d of 4000 picks between equals", p.Name(), i, n)
			}
		}
	}
}

func TestLeastConnectionsPicksTheLeastBusy(t *testing.T) {
	ws := []policy.Worker{{InFlight: 3}, {InFlight: 1}, {InFlight: 2}}
	if got := shares(policy.LeastConnections{}, policy.Request{}, ws, 10); got[1] != 10 {
		t.Errorf("least_connections picked %v", got)
	}
}

func TestAnUnknownPolicyIsRefusedWithTheKnownOnes(t *testing.T) {
	_, err := policy.ByName("fastest")
	for _, want := range []string{"fastest", "adaptive", "least_connections", "least_latency", "prefix", "round_robin", "session_affinity"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want it to name %s", err, want)
		}
	}
}

func TestPickSurvivesImpossibleScores(t *testing.T) {
	nan := math.NaN()
	ws := []policy.Worker{{Rate: nan, Base: nan}, {Rate: nan, Base: nan}}
	if got := shares(policy.Adaptive{}, policy.Request{Tokens: 5}, ws, 10); got[0]+got[1] != 10 {
		t.Error("no pick")
	}
}

func TestRatesLearnTheLineThroughWhatRequestsNeeded(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for _, c := range []struct{ rate, base float64 }{{8000, .012}, {1600, .060}, {400, .2}} {
		var rates policy.Rates
		rates.Report(3000)
		for i := range 60 {
			tokens := 20 + r.IntN(1500)
			secs := (c.base + float64(tokens)/c.rate) * (.9 + .2*r.Float64())
			rates.Observe(tokens, time.Duration(secs*float64(time.Second)), t0.Add(time.Duration(i)*time.Second))
		}
		rate, base := rates.Estimate(0, t0.Add(60*time.Second))
		for _, tokens := range []float64{50, 500, 1500} {
			want, got := c.base+tokens/c.rate, base+tokens/rate
			if math.Abs(got-want) > .2*want+.01 {
				t.Errorf("%v: %v tokens estimated at %.3f s, want %.3f (rate %.0f base %.3f)", c, tokens, got, want, rate, base)
			}
		}
	}
}

func TestTinyPromptsSayLittleAboutTheRate(t *testing.T) {
	var rates policy.Rates
	rates.Observe(5, 15*time.Millisecond, t0) // a step of the engine, whatever the prompt
	rate, base := rates.Estimate(8000, t0)
	if secs := base + 1000/rate; secs > .2 {
		t.Fatalf("after one prompt of 5 tokens, 1,000 are estimated at %.2f s, want about .14", secs)
	}
}

func TestRatesForgetWhatWasLongAgo(t *testing.T) {
	var rates policy.Rates
	if rate, base := rates.Estimate(0, t0); rate != policy.DefaultRate || base != 0 {
		t.Fatalf("unknown: %v, %v", rate, base)
	}
	rates.Report(8000)
	for range 50 {
		rates.Observe(1000, 5*time.Second, t0)
	}
	if rate, _ := rates.Estimate(0, t0); rate > 400 {
		t.Fatalf("after 50 slow requests the rate is %.0f", rate)
	}
	if rate, _ := rates.Estimate(0, t0.Add(3*time.Minute)); rate < 6000 {
		t.Fatalf("three minutes without a request later the rate is %.0f: it should be the reported one again", rate)
	}
}
