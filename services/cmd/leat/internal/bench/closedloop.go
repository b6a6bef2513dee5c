package bench

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// connectPause is how long a caller of the closed loop waits after it got no connection, so that a dead server is not
// hammered with the whole CPU.
const connectPause = 10 * time.Millisecond

// closedLoop keeps Concurrency requests in flight until the end.
func (r *run) closedLoop(ctx context.Context) {
	var group sync.WaitGroup
	defer group.Wait()
	var numbers, measured atomic.Int64
	for k := range r.cfg.Concurrency {
		group.Go(func() {
			c := newCaller(r.cfg, r.bodies, r.transport.lane(), r.record)
			defer c.lane.close()
			if !pause(ctx, r.cfg.Ramp*time.Duration(k)/time.Duration(r.cfg.Concurrency)) {
				return
			}
			for {
				intended, ok := r.another(ctx, &measured)
				if !ok || !c.send(ctx, uint64(numbers.Add(1)-1), intended) && !pause(ctx, connectPause) {
					return
				}
			}
		})
	}
}

// another says whether one more request may leave now. One of the warm-up gets the time of this decision for the time
// that it was meant to leave at: should it leave after the warm-up's end, it is still not one of the measured ones.
func (r *run) another(ctx context.Context, measured *atomic.Int64) (intended time.Time, ok bool) {
	now := time.Now()
	switch {
	case ctx.Err() != nil || !now.Before(r.until):
		return time.Time{}, false
	case now.Before(r.from):
		return now, true
	default:
		return time.Time{}, r.cfg.Requests == 0 || measured.Add(1) <= int64(r.cfg.Requests)
	}
}

// pause waits; false when ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
