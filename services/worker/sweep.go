package worker

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/services/worker/internal/frames"
)

const (
	sweepEvery  = 25 * time.Millisecond
	restEvery   = 250 * time.Millisecond // while nothing is held
	judgeEvery  = 100 * time.Millisecond
	echoEvery   = time.Second
	echoLate    = 500 * time.Millisecond // a round trip to the server that takes longer means that nothing comes through
	echoTimeout = 5 * time.Second
	pauseAfter  = time.Second // between two sweeps: this process stood still
)

// sweepLoop ends what is late or orphaned, and watches the engine's health. It rests while nothing is held.
func (m *member) sweepLoop() {
	timer := time.NewTimer(sweepEvery)
	defer timer.Stop()
	var judged, reminded time.Time
	for {
		select {
		case <-timer.C:
		case <-m.woken:
		case <-m.life.Done():
			return
		}
		now := time.Now()
		stuck := m.sweep(now)
		if now.Sub(judged) >= judgeEvery {
			judged = now
			m.judge(m.engine.Stats(), stuck)
		}
		if now.Sub(reminded) >= remindAfter {
			reminded = now
			m.remind()
		}
		timer.Reset(m.untilSweep())
	}
}

// untilSweep is how long the sweeping may rest; wake ends a rest that has become too long.
func (m *member) untilSweep() time.Duration {
	m.resting.Store(true)
	if held, _ := m.table.Held(); held == 0 {
		return restEvery
	}
	m.resting.Store(false)
	return sweepEvery
}

// wake has the sweeping look closely again; call it once something is held.
func (m *member) wake() {
	if m.resting.Swap(false) {
		select {
		case m.woken <- struct{}{}:
		default:
		}
	}
}

// remind repeats the last delta of streams that have waited for credit for long: a gateway that forgot one, while its
// cancel got lost, cancels it again. To others it is a repetition.
func (m *member) remind() {
	for _, s := range m.table.Active() {
		s.Out.Remind(remindAfter)
	}
}

func (m *member) sweep(now time.Time) (stuck int) {
	if m.hearing.deaf(now) || m.bus.Up() != nil {
		m.table.HearAll(now) // deaf, so nobody's silence means anything
	}
	due := m.table.Sweep(now, stuckAfter)
	for _, s := range due.Late {
		s.Out.Fail(frames.Failure{Error: errDeadline}, nil) // at once: the engine may take its time
		s.Stop(errDeadline)
	}
	for _, s := range due.Orphan {
		s.Out.Seal()
		s.Stop(errOrphan)
	}
	for _, g := range due.Gone {
		m.sender.Forget(g)
	}
	m.metrics.orphans.Add(float64(len(due.Orphan)))
	return due.Stuck
}

// hearing knows when a gateway's silence says nothing of the gateway, since nothing could have been heard.
type hearing struct {
	start time.Time
	swept time.Time    // only the sweeping uses it
	asked atomic.Int64 // since start, when the round trip began that has not come back; 0: none
}

// deaf says whether nothing could be heard for a while up to now. Call it at every sweep.
func (h *hearing) deaf(now time.Time) bool {
	stood := !h.swept.IsZero() && now.Sub(h.swept) > pauseAfter
	h.swept = now
	asked := h.asked.Load()
	return stood || asked != 0 && now.Sub(h.start)-time.Duration(asked) > echoLate
}

// listen makes a round trip to the server every second, behind which everything that was sent before has arrived. One
// that fails is still out: the next one that comes back ends the deafness.
func (h *hearing) listen(ctx context.Context, roundTrip func(context.Context) error) {
	tick := time.NewTicker(echoEvery)
	defer tick.Stop()
	for {
		h.asked.CompareAndSwap(0, max(1, int64(time.Since(h.start))))
		try, cancel := context.WithTimeout(ctx, echoTimeout)
		if roundTrip(try) == nil {
			h.asked.Store(0)
		}
		cancel()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (m *member) listenLoop() {
	m.hearing.listen(m.life, m.bus.Conn(bus.Control).FlushWithContext)
}
