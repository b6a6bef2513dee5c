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
			for r.another(ctx, &measured) {
				if !c.send(ctx, uint64(numbers.Add(1)-1), time.Time{}) && !pause(ctx, connectPause) {
					return
				}
			}
		})
	}
}

// another says whether one more request may leave now.
func (r *run) another(ctx context.Context, measured *atomic.Int64) bool {
	now := time.Now()
	if ctx.Err() != nil || !now.Before(r.until) {
		return false
	}
	if r.cfg.Requests == 0 || now.Before(r.from) {
		return true
	}
	return measured.Add(1) <= int64(r.cfg.Requests)
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
