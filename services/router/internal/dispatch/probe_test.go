package dispatch_test

import (
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
		delete(w.fleet[a.Worker].holds, a.Number)
		w.m.Outcome(dispatch.Outcome{
			Worker: a.Worker, Number: a.Number, Verdict: dispatch.Done, Uncached: 100, FirstToken: first[a.Worker],
		}, w.now)
		w.collect()
		w.now = w.now.Add(10 * time.Millisecond)
		for name := range w.fleet {
			w.report(name)
		}
	}
	return got
}

// A worker that was slow gets few requests while it is, and its share soon after it has recovered.
func TestAWorkerThatWasSlowIsProbed(t *testing.T) {
	const fast, slow = 20 * time.Millisecond, 400 * time.Millisecond
	w := newWorld(t, dispatch.Config{Policy: policy.Adaptive{}}, 4)
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
