// Package queue orders the requests that wait for a worker: by class, then fairly between tenants in tokens, then by
// deadline.
//
// An item that only some workers can serve is set aside in a lane of its own, so that it does not hold up what others can.
//
// It refuses to know what waits (the value is opaque), to read a clock (callers pass the time) and to lock (one owner
// calls it). Push, Next, Take and Remove cost O(log n) in the waiting items of one tenant, amortised.
package queue

import (
	"errors"
	"time"
)

// Class is the priority of an item; lower values are served first.
type Class uint8

// The classes in the order of service.
const (
	High Class = iota
	Normal
	Bulk
	classes = 3
)

// The reasons why Push refuses an item.
var (
	ErrCount  = errors.New("queue: full by number of requests")
	ErrTokens = errors.New("queue: full by tokens")
)

// Config bounds a queue. The zero value of a field means its default.
type Config struct {
	MaxItems  int // waiting items; default 10,000
	MaxTokens int // waiting tokens; default 100 million
	Quantum   int // tokens a tenant may use per turn; default 256
	// Relief is after how many items of higher classes a lower class that waits gets one item served, so that it
	// moves at 1/(Relief+1) of the service at least. Default 64; negative is strict priority.
	Relief int
}

func (c Config) withDefaults() Config {
	for _, f := range []struct {
		v *int
		d int
	}{{&c.MaxItems, 10_000}, {&c.MaxTokens, 100_000_000}, {&c.Quantum, 256}, {&c.Relief, 64}} {
		if *f.v == 0 {
			*f.v = f.d
		}
	}
	return c
}

// Item is one waiting request. The caller fills the exported fields, keeps the item unchanged while it waits, and
// uses it as the handle for Remove. Embed it to save an allocation.
type Item[V any] struct {
	Class  Class
	Tenant string
	Cost   int       // tokens that its service takes; at least 1 is charged
	Due    time.Time // order within a tenant, earliest first; zero is last
	Expire time.Time // when Expired returns it; zero is never
	Value  V

	seq      uint64
	lane     *lane[V]
	tenant   *tenant[V]
	inTenant int // position in the tenant's heap
	inExpiry int // position in the expiry heap, -1 when not there
}

// Waiting says whether the item is in a queue.
func (it *Item[V]) Waiting() bool { return it.tenant != nil }

// Queue holds waiting items. It is not safe for concurrent use.
type Queue[V any] struct {
	cfg    Config
	main   *lane[V]
	sides  []*lane[V] // none of them empty
	expiry heap[V]
	seq    uint64
	items  int
	tokens int
	drain  Drain
}

// New makes an empty queue.
func New[V any](cfg Config) *Queue[V] {
	q := &Queue[V]{cfg: cfg.withDefaults()}
	q.main = newLane[V]("", q.cfg)
	q.expiry = heap[V]{less: expiresBefore[V], at: atExpiry[V]}
	return q
}

// Push adds an item, or returns ErrCount or ErrTokens when the bounds are reached. An item that is larger than
// MaxTokens alone is let in when nothing else waits.
func (q *Queue[V]) Push(it *Item[V]) error {
	it.Cost = max(it.Cost, 1)
	if q.items >= q.cfg.MaxItems {
		return ErrCount
	}
	if q.items > 0 && q.tokens+it.Cost > q.cfg.MaxTokens {
		return ErrTokens
	}
	q.seq++
	it.seq, it.inExpiry = q.seq, -1
	q.items++
	q.tokens += it.Cost
	q.main.push(it)
	if !it.Expire.IsZero() {
		q.expiry.push(it)
	}
	return nil
}

// Next returns the item to be served next without taking it, or nil. Calling it again returns the same item unless
// the queue changed.
func (q *Queue[V]) Next() *Item[V] {
	if len(q.sides) > 0 {
		return q.nextOfAll()
	}
	it, _ := q.main.next()
	if it == nil || it.Class >= q.main.blocked {
		return nil
	}
	return it
}

// Take removes the item that Next returned and counts it as served at now.
func (q *Queue[V]) Take(it *Item[V], now time.Time) {
	c := it.Class
	ring := &it.lane.class[c]
	ring.charge(it)
	q.remove(it)
	q.drain.add(it.Cost, now)
	ring.passed = 0
	q.main.pass(c)
	for _, l := range q.sides {
		l.pass(c)
	}
}

// Remove takes a waiting item out (it was cancelled) and says whether it was there.
func (q *Queue[V]) Remove(it *Item[V]) bool {
	if it.tenant == nil {
		return false
	}
	q.remove(it)
	return true
}

// Expired removes and returns one item whose Expire is not after now, or nil.
func (q *Queue[V]) Expired(now time.Time) *Item[V] {
	it := q.expiry.first()
	if it == nil || it.Expire.After(now) {
		return nil
	}
	q.remove(it)
	return it
}

// NextExpiry is when Expired has something to return; zero when nothing expires.
func (q *Queue[V]) NextExpiry() time.Time {
	if it := q.expiry.first(); it != nil {
		return it.Expire
	}
	return time.Time{}
}

// Len is the number of waiting items.
func (q *Queue[V]) Len() int { return q.items }

// Tokens is the sum of the waiting items' costs.
func (q *Queue[V]) Tokens() int { return q.tokens }

// RetryAfter estimates from the measured drain how long it takes until what waits now is served: by requests after
// ErrCount, by tokens after ErrTokens. It is bounded to 1–60 s, and 5 s where nothing was measured yet.
func (q *Queue[V]) RetryAfter(err error, now time.Time) time.Duration {
	items, tokens := q.drain.Rates(now)
	rate, waiting := items, float64(q.items)
	if errors.Is(err, ErrTokens) {
		rate, waiting = tokens, float64(q.tokens)
	}
	if rate == 0 {
		return 5 * time.Second
	}
	secs := min(max(waiting/rate, 1), 60)
	return time.Duration(secs * float64(time.Second))
}

// DrainRates is the measured service in items and tokens a second.
func (q *Queue[V]) DrainRates(now time.Time) (items, tokens float64) { return q.drain.Rates(now) }

func (q *Queue[V]) remove(it *Item[V]) {
	q.items--
	q.tokens -= it.Cost
	q.leave(it)
	if it.inExpiry >= 0 {
		q.expiry.remove(it.inExpiry)
		it.inExpiry = -1
	}
}
