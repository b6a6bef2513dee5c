package dispatch_test

import (
	"testing"
	"time"

	"github.com/leathq/leat/services/router/internal/dispatch"
)

// Time may pass slowly only while nothing depends on it.
func TestAMachineIsIdleOnlyWhereATickHasNothingToDo(t *testing.T) {
	w := newWorld(t, dispatch.Config{}, 1)
	idle := func(want bool, when string) {
		t.Helper()
		if got := w.m.Idle(w.now); got != want {
			t.Errorf("%s: idle is %v", when, got)
		}
	}
	idle(true, "a worker that reports")
	for range 2 {
		w.submit(nil)
	}
	idle(true, "sequences that run")
	w.submit(nil)
	idle(false, "a sequence that waits")
	for _, a := range w.take(2) {
		w.outcome(a, dispatch.Done)
	}
	w.outcome(w.take(1)[0], dispatch.Done)
	idle(true, "nothing waits any more")
	w.now = w.now.Add(700 * time.Millisecond)
	idle(false, "a worker that missed two reports")
	w.pass(6 * time.Second)
	idle(true, "a worker that is lost for long")
	w.report("w0")
	idle(false, "a worker that is back")
	w.m.Tick(w.now)
	idle(true, "a worker that is back, after a tick")
	w.fleet["w0"].report.State = dispatch.Draining
	w.report("w0")
	idle(false, "the last worker leaves")
}
