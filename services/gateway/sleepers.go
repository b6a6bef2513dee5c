package gateway

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leathq/leat/pkg/pool"
	"github.com/leathq/leat/pkg/sleepers"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// dormitory keeps what pools serve that may sleep, and tells the directory what is kept, so that their models can be called
// while they have no worker, by whichever gateway.
type dormitory struct {
	g      *Gateway
	store  *sleepers.Store
	any    bool        // some pool may sleep
	opened atomic.Bool // the store is, or could not be at the first try
	loaded bool        // of the watch's goroutine
	failed string      // the last failure that was logged, of the writing goroutine
}

func newDormitory(g *Gateway) *dormitory {
	d := &dormitory{g: g, store: sleepers.New(g.deps.Bus, g.deps.NATS)}
	d.any = len(g.pools.Sleepers()) > 0 || g.sleeps("default")
	d.opened.Store(!d.any)
	return d
}

// sleeps says whether a pool may have no worker while nobody asks.
func (g *Gateway) sleeps(pool string) bool { return g.pools.Of(pool).Scaling.Sleeps() }

// run watches and writes until ctx ends. Where no pool may sleep it only forgets those that once did.
func (d *dormitory) run(ctx context.Context) {
	if d.any {
		if err := d.store.Open(ctx); err != nil && ctx.Err() == nil {
			d.g.log.Warn("the store of sleeping pools is not open; tried again", "error", err)
		}
		d.opened.Store(true)
	}
	var writing sync.WaitGroup
	defer writing.Wait()
	if d.any {
		writing.Go(func() { d.write(ctx) })
	}
	d.store.Watch(ctx, d.any, d.g.log, d)
}

// Kept hears what is kept of a pool.
func (d *dormitory) Kept(name string, p *inferv1.Description) {
	if d.g.sleeps(name) {
		d.g.directory.keep(name, p, d.g.link.now())
		return
	}
	if p == nil || d.loaded { // while settings change, gateways of old may write it still
		return
	}
	if err := d.store.Forget(context.Background(), name); err != nil {
		d.g.log.Warn("a pool that sleeps no more is not forgotten; the next start tries again", "pool", name, "error", err)
	}
}

// Loaded hears that all has been told that was kept.
func (d *dormitory) Loaded() { d.loaded = true }

// write keeps, once a second, what workers serve of which nothing that holds is kept.
func (d *dormitory) write(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		failed := ""
		for _, p := range d.g.directory.unkept(d.g.sleeps, d.g.link.now()) {
			if err := d.store.Keep(ctx, p); err != nil && ctx.Err() == nil {
				failed = err.Error()
			}
		}
		if failed != "" && failed != d.failed {
			d.g.log.Warn("what a pool serves is not kept, so that it will not be sent to sleep; tried again", "error", failed)
		}
		d.failed = failed
	}
}

// wakeWithin is how long a request may wait for a pool to wake: no longer than its client allows for the queue or the first
// token, and so that something of its total time is left for the answer.
func wakeWithin(limit time.Duration, wish pool.Timeouts, total time.Duration) time.Duration {
	for _, w := range []time.Duration{wish.Queue, wish.FirstToken} {
		if w > 0 {
			limit = min(limit, w)
		}
	}
	return min(limit, total/10*9)
}

// cold are the partitions of pools that sleep, or whose first worker is on its way.
func (l *link) cold(now time.Duration) map[int]bool {
	var out map[int]bool
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.byIdx {
		if !p.sleeps || l.g.directory.awake(p.pool, now) {
			continue
		}
		if out == nil {
			out = map[int]bool{}
		}
		out[p.index] = true
	}
	return out
}

// rouse wakes a pool for a request that another one answers: it submits one and takes it back.
func (l *link) rouse(p *partition, tenant string) {
	const enough = time.Second
	now, id := time.Now(), l.g.table.NextID()
	l.submit(p, &inferv1.Submit{
		Gateway: l.g.id, Sequence: id, Attempt: 1, Tenant: tenant, DeadlineUnixMs: now.Add(enough).UnixMilli(),
		QueueTimeoutMs: enough.Milliseconds(), WakeUntilUnixMs: now.Add(enough).UnixMilli(), SubmittedUnixNanos: now.UnixNano(),
	})
	l.takeBack(p, &inferv1.Ref{Sequence: id, Attempt: 1})
}
