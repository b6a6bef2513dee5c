package dispatch_test

import (
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/services/router/internal/dispatch"
	"github.com/leathq/leat/services/router/internal/policy"
	"github.com/leathq/leat/services/router/internal/queue"
)

var everyPolicy = []policy.Policy{
	policy.Adaptive{}, policy.LeastConnections{}, policy.LeastLatency{}, policy.Prefix{}, policy.RoundRobin{}, policy.SessionAffinity{},
}

// serve lets a worker report other models.
func (w *world) serve(name string, models ...string) {
	w.fleet[name].report.Models = models
	w.report(name)
}

// unequal is a fleet of three workers that serve base, of which w1 serves base:a as well.
func unequal(t *testing.T, cfg dispatch.Config, slots int) *world {
	w := newWorld(t, cfg, 0)
	for _, name := range []string{"w0", "w1", "w2"} {
		w.join(name, slots)
		w.serve(name, "base")
	}
	w.serve("w1", "base", "base:a")
	return w
}

func of(model string) func(*dispatch.Submit) {
	return func(s *dispatch.Submit) { s.Model = model }
}

func TestARequestGoesOnlyToWorkersThatServeItsModel(t *testing.T) {
	for _, p := range everyPolicy {
		t.Run(p.Name(), func(t *testing.T) {
			w := unequal(t, dispatch.Config{Policy: p, BulkReserve: .25, RetryBurst: .5}, 4)
			base := map[string]int{}
			for i := range 90 {
				w.submit(func(s *dispatch.Submit) {
					s.Model, s.Session, s.Prefix = "base:a", uint64(i%5+1), []uint64{uint64(i % 7), 3, 4}
					s.Class = queue.Class(i % 3)
				})
				a := w.take(1)[0]
				if a.Worker != "w1" {
					t.Fatalf("request %d went to %s, which does not serve its model", i, a.Worker)
				}
				w.submit(func(s *dispatch.Submit) { s.Model, s.Session = "base", uint64(i+100) })
				b := w.take(1)[0]
				base[b.Worker]++
				w.outcome(a, dispatch.Done)
				w.outcome(b, dispatch.Done)
				w.pass(50*time.Millisecond, "w0", "w1", "w2")
			}
			if c := w.m.Counts(); c.Retried != 0 || c.Refused != 0 || c.Dispatched != 180 {
				t.Errorf("counts %+v, want no retries", c)
			}
			if base["w0"] == 0 || base["w2"] == 0 {
				t.Errorf("the model that all serve went to %v", base)
			}
		})
	}
}

func TestAnOlderGatewaysRequestGoesAnywhere(t *testing.T) {
	w := unequal(t, dispatch.Config{}, 1)
	for range 3 {
		w.submit(nil)
	}
	w.take(3)
}

func TestAWorkerThatDoesNotSayWhatItServesGetsEverything(t *testing.T) {
	w := unequal(t, dispatch.Config{}, 1)
	w.join("old", 1)
	w.submit(of("base:a"))
	w.submit(of("base:a"))
	w.take(2)
}

// Requests that wait for the one worker with their model hold up nobody else's, and are served by class.
func TestAFullModelHoldsUpNoOther(t *testing.T) {
	w := unequal(t, dispatch.Config{}, 1)
	w.submit(of("base:a"))
	first := w.take(1)[0]
	for range 5 {
		w.submit(func(s *dispatch.Submit) { s.Model, s.Class = "base:a", queue.Bulk })
	}
	w.submit(func(s *dispatch.Submit) { s.Model, s.Class = "base:a", queue.High })
	w.take(0)
	w.submit(of("base"))
	w.submit(of("base"))
	w.take(2)
	w.submit(of("base"))
	w.take(0) // all are full
	if got := w.m.Queued(); got != 7 {
		t.Fatalf("%d wait, want 7", got)
	}
	w.outcome(first, dispatch.Done)
	high := w.take(1)[0]
	w.outcome(high, dispatch.Done)
	normal := w.take(1)[0]
	w.outcome(normal, dispatch.Done)
	bulk := w.take(1)[0]
	for i, want := range []struct {
		a        dispatch.Action
		sequence uint64
	}{{high, 7}, {normal, 10}, {bulk, 2}} {
		if want.a.Worker != "w1" || want.a.Call.Sequence != want.sequence {
			t.Errorf("%d: sequence %d went to %s, want %d", i, want.a.Call.Sequence, want.a.Worker, want.sequence)
		}
	}
	if c := w.m.Counts(); c.Retried != 0 {
		t.Errorf("%d retries", c.Retried)
	}
}

// What waits for one model is shared fairly between tenants and bounded together with all else.
func TestAModelsQueueIsFairAndBounded(t *testing.T) {
	w := unequal(t, dispatch.Config{Queue: queue.Config{MaxItems: 20}}, 1)
	w.submit(of("base:a"))
	last := w.take(1)[0]
	for range 18 {
		w.submit(func(s *dispatch.Submit) { s.Model, s.Tenant = "base:a", "many" })
	}
	w.submit(func(s *dispatch.Submit) { s.Model, s.Tenant = "base:a", "few" })
	w.submit(func(s *dispatch.Submit) { s.Model, s.Tenant = "base:a", "few" })
	few := w.next
	w.submit(of("base:a"))
	w.wantRefused(dispatch.QueueFull)
	for served := 1; ; served++ {
		w.outcome(last, dispatch.Done)
		if last = w.take(1)[0]; last.Call.Sequence == few {
			return
		}
		if served > 8 {
			t.Fatalf("the tenant with two requests waits behind %d of another", served)
		}
	}
}

func TestTheLastWorkerOfAModelIsGone(t *testing.T) {
	w := unequal(t, dispatch.Config{NoWorkerWait: time.Second}, 2)
	w.submit(of("base:a"))
	w.take(1)
	delete(w.fleet, "w1")
	w.pass(5500*time.Millisecond, "w0", "w2") // lost by now
	w.submit(of("base:a"))
	w.submit(of("base"))
	if a := w.take(1)[0]; a.Worker == "w1" || a.Call.Sequence != 3 {
		t.Fatalf("dispatched %+v", a)
	}
	w.pass(500*time.Millisecond, "w0", "w2")
	if len(w.refused) > 0 {
		t.Fatalf("refused before the wait was over: %+v", w.refused)
	}
	w.pass(600*time.Millisecond, "w0", "w2")
	if r := w.wantRefused(dispatch.NoWorker); !strings.Contains(r.Message, `serves the model "base:a"`) || r.RetryAfter == 0 {
		t.Fatalf("refusal %+v should name the model", r)
	}
	w.submit(of("base:a"))
	w.wantRefused(dispatch.NoWorker) // at once now
	w.serve("w0", "base", "base:a")
	w.submit(of("base:a"))
	if a := w.take(1)[0]; a.Worker != "w0" {
		t.Fatalf("went to %s", a.Worker)
	}
}

// A gateway may know of a model before the router does: its worker has just loaded it.
func TestAModelThatIsJustLoadedIsWaitedFor(t *testing.T) {
	w := newWorld(t, dispatch.Config{NoWorkerWait: 2 * time.Second}, 2)
	w.serve("w0", "base")
	w.serve("w1", "base")
	w.submit(of("base:new"))
	w.pass(time.Second, "w0", "w1")
	w.take(0)
	w.serve("w1", "base", "base:new")
	if a := w.take(1)[0]; a.Worker != "w1" || len(w.refused) > 0 {
		t.Fatalf("went to %s; refused %+v", a.Worker, w.refused)
	}
	w.submit(of("base:never"))
	w.pass(2100*time.Millisecond, "w0", "w1")
	w.wantRefused(dispatch.NoWorker)
}

func TestAModelsAilingWorkerIsNamed(t *testing.T) {
	w := unequal(t, dispatch.Config{NoWorkerWait: time.Second}, 2)
	w.fleet["w1"].report.State, w.fleet["w1"].report.Note = dispatch.Unhealthy, "the engine crashed"
	w.report("w1")
	w.submit(of("base:a"))
	w.pass(2*time.Second, "w0", "w1", "w2") // it may be back
	if len(w.refused) > 0 {
		t.Fatalf("refused after 2 s: %+v", w.refused)
	}
	w.pass(1100*time.Millisecond, "w0", "w1", "w2")
	if r := w.wantRefused(dispatch.NoWorker); !strings.Contains(r.Message, "w1 is unhealthy: the engine crashed") || !strings.Contains(r.Message, "base:a") {
		t.Fatalf("refusal %+v", r)
	}
}

// Requests that only one worker can take change nothing of the others' shares, nor of where sessions are.
func TestSharesAndSessionsStay(t *testing.T) {
	w := unequal(t, dispatch.Config{Policy: policy.RoundRobin{}}, 4)
	w.fleet["w2"].report.Weight = 2
	w.report("w2")
	counts := map[string]int{}
	for i := range 400 {
		w.submit(of([]string{"base", "base:a"}[i%2]))
		a := w.take(1)[0]
		if i%2 == 0 {
			counts[a.Worker]++
		}
		w.outcome(a, dispatch.Done)
	}
	if counts["w0"] != 50 || counts["w1"] != 50 || counts["w2"] != 100 {
		t.Errorf("shares %v of weights 1, 1, 2", counts)
	}
	w = unequal(t, dispatch.Config{Policy: policy.SessionAffinity{}}, 4)
	for s := range uint64(30) {
		home := w.chat(s + 1)
		w.submit(func(r *dispatch.Submit) { r.Session, r.Model = s+1, "base:a" })
		w.outcome(w.take(1)[0], dispatch.Done)
		if got := w.chat(s + 1); got != home {
			t.Errorf("session %d moved from %s to %s for a request that its worker could not take", s+1, home, got)
		}
	}
}
