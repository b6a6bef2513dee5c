package enginesim

// cache is a paged KV cache: full blocks are found by the chained hash of the tokens up to their end, shared by
// reference count, and kept in least-recently-used order once nobody holds them.
type cache struct {
	total int
	used  int // blocks held by sequences: shared ones once, and private ones
	idle  int // shared blocks that nobody holds, evictable
	index map[uint64]*block
	lru   block // ring: next is the oldest
}

type block struct {
	hash       uint64
	refs       int
	prev, next *block // in the ring while refs is 0
}

func newCache(total int) *cache {
	c := &cache{total: total, index: map[uint64]*block{}}
	c.lru.prev, c.lru.next = &c.lru, &c.lru
	return c
}

// reserve takes n private blocks, evicting idle ones, or takes nothing and returns false.
func (c *cache) reserve(n int) bool {
	if c.used+n > c.total {
		return false
	}
	c.used += n
	for c.used+c.idle > c.total {
		c.evict()
	}
	return true
}

func (c *cache) evict() {
	b := c.lru.next
	c.unlink(b)
	delete(c.index, b.hash)
}

func (c *cache) unlink(b *block) {
	b.prev.next, b.next.prev = b.next, b.prev
	b.prev, b.next = nil, nil
	c.idle--
}

// share holds the block with this hash, where there is one.
func (c *cache) share(hash uint64) *block {
	b := c.index[hash]
	if b == nil {
		return nil
	}
	if b.refs == 0 {
		c.unlink(b)
		c.used++
	}
	b.refs++
	return b
}

// publish turns one private block of the caller into a shared one; two sequences that computed the same tokens end up
// with one block.
func (c *cache) publish(hash uint64) *block {
	if b := c.share(hash); b != nil {
		c.used--
		return b
	}
	b := &block{hash: hash, refs: 1}
	c.index[hash] = b
	return b
}

func (c *cache) release(b *block) {
	if b.refs--; b.refs > 0 {
		return
	}
	c.used--
	c.idle++
	b.prev, b.next = c.lru.prev, &c.lru
	b.prev.next, b.next.prev = b, b
}

// chain extends the hash of a prefix by one token (the finaliser of splitmix64 over the running value).
func chain(h uint64, token int32) uint64 {
	h ^= uint64(uint32(token)) + 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
