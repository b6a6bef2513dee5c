package router

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/events"
	routerv1 "github.com/leathq/leat/proto/gen/leat/router/v1"
	"github.com/leathq/leat/services/router/internal/lease"
)

const (
	lookEvery   = 50 * time.Millisecond  // how often seats are looked at
	firstGrace  = 300 * time.Millisecond // a pool that is new here may have an owner whose entry is on its way
	probeOwner  = 150 * time.Millisecond // how long a living owner may take to answer
	bucketReply = time.Second            // how long the lease bucket may take
)

// seatKey names a partition.
type seatKey struct {
	pool      string
	partition uint32
}

// entry is a lease's value. Epoch is 0 in the write that claims: then the entry's own revision is the epoch.
type entry struct {
	Router string `json:"router"`
	Epoch  uint64 `json:"epoch,omitempty"`
}

// ownership claims, renews and gives up partitions in the lease bucket. It is safe for concurrent use. Locks are taken
// in the order router, ownership, and never a pool's while holding mu.
type ownership struct {
	r  *Router
	kv jetstream.KeyValue

	mu    sync.Mutex
	seats map[seatKey]*seat
	work  sync.WaitGroup // steps under way
}

type seat struct {
	*lease.Seat
	sub *nats.Subscription // while it is ours
}

func newOwnership(r *Router) *ownership { return &ownership{r: r, seats: map[seatKey]*seat{}} }

// watchPool begins to look after a pool's partitions.
func (o *ownership) watchPool(pool string, partitions int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for n := range partitions {
		o.seat(seatKey{pool, uint32(n)})
	}
}

// seat returns a partition's seat and makes it where it is new; the caller holds mu.
func (o *ownership) seat(k seatKey) *seat {
	s := o.seats[k]
	if s == nil {
		s = &seat{Seat: lease.New(o.r.id, time.Now(), firstGrace)}
		o.seats[k] = s
	}
	return s
}

// run keeps the leases until ctx ends, then hands them over.
func (o *ownership) run(ctx context.Context) error {
	kv, err := o.r.bus.Leases(ctx, o.r.nats)
	if err != nil {
		return err
	}
	o.mu.Lock()
	o.kv = kv
	o.mu.Unlock()
	watch, err := kv.Watch(ctx, "router.>")
	if err != nil {
		return fmt.Errorf("watch leases: %w", err)
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			o.handOver(context.WithoutCancel(ctx))
			return nil
		case e, ok := <-watch.Updates():
			switch {
			case ok:
				o.seen(e)
			case ctx.Err() == nil:
				return errors.New("the watch of the leases ended: see NATS's log")
			}
		case <-tick.C:
			if o.r.loaded.Load() {
				o.look(ctx, time.Now())
			}
		}
	}
}

// seen takes in an entry of the watch; nil says that all that was there has been seen.
func (o *ownership) seen(e jetstream.KeyValueEntry) {
	if e == nil {
		o.r.loaded.Store(true)
		return
	}
	k, ok := parseKey(e.Key())
	if !ok {
		return
	}
	v, ok := readEntry(e.Value())
	if e.Operation() != jetstream.KeyValuePut {
		v, ok = entry{}, true // given back
	}
	if !ok {
		o.r.metrics.undecodable.Inc()
		return
	}
	o.r.pool(k.pool)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seat(k).Seen(v.Router, v.Epoch, e.Revision(), time.Now())
}

func readEntry(value []byte) (v entry, ok bool) {
	err := json.Unmarshal(value, &v)
	return v, err == nil
}

func parseKey(key string) (seatKey, bool) {
	parts := strings.Split(key, ".")
	if len(parts) != 3 {
		return seatKey{}, false
	}
	n, err := strconv.ParseUint(parts[2], 10, 32)
	return seatKey{parts[1], uint32(n)}, err == nil
}

func (k seatKey) lease() string { return events.PartitionLease(k.pool, strconv.Itoa(int(k.partition))) }

// look begins what the seats want done.
func (o *ownership) look(ctx context.Context, now time.Time) {
	var down []seatKey
	o.mu.Lock()
	for k, s := range o.seats {
		switch step := s.Next(now); step {
		case lease.StepDown:
			down = append(down, k)
		case lease.Claim, lease.Renew:
			value := entry{Router: o.r.id}
			if step == lease.Renew {
				value.Epoch = s.Epoch
			}
			o.work.Add(1)
			go o.write(ctx, k, value, s.Revision)
		}
	}
	o.mu.Unlock()
	for _, k := range down {
		o.stepDown(k)
	}
}

// write claims or renews by compare-and-set against a revision; 0 or an expired entry is created.
func (o *ownership) write(ctx context.Context, k seatKey, v entry, revision uint64) {
	defer o.work.Done()
	ctx, cancel := context.WithTimeout(ctx, bucketReply)
	defer cancel()
	rev, err := o.put(ctx, k, v, revision)
	o.wrote(k, v.Epoch == 0, rev, err)
}

func (o *ownership) put(ctx context.Context, k seatKey, v entry, revision uint64) (uint64, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return 0, err
	}
	if revision > 0 {
		rev, err := o.kv.Update(ctx, k.lease(), data, revision)
		if err == nil || !conflict(err) {
			return rev, err
		}
	}
	return o.kv.Create(ctx, k.lease(), data) // fails where there is an entry
}

func conflict(err error) bool {
	var api *jetstream.APIError
	return errors.Is(err, jetstream.ErrKeyExists) ||
		errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}

// wrote takes in the end of a write; a claim that succeeded opens the partition.
func (o *ownership) wrote(k seatKey, claim bool, rev uint64, err error) {
	o.mu.Lock()
	s := o.seat(k)
	if err != nil {
		s.Failed(conflict(err))
		o.mu.Unlock()
		if !conflict(err) {
			o.r.log.Warn("lease not written", "lease", k.lease(), "error", err)
		}
		return
	}
	s.Took(rev, claim, time.Now())
	mine, epoch, until := s.Mine(), s.Epoch, s.Until()
	o.mu.Unlock()
	p := o.r.known(k.pool)
	if !mine || p == nil {
		return
	}
	p.own(k.partition, epoch, until) // mu is not held: a pool's lock comes before it
	if claim {
		o.open(k, p, epoch)
	}
}

// open makes this router the subscriber of a partition that it has just claimed.
func (o *ownership) open(k seatKey, p *pool, epoch uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.seat(k)
	if !s.Mine() || s.sub != nil {
		return
	}
	sub, err := o.r.bus.Subscribe(events.Infer.Lane, events.Infer.Name(k.pool, strconv.Itoa(int(k.partition))), o.r.onCall(p, k.partition))
	if err != nil {
		o.r.log.Error("owned partition not opened", "pool", k.pool, "partition", k.partition, "error", err)
		return
	}
	s.sub = sub
	o.r.metrics.claims.Inc()
	o.r.log.Info("partition claimed", "pool", k.pool, "partition", k.partition, "epoch", epoch)
}

// stepDown stops acting as the owner of a partition. Its gateways hear no answer, probe, and find the new owner.
func (o *ownership) stepDown(k seatKey) {
	o.mu.Lock()
	s := o.seat(k)
	owner := s.Owner
	o.shut(s)
	s.Down(time.Now())
	o.mu.Unlock()
	if p := o.r.known(k.pool); p != nil {
		p.disown(k.partition)
	}
	o.r.metrics.stepDowns.Inc()
	o.r.log.Warn("partition given up", "pool", k.pool, "partition", k.partition, "owner", owner)
}

// shut ends the subscription of a seat; the caller holds mu.
func (o *ownership) shut(s *seat) {
	if s.sub != nil {
		_ = s.sub.Unsubscribe() // fails only where the connection is closed, which ends it too
		s.sub = nil
	}
}

// fenced notes that a worker has seen a newer epoch of a partition. It is called with the pool's lock held.
func (o *ownership) fenced(pool string, partition uint32) { go o.stepDown(seatKey{pool, partition}) }

// handOver gives every owned partition up in the bucket, so that standbys claim it at once.
func (o *ownership) handOver(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, bucketReply)
	defer cancel()
	o.work.Wait()
	o.mu.Lock()
	defer o.mu.Unlock()
	for k, s := range o.seats {
		if !s.Mine() {
			continue
		}
		o.shut(s)
		s.Down(time.Now())
		if err := o.kv.Delete(ctx, k.lease(), jetstream.LastRevision(s.Revision)); err != nil && !conflict(err) {
			o.r.log.Warn("lease not given back, it will expire", "lease", k.lease(), "error", err)
		}
	}
}

// view lists a pool's partitions as the leases tell.
func (o *ownership) view(pool string) []*routerv1.Partition {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []*routerv1.Partition
	for n := uint32(0); ; n++ {
		s := o.seats[seatKey{pool, n}]
		if s == nil {
			return out
		}
		out = append(out, &routerv1.Partition{Number: n, Owner: s.Owner, Epoch: s.Epoch})
	}
}
