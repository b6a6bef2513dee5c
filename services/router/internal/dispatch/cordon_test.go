package dispatch_test

import (
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/services/router/internal/dispatch"
)

// A cordoned worker gets nothing new, keeps what it has, and is not held to have failed; uncordoned, it is as good as before.
func TestACordonedWorkerGetsNothingNew(t *testing.T) {
	w := newWorld(t, dispatch.Config{NoWorkerWait: time.Second}, 2)
	w.submit(nil)
	had := w.take(1)[0]
	f := w.fleet[had.Worker]
	f.report.State = dispatch.Cordoned
	w.report(had.Worker)
	w.submit(nil)
	w.submit(nil)
	for _, a := range w.take(2) {
		if a.Worker == had.Worker {
			t.Errorf("dispatched to %s", a.Worker)
		}
	}
	w.submit(nil) // the other one is full
	w.pass(30*time.Second, "w0", "w1")
	if w.take(0); len(f.holds) != 1 || len(w.refused) > 0 {
		t.Errorf("it holds %d, refused %+v", len(f.holds), w.refused)
	}
	for _, v := range w.m.Workers(w.now) {
		if v.Report.Worker == had.Worker && (v.Breaker != "closed" || v.Excluded != "cordoned") {
			t.Errorf("seen as %+v", v)
		}
	}
	f.report.State = dispatch.Ready
	w.report(had.Worker)
	if a := w.take(1)[0]; a.Worker != had.Worker {
		t.Errorf("dispatched to %s", a.Worker)
	}
}

// A dispatch that crosses the cordon comes back and goes elsewhere, at no cost to the worker or to the retries.
func TestADispatchThatCrossesACordonMoves(t *testing.T) {
	w := newWorld(t, dispatch.Config{}, 2)
	w.submit(nil)
	a := w.take(1)[0]
	w.outcome(a, dispatch.HandedBack)
	b := w.take(1)[0]
	if b.Worker == a.Worker || b.Retry != 0 {
		t.Errorf("moved to %s as retry %d", b.Worker, b.Retry)
	}
	w.fleet[a.Worker].report.State = dispatch.Cordoned
	w.report(a.Worker)
	if v := w.m.Workers(w.now); v[0].Breaker != "closed" || v[1].Breaker != "closed" || w.m.Counts().Retried != 0 {
		t.Errorf("workers %+v", v)
	}
}

// Where all workers are cordoned, requests hear soon what to do about it; one that comes late finds them at once again.
func TestAPoolOfCordonedWorkersSaysSo(t *testing.T) {
	w := newWorld(t, dispatch.Config{NoWorkerWait: time.Second}, 1)
	w.fleet["w0"].report.State = dispatch.Cordoned
	w.report("w0")
	w.pass(100*time.Millisecond, "w0")
	w.submit(nil)
	w.pass(1500*time.Millisecond, "w0")
	if r := w.wantRefused(dispatch.NoWorker); !strings.Contains(r.Message, "1 cordoned") || !strings.Contains(r.Message, "leat uncordon") {
		t.Errorf("refusal %+v", r)
	}
	w.fleet["w0"].report.State = dispatch.Ready
	w.report("w0")
	w.submit(nil)
	w.take(1)
}
