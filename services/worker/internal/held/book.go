package held

import "time"

// window is how many of a router's latest numbers are told apart; older ones are taken for repetitions.
const window = 1024

// book is what is known of one router's dispatches to this worker.
type book struct {
	highest uint64
	seen    [window / 64]uint64 // bit n%window: number n arrived, for highest−window < n ≤ highest
	open    map[uint64]struct{} // arrived, and its outcome not yet sent
	heard   time.Time
}

// arrive notes a number and says whether it is new. A router that counts from 1 again is a new life of its name.
func (b *book) arrive(n uint64, now time.Time) bool {
	b.heard = now
	if n == 1 && b.highest > window {
		*b = book{open: map[uint64]struct{}{}, heard: now}
	}
	switch {
	case n > b.highest:
		if n-b.highest >= window {
			clear(b.seen[:])
		} else {
			for i := b.highest + 1; i < n; i++ {
				b.seen[i%window/64] &^= 1 << (i % 64)
			}
		}
		b.highest = n
	case b.highest-n >= window || b.seen[n%window/64]&(1<<(n%64)) != 0:
		return false
	}
	b.seen[n%window/64] |= 1 << (n % 64)
	b.open[n] = struct{}{}
	return true
}

// cancels remembers for a while what was cancelled before it came.
type cancels struct {
	at    map[Key]time.Time
	order []Key
}

const (
	maxCancels = 4096
	cancelLife = 5 * time.Second
)

func (c *cancels) add(k Key, now time.Time) {
	if _, ok := c.at[k]; !ok {
		c.order = append(c.order, k)
	}
	c.at[k] = now
	c.expire(now)
}

func (c *cancels) has(k Key, now time.Time) bool {
	for _, k := range [...]Key{k, {Gateway: k.Gateway, Sequence: k.Sequence}} {
		if at, ok := c.at[k]; ok && now.Sub(at) < cancelLife {
			return true
		}
	}
	return false
}

func (c *cancels) expire(now time.Time) {
	n := 0
	for n < len(c.order) && (len(c.order)-n > maxCancels || now.Sub(c.at[c.order[n]]) >= cancelLife) {
		delete(c.at, c.order[n])
		n++
	}
	c.order = append(c.order[:0], c.order[n:]...)
}
