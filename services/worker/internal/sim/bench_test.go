package sim_test

import (
	"context"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/enginesim"
	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/sim"
)

// discard is an output that nobody reads.
type discard struct{}

func (discard) Emit(engine.Delta)          {}
func (discard) Credit() int                { return 100 }
func (discard) Wait(context.Context) error { return nil }

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A thousand sequences at 50 tokens/s in real time: what a token costs.
func BenchmarkThousandSequences(b *testing.B) {
	cost := enginesim.DefaultConfig()
	cost.Slots, cost.KVBlocks, cost.StepBase, cost.StepPerSeq, cost.PrefillRate = 1000, 1<<18, 20*time.Millisecond, 0, 1e7
	e, err := sim.New(sim.Config{Cost: cost}, sim.Deps{})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	for b.Loop() {
		start, began := cpu(), time.Now()
		var wg sync.WaitGroup
		for i := range 1000 {
			wg.Go(func() {
				req := textRequest("a prompt of a few words", 50)
				req.IgnoreEOS, req.AutoSeed = true, int64(i)
				if err := e.Generate(b.Context(), req, discard{}); err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
		b.ReportMetric(float64((cpu()-start).Nanoseconds())/50_000, "cpu-ns/token")
		b.ReportMetric(50_000/time.Since(began).Seconds(), "tokens/s")
	}
}

// A machine with nothing to do wakes nobody.
func BenchmarkIdle(b *testing.B) {
	e, err := sim.New(sim.Config{}, sim.Deps{})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	start := cpu()
	timer := time.NewTimer(time.Second)
	<-timer.C
	b.ReportMetric(float64((cpu() - start).Microseconds()), "cpu-µs/s")
}
