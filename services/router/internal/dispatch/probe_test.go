package dispatch_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/leathq/leat/services/router/internal/dispatch"
	"github.com/leathq/leat/services/router/internal/policy"
)

// answers has n requests answered one by one, 10 ms apart, by workers whose first token takes first; it counts them by worker.
func (w *world) answers(n int, first map[string]time.Duration) map[string]int {
	w.t.Helper()
	got := map[string]int{}
	for range n {
		w.submit(nil)
		a := w.take(1)[0]
		got[a.Worker]++
		w.answered(a, first[a.Worker])
		w.now = w.now.Add(10 * time.Millisecond)
		for name := range w.fleet {
			w.report(name)
		}
	}
	return got
}

func (w *world) answered(a dispatch.Action, first time.Duration) {
	delete(w.fleet[a.Worker].holds, a.Number)
	w.m.Outcome(dispatch.Outcome{Worker: a.Worker, Number: a.Number, Verdict: dispatch.Done, Uncached: 100, FirstToken: first}, w.now)
	w.collect()
}

// A worker that was slow gets few requests while it is, and its share soon after it has recovered.
func TestAWorkerThatWasSlowIsProbed(t *testing.T) {
	const fast = 20 * time.Millisecond
	for _, c := range []struct {
		slow time.Duration
		rate float64 // that it reports, long after it has recovered too; 0: none
	}{{100 * time.Millisecond, 0}, {400 * time.Millisecond, 0}, {400 * time.Millisecond, 5}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			slow := c.slow
			w := newWorld(t, dispatch.Config{Policy: policy.Adaptive{}}, 4)
			w.fleet["w0"].report.PrefillRate = c.rate
			first := map[string]time.Duration{"w0": slow, "w1": fast, "w2": fast, "w3": fast}
			w.answers(200, first)
			if got := w.answers(2000, first); got["w0"] < 3 || got["w0"] > 10 {
				t.Errorf("%d of 2,000 requests went to a slow worker, want one in some 200", got["w0"])
			}
			first["w0"] = fast
			w.answers(400, first)
			if got := w.answers(400, first); got["w0"] < 60 {
				t.Errorf("%d of 400 requests went to a worker that has recovered, want about 100", got["w0"])
			}
		})
	}
}

// A worker that nobody needs is not probed: nothing says that it is slow.
func TestAWorkerThatIsOnlyPassedOverIsNotProbed(t *testing.T) {
	const fast = 20 * time.Millisecond
	w := newWorld(t, dispatch.Config{Policy: policy.Adaptive{}}, 2)
	first := map[string]time.Duration{"w0": fast, "w1": fast}
	w.answers(200, first)
	prefix := []uint64{1, 2, 3, 4, 5, 6}
	homes := map[string]int{}
	for range 1000 {
		w.submit(func(s *dispatch.Submit) { s.Prefix = prefix })
		a := w.take(1)[0]
		homes[a.Worker]++
		w.outcome(a, dispatch.Done)
		w.now = w.now.Add(10 * time.Millisecond)
		for name := range w.fleet {
			w.report(name)
		}
	}
	if len(homes) != 1 {
		t.Errorf("a prefix that one worker has was sent to %v", homes)
	}
}

// Long answers that a worker had begun while it was slow, and that end once it has recovered, do not make it slow again.
func TestOldAnswersDoNotMakeARecoveredWorkerSlow(t *testing.T) {
	const fast, slow = 20 * time.Millisecond, 400 * time.Millisecond
	w := newWorld(t, dispatch.Config{Policy: policy.Adaptive{}}, 0)
	first := map[string]time.Duration{"w0": fast, "w1": fast, "w2": fast, "w3": fast}
	for name := range first {
		w.join(name, 64)
	}
	w.answers(100, first)
	first["w0"] = slow
	var long []dispatch.Action
	for range 80 {
		w.submit(nil)
		if a := w.take(1)[0]; a.Worker == "w0" {
			long = append(long, a)
		} else {
			w.answered(a, fast)
		}
		for name := range w.fleet {
			w.report(name)
		}
	}
	if len(long) < 16 {
		t.Fatalf("%d long answers on the slow worker, want 20 or so", len(long))
	}
	for _, a := range long[:8] {
		w.answered(a, slow)
	}
	w.answers(400, first)
	first["w0"] = fast
	for w.answers(1, first)["w0"] == 0 { // until a probe finds it recovered
	}
	for _, a := range long[8:] {
		w.answered(a, slow)
	}
	if got := w.answers(100, first); got["w0"] < 15 {
		t.Errorf("%d of 100 requests went to a worker that has recovered, want about 25", got["w0"])
	}
}
