package dispatch

import (
	"time"

	"github.com/leathq/leat/services/router/internal/queue"
)

// onlineFor is for how long after a request that somebody waits for slots are kept free for the next one.
const onlineFor = time.Minute

// reserves says whether r must leave some slots free: bulk work, while others come. Where others wait already it does not:
// a bulk request is then served because it has been passed over for long enough.
func (m *Machine) reserves(r *request, now time.Time) bool {
	return r.Submit.Class == queue.Bulk && m.cfg.BulkReserve > 0 && !m.onlineAt.IsZero() && now.Sub(m.onlineAt) < onlineFor &&
		!m.queue.Behind(&r.Item)
}

// bulkRoom says whether w has room for bulk work that leaves some slots free. A worker of one slot has none to leave.
func (w *worker) bulkRoom(reserve float64) bool {
	slots := max(w.report.Slots, 1)
	kept := int(float64(slots)*reserve + .999)
	return w.used() < max(slots-kept, 1)
}
