package scaling_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/services/router/internal/scaling"
)

// run is a pool whose signals are looked at once a second.
type run struct {
	cfg scaling.Config
	h   scaling.History
	now time.Time
	d   scaling.Decision
}

func begun(cfg scaling.Config) *run { return &run{cfg: cfg, now: begin} }

// see lets s hold for some seconds and returns the decisions that differed from the one before, as "second: desired".
func (r *run) see(seconds int, s scaling.Signals) (changes []string) {
	for i := range seconds {
		s.At = r.now
		was := r.d.Desired
		r.d, r.h = scaling.Decide(r.cfg, r.h, s)
		if r.d.Desired != was {
			changes = append(changes, fmt.Sprintf("%d: %d", i, r.d.Desired))
		}
		r.now = r.now.Add(time.Second)
	}
	return changes
}

func (r *run) expect(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v; want %v (last: %+v)", what, got, want, r.d)
	}
}

func deep(s *scaling.Signals) { s.Queued, s.GPUUse = 45, known(.87) }

// 2 replicas, queue 45, utilisation 87 %: 3 once that has lasted for half a minute, and no more while the third comes.
func TestADeepQueueMustLast(t *testing.T) {
	r := begun(config())
	r.expect(t, "quiet", r.see(60, fleet(2, nil)), "0: 2")
	r.expect(t, "deep", r.see(90, fleet(2, deep)), "30: 3")
	if r.d.Verdict != scaling.Up || !strings.Contains(r.d.Reasons[0], "45 requests wait") {
		t.Errorf("%+v", r.d)
	}
	r.expect(t, "the third starts", r.see(120, fleet(3, func(s *scaling.Signals) { deep(s); s.Ready, s.Starting = 2, 1 })))
	if r.d.Verdict != scaling.Hold {
		t.Errorf("%+v", r.d)
	}
	r.expect(t, "still deep with three", r.see(60, fleet(3, deep)), "30: 4")
}

func TestAShortQueueChangesNothing(t *testing.T) {
	r := begun(config())
	r.see(60, fleet(2, nil))
	for range 20 {
		r.expect(t, "deep", r.see(29, fleet(2, deep)))
		r.expect(t, "one quiet second", r.see(1, fleet(2, nil)))
	}
}

// Workers go one at a time, each only when five minutes had no use for it.
func TestWorkersGoSlowly(t *testing.T) {
	idle := func(s *scaling.Signals) { s.Running = 1 }
	r := begun(config())
	r.expect(t, "busy", r.see(10, fleet(3, nil)), "0: 3")
	r.expect(t, "idle", r.see(301, fleet(3, idle)), "300: 2")
	r.expect(t, "two left", r.see(301, fleet(2, idle)), "300: 1")
	r.expect(t, "one left", r.see(600, fleet(1, idle)))
	r = begun(config())
	r.see(10, fleet(3, nil))
	r.see(299, fleet(3, idle))
	r.see(1, fleet(3, nil))
	r.expect(t, "a busy second began the wait anew", r.see(299, fleet(3, idle)))
}

// A change follows another only after the cool-down, even where windows are shorter.
func TestChangesCoolDown(t *testing.T) {
	r := begun(config(func(c *scaling.Config) { c.UpAfter, c.DownAfter, c.CoolDown = 0, 0, 20*time.Second }))
	r.see(60, fleet(2, nil))
	r.expect(t, "deep", r.see(1, fleet(2, deep)), "0: 3")
	r.expect(t, "idle", r.see(30, fleet(3, func(s *scaling.Signals) { s.Running = 1 })), "19: 2")
}

// A pool sleeps when nobody asks, and wakes with the first request, whatever the windows say.
func TestAPoolSleepsAndWakes(t *testing.T) {
	r := begun(config(zero))
	r.see(60, fleet(1, nil))
	quiet := fleet(1, func(s *scaling.Signals) { s.Running, s.LastRequest = 0, begin.Add(time.Minute) })
	r.expect(t, "nobody asks", r.see(1000, quiet), "600: 0") // Idle is its own window
	quiet.Replicas, quiet.Ready, quiet.MaxBatch = 0, 0, 0
	r.expect(t, "asleep", r.see(100, quiet))
	wakes := quiet
	wakes.Queued, wakes.LastRequest = 1, r.now
	r.expect(t, "the first request", r.see(1, wakes), "0: 1")
	if r.d.Verdict != scaling.Up {
		t.Errorf("%+v", r.d)
	}
	gone := quiet
	gone.LastRequest = wakes.LastRequest
	r.expect(t, "its client gave up, the worker comes all the same", r.see(200, gone))
}

// Who takes a sleeping pool over, or finds one after all routers were away, leaves it asleep; who takes over one that was
// just woken does not send it to sleep, though it knows of no request.
func TestASuccessorLeavesASleepingPoolAsleep(t *testing.T) {
	unknown := fleet(0, func(s *scaling.Signals) { s.LastRequest, s.Since, s.Running, s.MaxBatch = time.Time{}, begin, 0, 0 })
	for name, h := range map[string]scaling.History{"told": scaling.Since(0), "untold": {}} {
		r := &run{cfg: config(zero), h: h, now: begin}
		r.expect(t, name, r.see(1000, unknown))
	}
	r := &run{cfg: config(zero), h: scaling.Since(1), now: begin, d: scaling.Decision{Desired: 1}}
	r.expect(t, "woken", r.see(300, unknown))
	r.expect(t, "and nobody came", r.see(300, unknown), "0: 0")
}

// A pool that went to sleep while more than one worker was up wakes at once, though the number has just changed.
func TestNothingHoldsUpWaking(t *testing.T) {
	r := begun(config(zero))
	quiet := fleet(3, func(s *scaling.Signals) { s.Running, s.LastRequest = 0, begin.Add(-time.Hour) })
	r.expect(t, "nobody asks", r.see(2, quiet))
	none := fleet(0, func(s *scaling.Signals) { s.Running, s.LastRequest, s.MaxBatch = 0, begin.Add(-time.Hour), 0 })
	r.expect(t, "they go", r.see(1, none))
	none.Queued = 5
	r.expect(t, "asked", r.see(30, none), "0: 1")
}

// The verdict on batching must last as long as a wish for more workers.
func TestSuboptimalBatchingMustLast(t *testing.T) {
	slow := fleet(2, func(s *scaling.Signals) { s.Queued, s.GPUUse = 45, known(.4) })
	r := begun(config())
	r.see(60, fleet(2, nil))
	r.see(30, slow)
	if r.d.Verdict != scaling.Hold {
		t.Errorf("after 29 s: %+v", r.d)
	}
	r.see(1, slow)
	if r.d.Verdict != scaling.Suboptimal || r.d.Desired != 2 {
		t.Errorf("after 30 s: %+v", r.d)
	}
}

// A router that takes a pool over knows what was decided, and takes nothing back for as long as it has seen too little.
func TestASuccessorKeepsWhatWasDecided(t *testing.T) {
	r := &run{cfg: config(), h: scaling.Since(5), now: begin, d: scaling.Decision{Desired: 5}}
	r.expect(t, "two are there", r.see(300, fleet(2, nil)))
	r.expect(t, "later", r.see(10, fleet(2, nil)), "0: 2")
}

// Whatever the signals are, the number stays within its bounds, changes no faster than the cool-down lets it but for a pool
// that falls asleep or wakes, and always has a reason.
func TestDecisionsKeepTheirBounds(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		cfg := config(func(c *scaling.Config) {
			c.Min = 1 + rnd.IntN(3)
			c.Max = c.Min + rnd.IntN(6)
			c.Zero = rnd.IntN(2) == 0
			c.UpAfter, c.DownAfter = time.Duration(rnd.IntN(5))*time.Second, time.Duration(rnd.IntN(10))*time.Second
			c.CoolDown, c.Idle = 5*time.Second, 3*time.Second
		})
		r := begun(cfg)
		changed, last, asked := time.Time{}, -1, begin
		for range 200 {
			n := rnd.IntN(12)
			s := scaling.Signals{
				At: r.now, Replicas: n, Ready: rnd.IntN(n + 1), Queued: rnd.IntN(3) * rnd.IntN(100), Running: rnd.IntN(50), MaxBatch: rnd.IntN(20),
				GPUUse: scaling.Level{Value: rnd.Float64(), Known: rnd.IntN(2) == 0}, TTFT: rnd.Float64(), TTFTUsual: rnd.Float64(),
				Load: rnd.Float64(), LoadUsual: rnd.Float64(), Tokens: rnd.Float64(), TokensUsual: rnd.Float64(), LastRequest: asked, Kept: rnd.IntN(2) == 0,
			}
			if s.Queued > 0 {
				asked = r.now
			}
			r.d, r.h = scaling.Decide(cfg, r.h, s)
			d := r.d
			if d.Desired > cfg.Max || d.Desired < cfg.Min && (d.Desired != 0 || !cfg.Zero) || len(d.Reasons) == 0 {
				t.Fatalf("round %d: %+v with %+v", round, d, cfg)
			}
			if last > 0 && d.Desired != last && d.Desired != 0 {
				if !changed.IsZero() && r.now.Sub(changed) < cfg.CoolDown {
					t.Fatalf("round %d: %d after %d only %s later", round, d.Desired, last, r.now.Sub(changed))
				}
			}
			if d.Desired != last && last >= 0 {
				changed = r.now
			}
			last = d.Desired
			r.now = r.now.Add(time.Second)
		}
	}
}
