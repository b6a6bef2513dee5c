package dispatch_test

import (
	"testing"
	"time"

	"github.com/leathq/leat/services/router/internal/dispatch"
)

// limit lets a dispatch end as an upstream's 429 does.
func (w *world) limit(a dispatch.Action, after time.Duration) {
	delete(w.fleet[a.Worker].holds, a.Number)
	w.m.Outcome(dispatch.Outcome{Worker: a.Worker, Number: a.Number, Verdict: dispatch.Limited, Cause: "429", RetryAfter: after}, w.now)
	w.collect()
}

func TestALimitedUpstreamMovesWorkAndIsNotBlamed(t *testing.T) {
	w := newWorld(t, dispatch.Config{RetryBurst: 0.5}, 2) // no retry is paid for
	w.submit(nil)
	a := w.take(1)[0]
	w.limit(a, 5*time.Second)
	b := w.take(1)[0]
	if b.Worker == a.Worker {
		t.Fatal("went back to the upstream that had refused it")
	}
	w.submit(nil)
	if c := w.take(1)[0]; c.Worker != b.Worker {
		t.Fatal("a limited upstream got work within its Retry-After")
	}
	w.submit(nil) // the other one is full now: this one waits for it
	w.take(0)
	w.outcome(b, dispatch.Done)
	w.take(1)
	w.pass(5100*time.Millisecond, "w0", "w1")
	w.submit(nil)
	if d := w.take(1)[0]; d.Worker != a.Worker {
		t.Fatalf("%s got work, want %s, whose Retry-After is over", d.Worker, a.Worker)
	}
	for _, v := range w.m.Workers(w.now) {
		if v.Breaker != "closed" {
			t.Errorf("%s is blamed: breaker %s", v.Report.Worker, v.Breaker)
		}
	}
}

func TestWhereEveryUpstreamIsLimitedTheClientHearsWhenToComeBack(t *testing.T) {
	w := newWorld(t, dispatch.Config{}, 1)
	w.submit(nil)
	w.limit(w.take(1)[0], 20*time.Second)
	if r := w.wantRefused(dispatch.Overloaded); r.RetryAfter != 20*time.Second || r.Cause != "429" {
		t.Fatalf("refusal %+v, want the upstream's own with 20 s", r)
	}
	w.pass(5*time.Second, "w0")
	w.submit(nil)
	if r := w.wantRefused(dispatch.Overloaded); r.RetryAfter != 15*time.Second {
		t.Fatalf("refusal %+v, want 15 s", r)
	}
	w.pass(16*time.Second, "w0")
	w.submit(nil)
	w.take(1)
}

func TestAnUpstreamThatNamesNoTimeIsAskedEverLessOften(t *testing.T) {
	w := newWorld(t, dispatch.Config{}, 1)
	asked := 0
	for range 60 { // one request a second for a minute
		w.submit(nil)
		for _, a := range w.sent {
			asked++
			w.limit(a, 0)
		}
		w.sent = nil
		w.pass(time.Second, "w0")
	}
	if asked > 12 {
		t.Fatalf("an overloaded upstream was asked %d times in a minute", asked)
	}
	for _, v := range w.m.Workers(w.now) {
		if v.Breaker != "closed" {
			t.Errorf("breaker %s", v.Breaker)
		}
	}
}
