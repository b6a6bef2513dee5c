package router

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/leathq/leat/pkg/events"
	routerv1 "github.com/leathq/leat/proto/gen/leat/router/v1"
)

const (
	sizeEvery  = time.Second
	factReply  = 2 * time.Second // how long the stream of facts may take
	factsQueue = 256             // facts that wait for it
	mostNames  = 4096            // of routers: they come from the bus
)

// judgeSizes looks at every pool's size once a second, and at a pool that is to be woken at once, until ctx ends.
func (r *Router) judgeSizes(ctx context.Context) {
	tick := time.NewTicker(sizeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case p := <-r.waking:
			r.judgeSize(p, time.Now())
		case now := <-tick.C:
			for _, p := range r.allPools() {
				r.judgeSize(p, now)
			}
		}
	}
}

func (r *Router) judgeSize(p *pool, now time.Time) {
	share, fact := p.size(now)
	if fact != nil {
		r.log.Info("scaling decided", "pool", p.name, "verdict", verdictName(fact.GetVerdict()), "desired", fact.GetDesired(),
			"replicas", fact.GetReplicas(), "reason", strings.Join(fact.GetReasons(), "; "))
		select {
		case r.facts <- fact:
		default:
			r.log.Warn("a scaling decision is not kept: the stream of facts is out of reach, and too many wait for it", "pool", p.name)
		}
	}
	if share != nil {
		if err := r.bus.Publish(events.Shares.Lane, events.Shares.Name(p.name, r.id), "", share); err != nil {
			r.log.Warn("share of a pool's load not sent", "pool", p.name, "error", err)
		}
	}
}

// keepFacts stores decisions in the stream of facts, in order, each tried until it is there or ctx ends.
func (r *Router) keepFacts(ctx context.Context) {
	open := false
	for {
		select {
		case <-ctx.Done():
			return
		case f := <-r.facts:
			for n := 0; ; n++ {
				err := r.keepFact(ctx, f, &open)
				if err == nil || ctx.Err() != nil {
					break
				}
				if n == 0 {
					r.log.Warn("scaling decision not kept yet, tried again", "pool", f.GetPool(), "error", err)
				}
				select {
				case <-ctx.Done():
				case <-time.After(sizeEvery):
				}
			}
		}
	}
}

func (r *Router) keepFact(ctx context.Context, f *routerv1.ScalingDecided, open *bool) error {
	ctx, cancel := context.WithTimeout(ctx, factReply)
	defer cancel()
	if !*open {
		if err := r.bus.OpenFacts(ctx, r.nats, events.EventsStream, events.EventsPrefix+">"); err != nil {
			return err
		}
	}
	id := fmt.Sprintf("scaling.%s.%s.%d", f.GetPool(), f.GetRouter(), f.GetUnixNanos())
	err := r.bus.PublishFact(ctx, events.ScalingDecided.Name(f.GetPool()), id, "leat/router/"+r.id, time.Unix(0, f.GetUnixNanos()), f)
	*open = err == nil // the stream may have been lost with NATS's data
	return err
}

// onShare hears what another router adds to a pool's load, and what the pool's owner decided.
func (r *Router) onShare(m *nats.Msg) {
	s := &routerv1.PoolShare{}
	if !r.decode(m, s) || s.GetRouter() == "" || s.GetRouter() == r.id {
		return
	}
	tokens := strings.Split(m.Subject, ".")
	p := r.known(tokens[1])
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.sizing.shares) > mostNames {
		return
	}
	now := time.Now()
	p.sizing.take(s, now)
	if d := s.GetDecided(); d != nil {
		p.sizing.decided, p.sizing.heard = d, now
	}
	if leading := !p.sizing.leading.IsZero(); leading && (s.GetQueued() > 0 || p.sizing.asked.Equal(now)) {
		p.wake()
	}
}

func verdictName(v routerv1.ScalingVerdict) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(v.String(), "SCALING_VERDICT_")), "_", " ")
}
