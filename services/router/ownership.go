package router

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/events"
	routerv1 "github.com/leathq/leat/proto/gen/leat/router/v1"
	"github.com/leathq/leat/services/router/internal/lease"
)

const (
	firstGrace  = 300 * time.Millisecond // a pool that is new here may have an owner whose entry is on its way
	probeOwner  = 150 * time.Millisecond // how long a living owner may take to answer
	bucketReply = time.Second            // how long the lease bucket may take
)

// seatKey names a partition.
type seatKey struct {
	pool      string
	partition uint32
}

// entry is a lease's value. Epoch is 0 in the write that claims: then the epoch is the entry's own revision, and at least
// Floor. Revisions alone would do as long as the bucket lives; workers remember epochs for longer.
type entry struct {
	Router string `json:"router"`
	Epoch  uint64 `json:"epoch,omitempty"`
	Floor  uint64 `json:"floor,omitempty"`
}

// at is the epoch of an entry that was written as revision.
func (e entry) at(revision uint64) uint64 {
	if e.Epoch > 0 {
		return e.Epoch
	}
	return max(revision, e.Floor)
}

// sighting is an entry with when it was seen.
type sighting struct {
	entry
	revision uint64
	at       time.Time
}

// ownership claims, renews and gives up partitions in the lease bucket. It is safe for concurrent use. Locks are taken
// in the order router, ownership, and never a pool's while holding mu.
type ownership struct {
	r     *Router
	kv    jetstream.KeyValue
	made  time.Time     // when the bucket was
	doubt atomic.Bool   // it may be another one by now
	hurry chan struct{} // look soon: there is a doubt

	mu      sync.Mutex
	pools   map[string]bool      // those that this router knows
	heard   map[seatKey]sighting // the last entries of others, for the moment when a worker of one reports
	seats   map[seatKey]*seat
	leaving bool           // nothing new begins
	work    sync.WaitGroup // steps under way; Add only with mu held, and not while leaving
}

type seat struct {
	*lease.Seat
	calls *bus.Listener // while it is ours
}

func newOwnership(r *Router) *ownership {
	return &ownership{
		r: r, pools: map[string]bool{}, heard: map[seatKey]sighting{}, seats: map[seatKey]*seat{}, hurry: make(chan struct{}, 1),
	}
}

// watchPool begins to look after a pool's partitions.
func (o *ownership) watchPool(pool string, partitions int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pools[pool] = true
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
		if e, ok := o.heard[k]; ok {
			s.Seen(e.Router, e.entry.at(e.revision), e.revision, e.at)
			delete(o.heard, k)
		}
	}
	return s
}

// seen takes in an entry of the watch; nil says that all that was there has been seen. It returns when the
// entry's seat is due, where there is one.
func (o *ownership) seen(e jetstream.KeyValueEntry) (due time.Time, ok bool) {
	if e == nil {
		o.r.loaded.Store(true)
		return due, false
	}
	k, ok := parseKey(e.Key())
	if !ok {
		return due, false
	}
	v, ok := readEntry(e.Value())
	if e.Operation() != jetstream.KeyValuePut {
		v, ok = entry{}, true // given back
	}
	if !ok {
		o.r.metrics.undecodable.Inc()
		return due, false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if o.pools[k.pool] {
		s := o.seat(k)
		s.Seen(v.Router, v.at(e.Revision()), e.Revision(), now)
		return s.Due(), true
	}
	maps.DeleteFunc(o.heard, func(_ seatKey, e sighting) bool { return now.Sub(e.at) > bus.LeaseTTL })
	o.heard[k] = sighting{v, e.Revision(), now}
	return due, false
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

// view lists a pool's partitions as the leases tell.
func (o *ownership) view(pool string) []*routerv1.Partition {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []*routerv1.Partition
	for k, s := range o.seats {
		if k.pool == pool {
			out = append(out, &routerv1.Partition{Number: k.partition, Owner: s.Owner, Epoch: s.Epoch})
		}
	}
	slices.SortFunc(out, func(x, y *routerv1.Partition) int { return cmp.Compare(x.Number, y.Number) })
	return out
}
