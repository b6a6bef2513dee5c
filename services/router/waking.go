package router

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/leathq/leat/pkg/sleepers"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// wakingQueue is how many pools may wait to be judged out of turn; one too many waits for its turn, a second at most.
const wakingQueue = 256

// asleep is what a router knows of the pools that may sleep.
type asleep struct {
	names  []string    // those of the settings
	others bool        // pools that the settings do not name may sleep
	loaded atomic.Bool // what is kept of them was read once
}

// sleeps says whether the settings name a pool that may sleep: it exists without workers.
func (r *Router) sleeps(pool string) bool { return slices.Contains(r.asleep.names, pool) }

// sleepersKnown says whether a pool without workers can be judged: what is kept of those that may sleep has been read.
func (r *Router) sleepersKnown() bool {
	return r.asleep.loaded.Load() || len(r.asleep.names) == 0 && !r.asleep.others
}

// watchSleepers makes the pools that may sleep, so that somebody owns and judges them while they have no worker, and hears
// which of them can be woken, until ctx ends.
func (r *Router) watchSleepers(ctx context.Context) {
	if r.sleepersKnown() { // no pool may sleep
		return
	}
	for _, name := range r.asleep.names {
		r.pool(name)
	}
	sleepers.New(r.bus, r.nats).Watch(ctx, true, r.log, sleeping{r})
}

// sleeping hears which pools' models are kept.
type sleeping struct{ r *Router }

// Kept hears whether a pool's models are kept.
func (s sleeping) Kept(name string, d *inferv1.Description) {
	r := s.r
	if !r.cfg.Pools.Of(name).Scaling.Sleeps() {
		return
	}
	p := r.known(name)
	if d != nil {
		p = r.pool(name)
	}
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sizing.kept = d != nil
}

// Loaded hears that all has been told that is kept.
func (s sleeping) Loaded() { s.r.asleep.loaded.Store(true) }

// wake has the pool judged at once where requests wait for it and the last decision was that nobody asks. The caller holds mu.
func (p *pool) wake() {
	z := &p.sizing
	if !z.on || !z.cfg.Zero || z.decided == nil || z.decided.GetDesired() > 0 || !p.m.Cold() {
		return
	}
	select {
	case p.r.waking <- p:
	default:
	}
}
