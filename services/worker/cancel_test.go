package worker_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/enginesim"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker"
	"github.com/leathq/leat/services/worker/internal/sim"
)

// Of 200 cancels, in the engine's queue, in prefill and in decode, 99 % free their slot within 50 ms, and sequences that
// run beside them say what they say undisturbed. A busy machine may spoil a measurement, but hardly three.
func TestTwoHundredCancelsAreFastAndDisturbNobody(t *testing.T) {
	cost := enginesim.DefaultConfig()
	cost.Slots, cost.PrefillRate, cost.StepBase = 4, 20000, 2*time.Millisecond
	cfg := worker.Config{Engine: "sim", Overcommit: 8, Sim: sim.Config{Cost: cost}}
	f := start(t, setup{cfg: cfg})
	steady := func() order {
		o := f.order()
		o.req.Model, o.req.IgnoreEos, o.req.MaxTokens, o.Submit.Credit = "sim", true, 400, 1<<20
		return o
	}
	alone, _ := f.answer(f.send(steady()))
	var beside []order
	for range 2 {
		beside = append(beside, steady())
		f.send(beside[len(beside)-1])
	}
	var took [200]time.Duration
	for again := 3; again > 0 && (again == 3 || took[197] > 50*time.Millisecond); again-- {
		f.cancelInStages(&took, steady, func() {
			if f.finished(beside[0]) {
				beside[0] = f.next(steady, alone, beside[0])
			}
		})
		slices.Sort(took[:])
		t.Logf("from cancel to the router's knowledge: p50 %s, p99 %s, max %s", took[100], took[197], took[199])
	}
	for _, o := range beside {
		f.next(steady, alone, o)
	}
	if p99 := took[197]; p99 > 50*time.Millisecond {
		t.Errorf("p99 of 200 cancels is %s", p99)
	}
}

// cancelInStages times cancels that come in turn in prefill, in the queue and in decode.
func (f *fleet) cancelInStages(took *[200]time.Duration, steady func() order, between func()) {
	for i := range took {
		between()
		o := steady()
		fill := []order{}
		reached := func() bool { return len(f.deltas(o.Submit.Sequence)) > 0 } // in decode
		switch i % 3 {
		case 0: // in prefill: a second of it
			o.req.Prompt = &inferv1.Request_Text{Text: strings.Repeat(fmt.Sprint("word", i, " "), 8000)}
			reached = func() bool { r := f.worker.Snapshot(); return holds(r, o) && r.GetQueuedTokens() > 5000 }
		case 1: // in the queue
			for range 2 {
				fill = append(fill, steady())
				f.send(fill[len(fill)-1])
			}
			reached = func() bool { r := f.worker.Snapshot(); return holds(r, o) && r.GetWaiting() > 0 }
		}
		f.send(o)
		f.await("the stage", reached)
		at := time.Now()
		f.control(cancelOf(o.Submit.Sequence))
		f.verdict(o.Number, inferv1.Verdict_VERDICT_CANCELLED)
		took[i] = time.Since(at)
		for _, x := range fill {
			f.control(cancelOf(x.Submit.Sequence))
			f.verdict(x.Number, inferv1.Verdict_VERDICT_CANCELLED)
		}
	}
}

func holds(r *inferv1.Report, o order) bool {
	h := r.GetHoldings()
	return len(h) == 1 && slices.Contains(h[0].GetNumbers(), o.Number)
}

func (f *fleet) finished(o order) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.outcomes[o.Number]) > 0
}

// next checks that a sequence said what it should, and gives back a new one that runs.
func (f *fleet) next(make func() order, want string, o order) order {
	f.t.Helper()
	if text, end := f.answer(o.Submit.Sequence); text != want {
		f.t.Errorf("disturbed: %d bytes instead of %d, end %v", len(text), len(want), end)
	}
	n := make()
	f.send(n)
	return n
}
