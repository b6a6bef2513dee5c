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

// world is a machine in virtual time with a fleet of which the test says what each worker reports.
type world struct {
	t       testing.TB
	m       *dispatch.Machine
	now     time.Time
	next    uint64
	fleet   map[string]*fake
	sent    []dispatch.Action // not yet taken by a test
	queued  []dispatch.Action
	refused []dispatch.Action
	other   []dispatch.Action
}

type fake struct {
	report dispatch.Report
	holds  map[uint64]dispatch.Action
}

func newWorld(t testing.TB, cfg dispatch.Config, workers int) *world {
	if cfg.Policy == nil {
		cfg.Policy = policy.LeastConnections{}
	}
	cfg.Rand = rand.New(rand.NewPCG(1, 2))
	w := &world{t: t, now: time.Unix(1_800_000_000, 0), fleet: map[string]*fake{}}
	w.m = dispatch.New("p", cfg, w.now)
	for i := range workers {
		w.join(fmt.Sprint("w", i), 2)
	}
	return w
}

func (w *world) join(name string, slots int) {
	w.fleet[name] = &fake{holds: map[uint64]dispatch.Action{}, report: dispatch.Report{
		Worker: name, Started: 1, State: dispatch.Ready, Slots: slots, Known: true,
	}}
	w.report(name)
}

// report lets a worker report what it holds.
func (w *world) report(name string) {
	f := w.fleet[name]
	f.report.Number++
	f.report.Held = len(f.holds)
	r := f.report
	r.Numbers = nil
	for n := range f.holds {
		r.Numbers = append(r.Numbers, n)
	}
	w.m.Report(r, w.now)
	w.collect()
}

func (w *world) collect() {
	for _, a := range w.m.Actions() {
		switch a.Kind {
		case dispatch.Send:
			f := w.fleet[a.Worker]
			f.holds[a.Number] = a
			f.report.Highest = max(f.report.Highest, a.Number)
			w.sent = append(w.sent, a)
		case dispatch.Queued:
			w.queued = append(w.queued, a)
		case dispatch.Refuse:
			w.refused = append(w.refused, a)
		default:
			w.other = append(w.other, a)
		}
	}
}

// submit sends a new sequence; change may edit it.
func (w *world) submit(change func(*dispatch.Submit)) dispatch.Submit {
	w.next++
	s := dispatch.Submit{
		Key: dispatch.Key{Gateway: "gw", Sequence: w.next}, Attempt: 1, Tenant: "t", Class: queue.Normal, PromptTokens: 100,
	}
	if change != nil {
		change(&s)
	}
	w.m.Submit(s, w.now)
	w.collect()
	return s
}

func (w *world) outcome(a dispatch.Action, v dispatch.Verdict) {
	delete(w.fleet[a.Worker].holds, a.Number)
	w.m.Outcome(dispatch.Outcome{Worker: a.Worker, Number: a.Number, Verdict: v, Cause: "why"}, w.now)
	w.collect()
}

// pass lets time go by; the named workers report on the way, four times a second.
func (w *world) pass(d time.Duration, alive ...string) {
	for end := w.now.Add(d); w.now.Before(end); {
		w.now = w.now.Add(50 * time.Millisecond)
		if w.now.UnixMilli()%250 == 0 {
			for _, name := range alive {
				w.report(name)
			}
		}
		w.m.Tick(w.now)
		w.collect()
	}
}

// take returns the n dispatches made since the last call.
func (w *world) take(n int) []dispatch.Action {
	w.t.Helper()
	if len(w.sent) != n {
		w.t.Fatalf("%d dispatches, want %d: %+v", len(w.sent), n, w.sent)
	}
	s := w.sent
	w.sent = nil
	return s
}

func (w *world) wantRefused(code dispatch.Code) dispatch.Refusal {
	w.t.Helper()
	if len(w.refused) != 1 || w.refused[0].Refusal.Code != code {
		w.t.Fatalf("refusals %+v, want one of code %s", w.refused, code)
	}
	r := w.refused[0].Refusal
	w.refused = nil
	return r
}
