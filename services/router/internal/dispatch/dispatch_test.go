package dispatch_test

import (
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/services/router/internal/dispatch"
	"github.com/leathq/leat/services/router/internal/queue"
)

func TestAWorkerGetsWorkOnlyWhenItHasRoom(t *testing.T) {
	w := newWorld(t, dispatch.Config{}, 2)
	for range 6 {
		w.submit(nil)
	}
	first := w.take(4) // two slots each
	if len(w.queued) != 2 || w.queued[1].Ahead != 1 || w.m.Queued() != 2 {
		t.Fatalf("queued answers %+v, want two, the second with one ahead", w.queued)
	}
	w.outcome(first[0], dispatch.Done)
	if again := w.take(1); again[0].Worker != first[0].Worker {
		t.Fatalf("the freed slot is %s's, the dispatch went to %s", first[0].Worker, again[0].Worker)
	}
}

func TestSlotsThatOtherRoutersUseAreTaken(t *testing.T) {
	w := newWorld(t, dispatch.Config{}, 0)
	w.m.Report(dispatch.Report{Worker: "w", Started: 1, Number: 1, State: dispatch.Ready, Slots: 4, Held: 3}, w.now)
	w.fleet["w"] = &fake{holds: map[uint64]dispatch.Action{}}
	w.submit(nil)
	w.submit(nil)
	w.take(1)
}

func TestAFailureBeforeTheFirstTokenMovesToAnotherWorker(t *testing.T) {
	w := newWorld(t, dispatch.Config{}, 3)
	w.submit(nil)
	seen := map[string]bool{}
	for retry := range uint32(3) {
		a := w.take(1)[0]
		if seen[a.Worker] || a.Retry != retry || a.Call.Attempt != 1 {
			t.Fatalf("dispatch %d: %+v after %v", retry, a, seen)
		}
		seen[a.Worker] = true
		w.outcome(a, dispatch.Retry)
	}
	// All three failed it: one of them gets a last chance, then the client hears the worker's own reason.
	w.outcome(w.take(1)[0], dispatch.Retry)
	if r := w.wantRefused(dispatch.WorkerFailed); r.Cause != "why" {
		t.Fatalf("cause %v, want the worker's", r.Cause)
	}
	if st := w.m.Probe(dispatch.Ref{Key: dispatch.Key{Gateway: "gw", Sequence: 1}, Attempt: 1}); st != (dispatch.Status{}) {
		t.Fatalf("a refused sequence is still known: %+v", st)
	}
}

func TestALoneWorkerIsTriedTwiceAndBlamedOnce(t *testing.T) {
	w := newWorld(t, dispatch.Config{}, 1)
	begun := w.now
	for i := range 8 { // an engine that answers everything with 500
		w.submit(nil)
		tries := 0
		for len(w.refused) == 0 {
			for len(w.sent) > 0 {
				tries++
				a := w.sent[0]
				w.sent = w.sent[1:]
				w.outcome(a, dispatch.Retry)
			}
			if w.pass(50*time.Millisecond, "w0"); w.now.Sub(begun) > time.Minute {
				t.Fatalf("request %d never ends", i)
			}
		}
		w.wantRefused(dispatch.WorkerFailed)
		if tries > 2 {
			t.Fatalf("request %d was sent to the only worker %d times", i, tries)
		}
		if state := w.m.Workers(w.now)[0].Breaker; i < 2 && state != "closed" {
			t.Fatalf("%s after %d requests of 3 that may fail", state, i+1)
		}
	}
	if took := w.now.Sub(begun); took > 15*time.Second {
		t.Fatalf("eight requests took %s", took) // trials come 2 s apart at most
	}
}

func TestTheRetryBudgetEndsAStorm(t *testing.T) {
	w := newWorld(t, dispatch.Config{RetryBurst: 5}, 4)
	retried := 0
	for range 50 { // every worker fails everything
		w.submit(nil)
		for len(w.sent) > 0 {
			a := w.take(1)[0]
			if a.Retry > 0 {
				retried++
			}
			w.outcome(a, dispatch.Retry)
		}
		w.pass(100*time.Millisecond, "w0", "w1", "w2", "w3")
	}
	// 5 at once, a tenth of 50 requests, half a second's floor a second for about 5 s
	if retried > 5+5+3 {
		t.Fatalf("%d retries for 50 requests", retried)
	}
}

func TestBadTrialsDoNotReachTheClient(t *testing.T) {
	w := newWorld(t, dispatch.Config{}, 6)
	bad, atBad, submitted := "w3", 0, 0
	for range 2000 { // 10 ms each: a worker that fails fast always looks idle
		for range 3 {
			w.submit(nil)
			submitted++
		}
		for len(w.sent) > 0 {
			a := w.sent[0]
			w.sent = w.sent[1:]
			if a.Worker == bad {
				atBad++
				w.outcome(a, dispatch.Retry)
			} else {
				w.outcome(a, dispatch.Done)
			}
		}
		w.now = w.now.Add(10 * time.Millisecond)
		if w.now.UnixMilli()%250 == 0 {
			for name := range w.fleet {
				w.report(name)
			}
			w.m.Tick(w.now)
		}
	}
	if len(w.refused) > 0 {
		t.Fatalf("%d of %d requests were refused although five workers are fine", len(w.refused), submitted)
	}
	if atBad > 30 {
		t.Fatalf("the failing worker got %d of %d requests", atBad, submitted)
	}
	// Healthy again: it must serve within the longest cool-down and a trial.
	served := 0
	for range 300 {
		w.submit(nil)
		a := w.take(1)[0]
		if a.Worker == bad {
			served++
		}
		w.outcome(a, dispatch.Done)
		w.pass(10*time.Millisecond, "w0", "w1", "w2", "w3", "w4", "w5")
	}
	if served < 20 {
		t.Fatalf("the worker got %d of 300 requests in the 3 s after it was healthy", served)
	}
}

func TestAStaleReportIsUnknownNotIdle(t *testing.T) {
	w := newWorld(t, dispatch.Config{}, 2)
	w.submit(nil)
	busy := w.take(1)[0].Worker
	idle := "w0"
	if busy == idle {
		idle = "w1"
	}
	w.pass(2*time.Second, busy) // idle falls silent
	for range 2 {
		w.submit(nil)
	}
	if a := w.take(1)[0]; a.Worker != busy {
		t.Fatalf("%s got work on a report that is two seconds old", a.Worker)
	}
	if w.m.Queued() != 1 {
		t.Fatal("work should wait for a worker that is known to be there")
	}
	w.pass(2 * time.Second) // now both are silent: the last known load is all there is
	if a := w.take(1)[0]; a.Worker != idle {
		t.Fatalf("with no fresh report the last known load says %s, got %s", idle, a.Worker)
	}
}

func TestAnEngineThatStandsStillGetsNothingWhileOthersHaveRoom(t *testing.T) {
	w := newWorld(t, dispatch.Config{}, 0)
	w.join("hangs", 4)
	w.join("works", 4)
	work := func(d time.Duration) {
		for range d / (250 * time.Millisecond) {
			w.fleet["hangs"].report.Running = 1 // and no step
			w.fleet["works"].report.Running = 1
			w.fleet["works"].report.Steps += 5
			w.pass(250*time.Millisecond, "hangs", "works")
		}
	}
	work(1500 * time.Millisecond)
	for range 4 {
		if a := w.submitted(); a.Worker != "works" {
			t.Fatal("a worker whose engine has done no step for a second got work")
		}
	}
	if a := w.submitted(); a.Worker != "hangs" {
		t.Fatal("no other worker has room, and work waits")
	}
	w.fleet["hangs"].report.Steps++ // it was only slow
	w.pass(250*time.Millisecond, "hangs", "works")
	if v := w.m.Workers(w.now)[0]; v.Excluded != "" {
		t.Fatalf("moving again, and excluded: %s", v.Excluded)
	}
}

func TestWithoutWorkersRequestsWaitForTheGraceThenSayWhatToDo(t *testing.T) {
	w := newWorld(t, dispatch.Config{NoWorkerWait: time.Second}, 0)
	w.submit(nil)
	w.pass(900 * time.Millisecond)
	if len(w.refused) > 0 || len(w.queued) != 1 {
		t.Fatal("refused before the grace was over")
	}
	w.pass(200 * time.Millisecond)
	if r := w.wantRefused(dispatch.NoWorker); !strings.Contains(r.Message, "leat worker") || r.RetryAfter == 0 {
		t.Fatalf("refusal %+v should say what the operator can do and when to come back", r)
	}
	w.submit(nil)
	w.wantRefused(dispatch.NoWorker) // at once now
	w.join("w0", 1)
	w.submit(nil)
	w.take(1)
}

func TestAFullQueueRefusesWithATime(t *testing.T) {
	w := newWorld(t, dispatch.Config{Queue: queue.Config{MaxItems: 2}}, 1)
	for range 5 {
		w.submit(nil)
	}
	w.take(2)
	if len(w.refused) != 1 || w.refused[0].Refusal.Code != dispatch.QueueFull || w.refused[0].Refusal.RetryAfter < time.Second {
		t.Fatalf("got %+v, want one queue_full with Retry-After", w.refused)
	}
}

func TestWaitingEndsWithTheQueueTimeoutOrTheDeadline(t *testing.T) {
	w := newWorld(t, dispatch.Config{QueueTimeout: time.Second}, 0)
	w.join("w0", 1)
	w.submit(nil)
	w.submit(nil)
	w.submit(func(s *dispatch.Submit) { s.QueueTimeout = 200 * time.Millisecond })
	w.submit(func(s *dispatch.Submit) { s.Deadline = w.now.Add(400 * time.Millisecond) })
	for i, at := range []time.Duration{250, 200, 600} {
		w.pass(at*time.Millisecond, "w0")
		want := []dispatch.Code{dispatch.QueueTimeout, dispatch.TotalTimeout, dispatch.QueueTimeout}[i]
		if len(w.refused) != i+1 || w.refused[i].Refusal.Code != want {
			t.Fatalf("step %d: refusals %+v, want %d, the last of code %s", i, w.refused, i+1, want)
		}
	}
	for i, want := range []string{"own queue time-out of 200ms", "total time-out", "pools.p.timeouts.queue"} {
		if got := w.refused[i].Refusal.Message; !strings.Contains(got, want) {
			t.Errorf("refusal %q should name the wait that ran out: %q", got, want)
		}
	}
	if got := []uint64{w.refused[0].Call.Sequence, w.refused[1].Call.Sequence, w.refused[2].Call.Sequence}; got[0] != 3 || got[1] != 4 || got[2] != 2 {
		t.Fatalf("expired in the order %v, want 3 4 2", got)
	}
}

// However often a request is handed back, it waits no longer than its queue time-out in all; time at a worker is no wait.
func TestAllWaitsOfARequestTogetherAreBounded(t *testing.T) {
	w := newWorld(t, dispatch.Config{QueueTimeout: time.Second}, 0)
	w.join("w0", 1)
	w.submit(nil)
	waited := time.Duration(0)
	for round := 0; len(w.refused) == 0; round++ {
		if round > 10 {
			t.Fatal("handed back ten times, and never too late")
		}
		if len(w.sent) > 0 {
			a := w.take(1)[0]
			w.pass(2*time.Second, "w0")
			w.fleet["w0"].report.State = dispatch.Unhealthy
			w.report("w0")
			w.outcome(a, dispatch.HandedBack)
		}
		for end := w.now.Add(400 * time.Millisecond); w.now.Before(end) && len(w.refused) == 0; waited += 50 * time.Millisecond {
			w.pass(50*time.Millisecond, "w0")
		}
		w.fleet["w0"].report.State = dispatch.Ready
		w.report("w0")
	}
	if w.wantRefused(dispatch.QueueTimeout); waited > 1100*time.Millisecond {
		t.Fatalf("waited %s in all with a queue time-out of 1 s", waited)
	}
}

func TestNobodyListensOnAWorkersSubject(t *testing.T) {
	w := newWorld(t, dispatch.Config{}, 2)
	w.submit(nil)
	a := w.take(1)[0]
	delete(w.fleet[a.Worker].holds, a.Number)
	w.m.NoResponder(a.Worker, a.Number, w.now)
	w.collect()
	b := w.take(1)[0]
	if b.Worker == a.Worker || b.Call.Key != a.Call.Key {
		t.Fatalf("moved to %s, was lost at %s", b.Worker, a.Worker)
	}
	w.submit(nil)
	if c := w.take(1)[0]; c.Worker == a.Worker {
		t.Fatal("a worker that is gone got more work")
	}
	w.report(a.Worker) // it is back
	w.submit(nil)
	if c := w.take(1)[0]; c.Worker != a.Worker {
		t.Fatal("a worker that reports again gets no work")
	}
}

func TestReportsFindLostDispatchesAndLostOutcomes(t *testing.T) {
	w := newWorld(t, dispatch.Config{}, 0)
	w.join("w0", 2)
	w.submit(nil)
	w.submit(nil)
	s := w.take(2)
	f := w.fleet["w0"]
	delete(f.holds, s[0].Number) // it ended; the outcome got lost
	delete(f.holds, s[1].Number) // it never arrived
	f.report.Highest = s[0].Number
	w.pass(500*time.Millisecond, "w0")
	w.take(0) // too early to tell
	w.pass(time.Second, "w0")
	if a := w.take(1)[0]; a.Call.Key != s[1].Call.Key {
		t.Fatalf("sent %+v again, want the dispatch that never arrived", a.Call.Key)
	}
	if w.m.Dispatched() != 1 {
		t.Fatalf("%d in the books, want 1: the other one's slot is free", w.m.Dispatched())
	}
}

func TestWithdrawFreesTheQueueAndStopsTheWorker(t *testing.T) {
	w := newWorld(t, dispatch.Config{}, 0)
	w.join("w0", 1)
	running, waiting := w.submit(nil), w.submit(nil)
	a := w.take(1)[0]
	w.m.Withdraw(dispatch.Ref{Key: waiting.Key, Attempt: 1}, w.now)
	w.m.Withdraw(dispatch.Ref{Key: running.Key, Attempt: 1}, w.now)
	w.collect()
	if len(w.other) != 1 || w.other[0].Kind != dispatch.Cancel || w.other[0].Worker != "w0" || w.m.Queued() != 0 {
		t.Fatalf("actions %+v, %d queued; want one cancel for w0 and an empty queue", w.other, w.m.Queued())
	}
	w.submit(nil)
	w.take(0) // the slot is taken until the worker says otherwise
	w.outcome(a, dispatch.Cancelled)
	w.take(1)
}

func TestANewAttemptReplacesTheOldOne(t *testing.T) {
	w := newWorld(t, dispatch.Config{}, 2)
	s := w.submit(nil)
	a := w.take(1)[0]
	s.Attempt, s.Avoid = 2, []string{a.Worker}
	w.m.Submit(s, w.now)
	w.collect()
	b := w.take(1)[0]
	if b.Worker == a.Worker || b.Call.Attempt != 2 {
		t.Fatalf("second attempt %+v, first was at %s", b, a.Worker)
	}
	w.m.Submit(s, w.now) // repeated
	w.outcome(a, dispatch.Retry)
	w.take(0)
	if st := w.m.Probe(dispatch.Ref{Key: s.Key, Attempt: 2}); st.Worker != b.Worker {
		t.Fatalf("probe says %+v, want %s", st, b.Worker)
	}
}

func TestAWorkerThatGatewaysGiveUpOnIsTakenOut(t *testing.T) {
	w := newWorld(t, dispatch.Config{}, 0)
	w.join("hangs", 8)
	for range 3 {
		s := w.submit(nil)
		s.Attempt, s.Avoid = 2, []string{"hangs"}
		w.m.Submit(s, w.now)
		w.collect()
	}
	w.take(3 + 2) // no other worker: the second attempts go there as well, until it is out
	if v := w.m.Workers(w.now)[0]; v.Breaker != "open" {
		t.Fatalf("breaker %s after three sequences were given up there", v.Breaker)
	}
}

// What a worker ended with an error is a retry when its gateway submits it again, whichever of the two is heard first.
func TestARetryOfTheGatewayIsBookedAsOne(t *testing.T) {
	for name, early := range map[string]bool{"the outcome first": false, "the retry first": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, dispatch.Config{RetryBurst: 2}, 0)
			w.join("bad", 1)
			s := w.submit(nil)
			a := w.take(1)[0]
			w.join("good", 1)
			again := func() {
				s.Attempt, s.Avoid, s.Failed = 2, []string{"bad"}, "why"
				w.m.Submit(s, w.now)
				w.collect()
			}
			if early {
				again()
				w.outcome(a, dispatch.Broken)
			} else {
				w.outcome(a, dispatch.Broken)
				again()
			}
			b := w.take(1)[0]
			if b.Worker != "good" || b.Call.Attempt != 2 || w.m.Counts().Retried != 1 {
				t.Fatalf("%+v, %d retries; want the second attempt at the other worker as one retry", b, w.m.Counts().Retried)
			}
			w.outcome(b, dispatch.Done)
			if w.m.Dispatched() != 0 || len(w.refused) != 0 {
				t.Fatalf("%d slots are held, refused %v", w.m.Dispatched(), w.refused)
			}
			for range 2 { // two more failures open the breaker: the first has counted once
				for _, v := range w.m.Workers(w.now) {
					if v.Breaker != "closed" {
						t.Fatalf("%s is out too early", v.Report.Worker)
					}
				}
				w.submit(func(s *dispatch.Submit) { s.Avoid = []string{"good"} })
				w.outcome(w.take(1)[0], dispatch.Broken)
			}
			s = w.submit(func(s *dispatch.Submit) { s.Attempt, s.Avoid, s.Failed = 2, []string{"bad"}, "why" })
			w.outcome(w.take(1)[0], dispatch.Done)
			w.submit(func(s *dispatch.Submit) { s.Attempt, s.Avoid, s.Failed = 2, []string{"bad"}, "why" })
			w.take(0)
			if r := w.wantRefused(dispatch.WorkerFailed); r.Cause != "why" {
				t.Fatalf("beyond the budget the gateway hears %v, want the error of the attempt before", r)
			}
		})
	}
}

func TestProbeTellsWhatBecameOfASequence(t *testing.T) {
	w := newWorld(t, dispatch.Config{}, 0)
	w.join("w0", 1)
	running, waiting := w.submit(nil), w.submit(nil)
	ref := func(s dispatch.Submit) dispatch.Ref { return dispatch.Ref{Key: s.Key, Attempt: 1} }
	if st := w.m.Probe(ref(running)); st.Worker != "w0" {
		t.Errorf("running: %+v", st)
	}
	if st := w.m.Probe(ref(waiting)); !st.Queued {
		t.Errorf("waiting: %+v", st)
	}
	w.outcome(w.take(1)[0], dispatch.Done)
	if st := w.m.Probe(ref(running)); st.Worker != "w0" {
		t.Errorf("finished a moment ago: %+v, want w0, which still has its last deltas", st)
	}
	if st := w.m.Probe(dispatch.Ref{Key: dispatch.Key{Gateway: "gw", Sequence: 99}, Attempt: 1}); st != (dispatch.Status{}) {
		t.Errorf("never seen: %+v", st)
	}
}

func TestAFencedRouterStepsDown(t *testing.T) {
	w := newWorld(t, dispatch.Config{}, 0)
	w.join("w0", 1)
	w.submit(func(s *dispatch.Submit) { s.Partition = 7 })
	w.submit(func(s *dispatch.Submit) { s.Partition = 7 })
	w.submit(func(s *dispatch.Submit) { s.Partition = 8 })
	w.outcome(w.take(1)[0], dispatch.Fenced)
	if len(w.other) != 1 || w.other[0].Kind != dispatch.StepDown || w.other[0].Call.Partition != 7 {
		t.Fatalf("actions %+v, want to step down from partition 7", w.other)
	}
	w.m.Drop(7)
	w.collect()
	if w.m.Queued() != 1 {
		t.Fatalf("%d wait, want the one of partition 8", w.m.Queued())
	}
}

func TestDrainingAndUnhealthyWorkersGetNothing(t *testing.T) {
	for _, state := range []dispatch.State{dispatch.Starting, dispatch.Unhealthy, dispatch.Draining, dispatch.Gone} {
		w := newWorld(t, dispatch.Config{}, 2)
		w.fleet["w0"].report.State = state
		w.report("w0")
		for range 4 {
			w.submit(nil)
		}
		for _, a := range w.take(2) {
			if a.Worker == "w0" {
				t.Errorf("a worker that is %v got work", state)
			}
		}
	}
}

func TestHandedBackAndFullMoveOnWithoutBlame(t *testing.T) {
	for _, v := range []dispatch.Verdict{dispatch.HandedBack, dispatch.Full} {
		w := newWorld(t, dispatch.Config{RetryBurst: 0.5}, 2)
		w.submit(nil)
		a := w.take(1)[0]
		w.outcome(a, v)
		if b := w.take(1)[0]; b.Worker == a.Worker {
			t.Errorf("verdict %d: went back to the same worker", v)
		}
		if views := w.m.Workers(w.now); views[0].Breaker != "closed" || views[1].Breaker != "closed" {
			t.Errorf("verdict %d: counted against a worker", v)
		}
	}
}

func TestARestartedWorkerStartsAfresh(t *testing.T) {
	w := newWorld(t, dispatch.Config{}, 0)
	w.join("w0", 1)
	s := w.submit(nil)
	w.take(1)
	f := w.fleet["w0"]
	clear(f.holds)
	f.report.Started, f.report.Number, f.report.Highest = 2, 0, 0
	w.report("w0")
	if st := w.m.Probe(dispatch.Ref{Key: s.Key, Attempt: 1}); st != (dispatch.Status{}) {
		t.Fatalf("the sequence died with the worker's old life, probe says %+v", st)
	}
	w.submit(nil)
	if a := w.take(1)[0]; a.Number != 2 {
		t.Fatalf("dispatch number %d, want 2: numbers never repeat", a.Number)
	}
}

func TestAnEarlierLifeCountsAgainOnceTheLaterOneIsLost(t *testing.T) {
	for name, end := range map[string]func(w *world, later dispatch.Report){
		"it says that it is gone": func(w *world, later dispatch.Report) {
			later.State, later.Number = dispatch.Gone, 2
			w.m.Report(later, w.now)
		},
		"it is silent": func(w *world, _ dispatch.Report) {
			w.now = w.now.Add(6 * time.Second)
			w.m.Tick(w.now)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, dispatch.Config{}, 1)
			later := dispatch.Report{Worker: "w0", Started: 2, Number: 1, State: dispatch.Starting}
			w.m.Report(later, w.now)
			w.report("w0")
			w.submit(nil)
			if len(w.sent) != 0 {
				t.Fatal("a report of an earlier life counted while the later one lived")
			}
			end(w, later)
			w.report("w0")
			if len(w.sent) != 1 {
				t.Errorf("the worker that reports gets %d dispatches", len(w.sent))
			}
		})
	}
}

func TestAReinstatedAvoiderDoesNotHoldUpOthers(t *testing.T) {
	w := newWorld(t, dispatch.Config{}, 0)
	w.join("w0", 1)
	w.join("w1", 1)
	w.submit(func(s *dispatch.Submit) { s.Avoid = []string{"w0"} }) // takes w1
	w.take(1)
	w.submit(func(s *dispatch.Submit) { s.Avoid = []string{"w0"} }) // waits for w1
	w.take(0)
	w.submit(nil)
	if a := w.take(1)[0]; a.Worker != "w0" {
		t.Fatal("a request that avoids the free worker blocks one that does not")
	}
}

func TestExplainShowsScoresAndWhyWorkersWereLeftOut(t *testing.T) {
	w := newWorld(t, dispatch.Config{Explain: 2}, 2)
	w.fleet["w1"].report.State = dispatch.Unhealthy
	w.report("w1")
	for range 3 {
		w.outcome(w.submitted(), dispatch.Done)
	}
	picks := w.m.Explain(10)
	if len(picks) != 2 || picks[0].Key.Sequence != 3 || picks[0].Worker != "w0" {
		t.Fatalf("picks %+v, want the last two, newest first", picks)
	}
	for _, s := range picks[0].Weighed {
		if want := map[string]string{"w0": "", "w1": "unhealthy"}[s.Worker]; s.Excluded != want {
			t.Errorf("%s excluded as %q, want %q", s.Worker, s.Excluded, want)
		}
	}
}

func (w *world) submitted() dispatch.Action {
	w.submit(nil)
	return w.take(1)[0]
}
