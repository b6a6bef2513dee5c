package dispatch_test

import (
	"testing"
	"time"

	"github.com/leathq/leat/services/router/internal/dispatch"
	"github.com/leathq/leat/services/router/internal/queue"
)

func bulk(s *dispatch.Submit) { s.Class = queue.Bulk }

// Bulk work fills what is idle. Once others come it leaves slots free for the next one of them, and it takes them back
// when they have stayed away.
func TestBulkWorkLeavesSlotsFreeWhileOthersCome(t *testing.T) {
	w := newWorld(t, dispatch.Config{BulkReserve: .25, QueueTimeout: 5 * time.Minute}, 0)
	w.join("w0", 8)
	for range 12 {
		w.submit(bulk)
	}
	running := w.take(8) // nobody else is there
	w.submit(nil)
	w.take(0)
	w.outcome(running[0], dispatch.Done)
	first := w.take(1)[0]
	if first.Call.Sequence != 13 {
		t.Fatalf("sequence %d got the free slot, want the one that somebody waits for", first.Call.Sequence)
	}
	for i := 1; i <= 2; i++ { // down to six that run, one of them not bulk
		w.outcome(running[i], dispatch.Done)
	}
	w.take(0)
	w.outcome(running[3], dispatch.Done)
	w.take(1) // bulk again: two slots stay free
	w.submit(nil)
	w.submit(nil)
	w.take(2)
	w.pass(61*time.Second, "w0")
	w.outcome(first, dispatch.Done)
	if a := w.take(1)[0]; a.Call.Sequence > 12 {
		t.Fatalf("sequence %d", a.Call.Sequence)
	}
	w.outcome(running[4], dispatch.Done)
	w.take(1) // all eight are taken again
}

// What has been passed over for long enough is served, whatever is kept free, and nothing waits behind it.
func TestReservedSlotsHoldUpNobody(t *testing.T) {
	w := newWorld(t, dispatch.Config{BulkReserve: .5, Queue: queue.Config{Relief: 2}}, 0)
	w.join("w0", 2)
	for range 3 {
		w.submit(nil)
	}
	w.submit(bulk)
	w.submit(nil)
	w.submit(nil)
	running := w.take(2)
	var order []uint64
	for len(running) > 0 {
		w.outcome(running[0], dispatch.Done)
		running = append(running[1:], w.sent...)
		for _, a := range w.sent {
			order = append(order, a.Call.Sequence)
		}
		w.sent = nil
	}
	if len(order) != 4 || order[2] != 4 {
		t.Errorf("served %v, want all, the bulk request (4) after two others", order)
	}
	w.submit(nil)
	w.submit(bulk)
	w.submit(bulk) // one slot is kept free
	w.submit(nil)
	if got := w.take(2); got[1].Call.Sequence != 10 {
		t.Errorf("sequence %d got the slot that was kept free", got[1].Call.Sequence)
	}
}
