package dispatch_test

import (
	"testing"
	"time"

	"github.com/leathq/leat/services/router/internal/dispatch"
	"github.com/leathq/leat/services/router/internal/policy"
)

// talk lets a session ask something and returns the dispatch.
func (w *world) talk(session uint64) dispatch.Action {
	w.t.Helper()
	w.submit(func(s *dispatch.Submit) { s.Session = session })
	return w.take(1)[0]
}

// chat is talk with an answer; it returns the worker.
func (w *world) chat(session uint64) string {
	w.t.Helper()
	a := w.talk(session)
	w.outcome(a, dispatch.Done)
	return a.Worker
}

func others(w *world, but string) (names []string) {
	for name := range w.fleet {
		if name != but {
			names = append(names, name)
		}
	}
	return names
}

func TestASessionComesBackToAWorkerThatWasOnlyFull(t *testing.T) {
	w := newWorld(t, dispatch.Config{Policy: policy.SessionAffinity{}}, 3)
	home := w.chat(7)
	a, b := w.talk(7), w.talk(7)
	if a.Worker != home || b.Worker != home {
		t.Fatalf("at %s, then %s and %s", home, a.Worker, b.Worker)
	}
	if c := w.talk(7); c.Worker == home {
		t.Fatal("given to a worker without room")
	}
	w.outcome(a, dispatch.Done)
	if got := w.chat(7); got != home {
		t.Errorf("moved from %s to %s since it was full for a moment", home, got)
	}
}

func TestASessionMovesOnceWhenItsWorkerIsGone(t *testing.T) {
	w := newWorld(t, dispatch.Config{Policy: policy.SessionAffinity{}}, 4)
	homes := map[uint64]string{}
	for s := range uint64(80) {
		homes[s+1] = w.chat(s + 1)
	}
	dead := homes[1]
	w.pass(6*time.Second, others(w, dead)...)
	now := map[uint64]string{}
	for s, home := range homes {
		if now[s] = w.chat(s); now[s] == dead || home != dead && now[s] != home {
			t.Errorf("session %d went from %s to %s; %s is dead", s, home, now[s], dead)
		}
	}
	w.fleet[dead].report.Started++ // back, with nothing in its cache
	w.report(dead)
	for s, home := range now {
		if got := w.chat(s); got != home {
			t.Errorf("session %d moved from %s to %s when %s came back", s, home, got, dead)
		}
	}
	if w.chat(1000) != dead {
		t.Error("a new session goes past the worker that has none")
	}
}

func TestAFailedRequestLeavesItsSessionWhereItIs(t *testing.T) {
	w := newWorld(t, dispatch.Config{Policy: policy.SessionAffinity{}}, 3)
	home := w.chat(7)
	w.outcome(w.talk(7), dispatch.Retry)
	again := w.take(1)[0]
	if again.Worker == home {
		t.Fatal("tried again where it failed")
	}
	w.outcome(again, dispatch.Done)
	if got := w.chat(7); got != home {
		t.Errorf("moved from %s to %s", home, got)
	}
}

func TestWeightsOfReportsAreRoundRobins(t *testing.T) {
	w := newWorld(t, dispatch.Config{Policy: policy.RoundRobin{}}, 3)
	w.fleet["w1"].report.Weight = 3
	w.report("w1")
	counts := map[string]int{}
	for range 500 {
		counts[w.chat(0)]++
	}
	if counts["w0"] != 100 || counts["w1"] != 300 || counts["w2"] != 100 {
		t.Errorf("picks %v of weights 1, 3, 1", counts)
	}
}

// Answers come one at a time, so every worker is idle at every pick: what tells them apart is what they needed before.
func TestLeastLatencyLearnsFromAnswers(t *testing.T) {
	w := newWorld(t, dispatch.Config{Policy: policy.LeastLatency{}}, 2)
	took := map[string]time.Duration{"w0": 500 * time.Millisecond, "w1": 100 * time.Millisecond}
	counts := map[string]int{}
	for range 100 {
		w.submit(nil)
		a := w.take(1)[0]
		counts[a.Worker]++
		delete(w.fleet[a.Worker].holds, a.Number)
		w.m.Outcome(dispatch.Outcome{Worker: a.Worker, Number: a.Number, FirstToken: took[a.Worker]}, w.now)
		w.pass(50*time.Millisecond, "w0", "w1")
	}
	if counts["w0"] == 0 || counts["w0"] > 3 {
		t.Errorf("requests %v: want the slow worker tried once, and hardly again", counts)
	}
	s := w.m.Explain(1)[0].Weighed
	if s[0].Latency < .25 || s[1].Latency > .11 || s[1].Score != s[1].Latency {
		t.Errorf("explained as %+v", s)
	}
}

// Only the worker that has the prefix gets its prompts, though it is the busiest; the rest goes by load.
func TestPrefixStaysWithItsWorker(t *testing.T) {
	w := newWorld(t, dispatch.Config{Policy: policy.Prefix{}}, 0)
	for _, name := range []string{"w0", "w1", "w2"} {
		w.join(name, 100)
	}
	ask := func(first uint64) string {
		w.submit(func(s *dispatch.Submit) { s.Prefix = []uint64{first, first + 1, first + 2, first + 3} })
		return w.take(1)[0].Worker
	}
	home := ask(10)
	for range 10 {
		if got := ask(10); got != home {
			t.Fatalf("the prefix is at %s, the request went to %s", home, got)
		}
	}
	if ask(20) == home || ask(30) == home {
		t.Error("a new prompt went to the busiest worker")
	}
}
