package dispatch_test

import (
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/services/router/internal/dispatch"
)

// sleepy is a pool without workers, whose requests wait d for one.
func sleepy(t *testing.T, d time.Duration) (w *world, ask func()) {
	w = newWorld(t, dispatch.Config{NoWorkerWait: time.Second, QueueTimeout: 10 * time.Second}, 0)
	w.pass(time.Minute) // long without a worker: others would be refused at once
	return w, func() { w.submit(func(s *dispatch.Submit) { s.Wake = w.now.Add(d) }) }
}

// A request of a pool that sleeps waits beyond the queue time-out, while a worker comes and loads, and is the first that it gets.
func TestARequestWaitsForASleepingPool(t *testing.T) {
	w, ask := sleepy(t, time.Minute)
	ask()
	w.submit(nil)
	w.wantRefused(dispatch.NoWorker) // the pool may not sleep, by its word
	w.pass(20 * time.Second)
	w.fleet["w0"] = &fake{holds: map[uint64]dispatch.Action{}, report: dispatch.Report{Worker: "w0", Started: 1, State: dispatch.Starting, Slots: 2, Known: true}}
	w.pass(30*time.Second, "w0")
	if w.m.Queued() != 1 || len(w.refused) > 0 {
		t.Fatalf("%d wait, refused %+v", w.m.Queued(), w.refused)
	}
	w.fleet["w0"].report.State = dispatch.Ready
	w.report("w0")
	w.take(1)
}

func TestARequestWhosePoolDoesNotWakeSaysSo(t *testing.T) {
	w, ask := sleepy(t, 30*time.Second)
	ask()
	w.pass(29 * time.Second)
	if len(w.refused) > 0 {
		t.Fatalf("refused early: %+v", w.refused)
	}
	w.pass(2 * time.Second)
	if r := w.wantRefused(dispatch.NoWorker); !strings.Contains(r.Message, "pool p sleeps") || !strings.Contains(r.Message, "within the 30s") || r.RetryAfter != 30*time.Second {
		t.Errorf("%+v", r)
	}
}

// What waits in a queue when its pool's last worker goes waits on for the next one; where the pool is up, the queue's own
// time-out holds.
func TestAPoolThatFallsAsleepKeepsItsQueue(t *testing.T) {
	w := newWorld(t, dispatch.Config{NoWorkerWait: time.Second, QueueTimeout: 10 * time.Second}, 1)
	ask := func() { w.submit(func(s *dispatch.Submit) { s.Wake = w.now.Add(time.Minute) }) }
	ask()
	ask()
	full := w.take(2)
	ask() // for the queue's time only
	w.pass(11*time.Second, "w0")
	w.wantRefused(dispatch.QueueTimeout)
	ask()
	w.fleet["w0"].report.State = dispatch.Gone
	w.report("w0")
	w.pass(40 * time.Second)
	if w.m.Queued() != 1 || len(w.refused) > 0 {
		t.Fatalf("%d wait, refused %+v", w.m.Queued(), w.refused)
	}
	w.join("w1", 2)
	w.take(1)
	w.outcome(full[0], dispatch.Cancelled)
}

// A worker that is up and not well is no sleeping pool: its requests are not kept waiting for minutes.
func TestASickWorkerIsNotASleepingPool(t *testing.T) {
	w, ask := sleepy(t, time.Minute)
	w.join("w0", 2)
	w.fleet["w0"].report.State = dispatch.Unhealthy
	ask()
	w.take(1)
	w.report("w0")
	ask()
	w.pass(5*time.Second, "w0")
	w.wantRefused(dispatch.NoWorker)
}

// A request's total time-out bounds its wait.
func TestWakingEndsWithTheRequest(t *testing.T) {
	w, _ := sleepy(t, 0)
	w.submit(func(s *dispatch.Submit) { s.Wake, s.Deadline = w.now.Add(time.Hour), w.now.Add(20*time.Second) })
	w.pass(21 * time.Second)
	w.wantRefused(dispatch.NoWorker)
}
