package dispatch_test

import (
	"testing"

	"github.com/leathq/leat/services/router/internal/dispatch"
	"github.com/leathq/leat/services/router/internal/queue"
)

func overtakes(first dispatch.Submit) func(*dispatch.Submit) {
	return func(s *dispatch.Submit) { s.Overtakes = first.Sequence }
}

// A second run goes to another worker that has room, and only there.
func TestAHedgeRunsBesideTheFirst(t *testing.T) {
	w := newWorld(t, dispatch.Config{}, 2)
	first := w.submit(nil)
	a := w.take(1)[0]
	w.submit(overtakes(first))
	b := w.take(1)[0]
	if a.Worker == b.Worker {
		t.Fatal("it runs where the first one does")
	}
	w.outcome(b, dispatch.Cancelled)
	w.outcome(a, dispatch.Done)
	w.submit(overtakes(first))
	w.wantRefused(dispatch.NoHedge) // the first does not run any more
	w.take(0)
}

// Under load a hedge would add to it: where it cannot begin at once, or something waits, it is refused and holds nothing.
func TestAHedgeNeverWaits(t *testing.T) {
	for name, c := range map[string]struct {
		workers int
		before  int // requests beside the first
		taken   int // of all
	}{
		"no other worker":            {1, 0, 1},
		"the other one is full":      {2, 2, 3},
		"requests wait":              {2, 4, 4},
		"the first waits in a queue": {1, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, dispatch.Config{}, c.workers)
			first := w.submit(nil)
			if name == "the first waits in a queue" {
				w.submit(nil)
				first = w.submit(nil)
				c.taken = 2
			}
			for range c.before {
				w.submit(nil)
			}
			if name == "the other one is full" { // the first's worker has room: that is no help
				other := w.sent[1].Worker
				if w.sent[0].Worker == other {
					t.Fatal("both are one worker's")
				}
			}
			w.take(c.taken)
			waiting := w.m.Queued()
			s := w.submit(overtakes(first))
			if name == "the other one is full" {
				for len(w.refused) == 0 && len(w.sent) > 0 { // it had room for this one yet
					w.sent = nil
					s = w.submit(overtakes(first))
				}
			}
			w.wantRefused(dispatch.NoHedge)
			if w.m.Queued() != waiting || w.m.Probe(dispatch.Ref{Key: s.Key, Attempt: 1}) != (dispatch.Status{}) {
				t.Errorf("it is kept: %d wait", w.m.Queued())
			}
		})
	}
}

// A request that waits because its workers failed it is a sign of trouble, though others have room; bulk work that leaves
// slots free is none.
func TestAHedgeHeedsWhoWaits(t *testing.T) {
	w := newWorld(t, dispatch.Config{}, 2)
	failed := w.submit(nil)
	a := w.take(1)[0]
	for range 3 {
		w.submit(nil)
	}
	others := w.take(3) // all slots are taken
	w.outcome(a, dispatch.Retry)
	if w.m.Queued() != 1 || len(w.sent) != 0 {
		t.Fatalf("the failed request does not wait: %d, %v", w.m.Queued(), w.sent)
	}
	first := others[0]
	for _, o := range others {
		if o.Worker != a.Worker {
			first = o
		}
	}
	if first.Call.Sequence == failed.Sequence {
		t.Fatal("the failed request runs")
	}
	w.submit(func(s *dispatch.Submit) { s.Overtakes = first.Call.Sequence })
	w.wantRefused(dispatch.NoHedge)

	w = newWorld(t, dispatch.Config{BulkReserve: .5}, 2)
	one := w.submit(nil)
	for range 3 {
		w.submit(func(s *dispatch.Submit) { s.Class = queue.Bulk })
	}
	w.sent = nil
	if w.m.Queued() == 0 {
		t.Fatal("no bulk work waits")
	}
	w.submit(overtakes(one))
	w.take(1)
}

// What a worker does not take, or fails, is not moved: the first one runs still.
func TestAHedgeIsNotMoved(t *testing.T) {
	for _, v := range []dispatch.Verdict{dispatch.Full, dispatch.HandedBack, dispatch.Retry, dispatch.Limited} {
		w := newWorld(t, dispatch.Config{}, 3)
		first := w.submit(nil)
		w.take(1)
		w.submit(overtakes(first))
		w.outcome(w.take(1)[0], v)
		w.wantRefused(dispatch.NoHedge)
		w.take(0)
	}
}
