package router

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/events"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// mostPartitions bounds the partitions of a pool that a router takes because a gateway asks: their numbers come over the
// bus.
const mostPartitions = 1024

// onTakeover hears from a gateway that a partition has no owner. The router that owns it, or finds the owner alive, or
// wins the claim, answers; the others stay silent.
func (o *ownership) onTakeover(m *nats.Msg) {
	k, ok := parseKey(m.Subject) // claim.<pool>.<partition> has the form of a lease's key
	if !ok || o.r.pool(k.pool) == nil || k.partition >= mostPartitions {
		return
	}
	o.mu.Lock()
	if o.leaving {
		o.mu.Unlock()
		return
	}
	if o.seats[k] == nil {
		o.r.log.Warn("a gateway counts more partitions than this router: it serves them, but set pools.<pool>.partitions alike",
			"pool", k.pool, "partition", k.partition, "partitions", o.r.cfg.Pools.Of(k.pool).Partitions)
	}
	s := o.seat(k)
	mine, epoch := s.Valid(time.Now()), s.Epoch
	begun := !mine && o.kv != nil && s.Begin(time.Now())
	if begun {
		o.work.Add(1)
	}
	o.mu.Unlock()
	switch {
	case mine:
		o.owner(m.Reply, o.r.id, epoch)
	case begun:
		go o.takeOver(k, m.Reply)
	}
}

// takeOver claims a partition unless its owner answers. The entry is read before the owner is asked: when another
// router claims in between, the compare-and-set fails.
func (o *ownership) takeOver(k seatKey, reply string) {
	defer o.work.Done()
	ctx, cancel := context.WithTimeout(context.Background(), bucketReply)
	defer cancel()
	revision, held, floor, err := o.read(ctx, k)
	if err == nil && held {
		if alive := o.askOwner(ctx, k); alive != nil {
			o.release(k)
			o.owner(reply, alive.GetRouter(), alive.GetEpoch())
			return
		}
	}
	if err != nil {
		o.wrote(k, entry{}, 0, err)
		return
	}
	v := entry{Router: o.r.id, Floor: floor}
	rev, err := o.put(ctx, k, v, revision)
	o.wrote(k, v, rev, err)
	if err != nil {
		return
	}
	// The gateway submits again as soon as it hears: by then the server must know our subscription.
	if err := o.r.bus.Conn(events.Infer.Lane).FlushWithContext(ctx); err != nil {
		o.r.log.Warn("claimed partition: subscription not confirmed", "pool", k.pool, "error", err)
	}
	o.owner(reply, o.r.id, v.at(rev))
}

// read is the present revision of a lease, 0 where there is none, whether somebody else holds it, and the lowest epoch
// that a claim may have.
func (o *ownership) read(ctx context.Context, k seatKey) (revision uint64, held bool, floor uint64, err error) {
	e, err := o.bucket().Get(ctx, k.lease())
	gone := errors.Is(err, jetstream.ErrKeyNotFound)
	if err != nil && !gone {
		return 0, false, 0, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.seat(k)
	if gone {
		return 0, false, s.Floor, nil
	}
	v, ok := readEntry(e.Value()) // nobody can own what nobody can read
	if ok {
		s.Outdated(v.at(e.Revision()))
	}
	return e.Revision(), ok && v.Router != "" && v.Router != o.r.id, s.Floor, nil
}

// askOwner returns the answer of a living owner, or nil. One that hangs is left to the lease.
func (o *ownership) askOwner(ctx context.Context, k seatKey) *inferv1.Reply {
	ctx, cancel := context.WithTimeout(ctx, probeOwner)
	defer cancel()
	out := &inferv1.Reply{}
	call := &inferv1.Call{Call: &inferv1.Call_Probe{Probe: &inferv1.Probe{Gateway: o.r.id}}}
	err := o.r.bus.Request(ctx, events.Infer.Name(k.pool, strconv.Itoa(int(k.partition))), call, out)
	if errors.Is(err, nats.ErrNoResponders) {
		return nil
	}
	return out // silent or not: somebody listens
}

// release ends a step that wrote nothing.
func (o *ownership) release(k seatKey) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seat(k).Failed(false)
}

func (o *ownership) owner(reply, router string, epoch uint64) {
	if reply == "" || router == "" {
		return
	}
	if err := o.r.bus.Publish(events.Takeovers.Lane, reply, "", &inferv1.Owner{Router: router, Epoch: epoch}); err != nil {
		o.r.log.Warn("owner not told", "error", err)
	}
}
