package dispatch_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/leathq/leat/services/router/internal/breaker"
	"github.com/leathq/leat/services/router/internal/dispatch"
)

// Where all workers fail, no more than the share that may be is taken out, and at least one.
func TestNoMoreWorkersAreTakenOutThanMayBe(t *testing.T) {
	for _, c := range []struct{ workers, percent, out int }{
		{1, 50, 1}, {2, 50, 1}, {3, 50, 1}, {4, 50, 2}, {4, 10, 1}, {4, 100, 4}, {10, 30, 3},
	} {
		now := time.Unix(1_000_000, 0)
		m := dispatch.New("p", dispatch.Config{
			MaxEjected: c.percent, Breaker: breaker.Config{MaxFails: 2, Cooldown: time.Hour, MaxCooldown: time.Hour}, RetryBurst: 10_000,
		}, now)
		number := uint64(0)
		report := func() {
			number++
			for i := range c.workers {
				m.Report(dispatch.Report{Worker: fmt.Sprint("w", i), Number: number, Started: 1, State: dispatch.Ready, Slots: 8}, now)
			}
		}
		report()
		sent := map[string]int{}
		for n := range uint64(200) {
			m.Submit(dispatch.Submit{Key: dispatch.Key{Gateway: "g", Sequence: n + 1}, Attempt: 1}, now)
			for again := true; again; {
				again = false
				for _, a := range append([]dispatch.Action(nil), m.Actions()...) {
					if a.Kind == dispatch.Send {
						again = true
						sent[a.Worker]++
						m.Outcome(dispatch.Outcome{Worker: a.Worker, Number: a.Number, Verdict: dispatch.Broken}, now)
					}
				}
			}
			now = now.Add(10 * time.Millisecond)
			report()
		}
		out := 0
		for _, w := range m.Workers(now) {
			if w.Breaker == "open" {
				out++
			}
		}
		if out != c.out {
			t.Errorf("%d workers, at most %d %%: %d are out, want %d (sent %v)", c.workers, c.percent, out, c.out, sent)
		}
	}
}
