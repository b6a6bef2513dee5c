package dispatch_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/leathq/leat/services/router/internal/dispatch"
	"github.com/leathq/leat/services/router/internal/policy"
	"github.com/leathq/leat/services/router/internal/queue"
)

// BenchmarkRequest is a request's whole way through the machine, submitted, dispatched and ended, with 64 in flight
// and prompts of 1,000 tokens (64 blocks) of which 60 are shared.
func BenchmarkRequest(b *testing.B) {
	for _, p := range []policy.Policy{policy.LeastConnections{}, policy.Adaptive{}} {
		for _, workers := range []int{6, 64} {
			b.Run(fmt.Sprintf("%s/%d_workers", p.Name(), workers), func(b *testing.B) { benchRequest(b, p, workers) })
		}
	}
}

func benchRequest(b *testing.B, p policy.Policy, workers int) {
	now := time.Unix(1_800_000_000, 0)
	m := dispatch.New("p", dispatch.Config{Policy: p, Rand: rand.New(rand.NewPCG(1, 1))}, now)
	report := func(n uint64) {
		for i := range workers {
			m.Report(dispatch.Report{
				Worker: fmt.Sprint("w", i), Number: n, Started: 1, State: dispatch.Ready, Slots: 128, PrefillRate: 8000, CachedTokens: 1,
			}, now)
		}
	}
	report(1)
	prompts := make([][]uint64, 512)
	for i := range prompts {
		for j := range 64 {
			h := uint64(i%60)<<32 | uint64(j)
			if j >= 60 {
				h |= uint64(i+1) << 40
			}
			prompts[i] = append(prompts[i], h)
		}
	}
	type running struct {
		worker string
		number uint64
	}
	var flights [64]running
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i++ {
		now = now.Add(100 * time.Microsecond)
		if i%2500 == 2499 {
			report(i)
		}
		if f := flights[i%64]; f.number > 0 {
			m.Outcome(dispatch.Outcome{Worker: f.worker, Number: f.number, Uncached: 100, Cached: 900, Prefill: 20 * time.Millisecond}, now)
		}
		m.Submit(dispatch.Submit{
			Key: dispatch.Key{Gateway: "gw-1", Sequence: i}, Attempt: 1, Tenant: "t", Class: queue.Normal,
			PromptTokens: 1000, MaxTokens: 100, Prefix: prompts[i%512],
		}, now)
		for _, a := range m.Actions() {
			if a.Kind != dispatch.Send {
				b.Fatalf("unexpected action %+v", a)
			}
			flights[i%64] = running{a.Worker, a.Number}
		}
	}
}
