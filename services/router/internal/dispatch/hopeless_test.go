package dispatch_test

import (
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/services/router/internal/dispatch"
)

func TestAPoolOfUnhealthyWorkersSaysSoLongBeforeTheQueueTimeout(t *testing.T) {
	w := newWorld(t, dispatch.Config{NoWorkerWait: time.Second}, 1)
	f := w.fleet["w0"]
	f.report.State, f.report.Note = dispatch.Unhealthy, "the upstream refuses connections"
	w.report("w0")
	w.submit(nil)
	w.pass(2*time.Second, "w0") // an engine that crashed may be back
	if len(w.refused) > 0 {
		t.Fatalf("refused after 2 s: %+v", w.refused)
	}
	w.pass(1500*time.Millisecond, "w0")
	if r := w.wantRefused(dispatch.NoWorker); !strings.Contains(r.Message, f.report.Note) || r.RetryAfter == 0 {
		t.Fatalf("refusal %+v should say what ails the worker", r)
	}
	w.submit(nil)
	w.wantRefused(dispatch.NoWorker) // at once now
	f.report.State = dispatch.Ready
	w.report("w0")
	w.submit(nil)
	w.take(1)
}

// Requests are refused at once while every worker is out, but for the trials by which one gets in again.
func TestAPoolOfFailingWorkersRefusesAtOnceAndRecovers(t *testing.T) {
	w := newWorld(t, dispatch.Config{NoWorkerWait: 500 * time.Millisecond}, 1)
	sent, waiting := 0, 0
	second := func(v dispatch.Verdict) { // twenty requests
		for range 20 {
			w.submit(nil)
			for len(w.sent) > 0 {
				a := w.sent[0]
				w.sent = w.sent[1:]
				sent++
				w.outcome(a, v)
			}
			w.pass(50*time.Millisecond, "w0")
			waiting = max(waiting, w.m.Queued())
		}
	}
	for range 4 {
		second(dispatch.Retry)
	}
	sent, waiting, w.refused = 0, 0, nil
	for range 6 {
		second(dispatch.Retry)
	}
	if sent < 2 || sent > 8 || waiting > 0 || len(w.refused) < 110 {
		t.Fatalf("in 6 s of failures %d trials, up to %d waiting, %d of 120 refused", sent, waiting, len(w.refused))
	}
	for range 3 {
		second(dispatch.Done)
	}
	w.refused = nil
	if second(dispatch.Done); len(w.refused) > 0 {
		t.Fatalf("%d of 20 refused 3 s after the worker was well", len(w.refused))
	}
}
