// Package prefixindex remembers which worker has which prompt prefix in its cache, as far as a router can know:
// what it sent there, bounded like the worker's own cache and corrected by what the worker tells.
//
// It refuses to see prompts: it holds only the chained block hashes of pkg/prefix. It is not safe for concurrent use.
package prefixindex

// assumed is how many blocks a worker's cache is taken to hold until what it finds cached says otherwise: half a million
// tokens, all that an 8B model's weights leave of an 80-GB GPU. The Gateway API Inference Extension assumes as much
// (31,250 blocks of 64 characters). It also keeps what can never be cached any more, such as prompts that nobody
// repeats, from filling memory.
const assumed = 32768

// minBlocks is what a worker's share never shrinks below.
const minBlocks = 64

// Index holds one LRU of block hashes per worker, all of them together bounded in bytes.
type Index struct {
	maxBlocks int
	workers   map[int]*lru
	next      int
}

// New makes an index that takes at most about maxBytes of memory; 0 is 64 MiB.
func New(maxBytes int) *Index {
	if maxBytes == 0 {
		maxBytes = 64 << 20
	}
	return &Index{maxBlocks: max(maxBytes/nodeBytes, minBlocks), workers: map[int]*lru{}}
}

// Join adds a worker and returns its handle.
func (x *Index) Join() int {
	x.next++
	x.workers[x.next] = newLRU()
	x.share()
	return x.next
}

// Leave forgets a worker.
func (x *Index) Leave(w int) {
	delete(x.workers, w)
	x.share()
}

// Reset forgets what a worker has cached: it started again.
func (x *Index) Reset(w int) {
	if l := x.workers[w]; l != nil {
		fresh := newLRU()
		fresh.limit, fresh.capacity = l.limit, l.capacity
		*l = *fresh
	}
}

// share divides the memory bound between the workers.
func (x *Index) share() {
	for _, l := range x.workers {
		l.limit = max(x.maxBlocks/len(x.workers)-1, minBlocks) // the arena has a place more
		l.shrink()
	}
}

// Longest is how many of the leading blocks w has. Within one worker's LRU a block is never older than the blocks
// that follow it, so a binary search finds the end: O(log n) look-ups.
func (x *Index) Longest(w int, blocks []uint64) int {
	l := x.workers[w]
	if l == nil || len(blocks) == 0 || l.find(blocks[0]) == 0 {
		return 0
	}
	lo, hi := 1, len(blocks) // blocks[:lo] are there
	if l.find(blocks[hi-1]) != 0 {
		return hi
	}
	for lo < hi-1 {
		if mid := (lo + hi) / 2; l.find(blocks[mid-1]) != 0 {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// Add notes that w has, or will soon have, all of blocks in its cache. It returns whether the part of them that was
// known had not been used for long: half as many blocks as may stay came since.
func (x *Index) Add(w int, blocks []uint64) (old bool) {
	l := x.workers[w]
	if l == nil {
		return false
	}
	blocks = blocks[:min(len(blocks), l.bound())]
	known := x.Longest(w, blocks)
	if known > 0 {
		old = l.age(blocks[known-1]) >= l.bound()/2
	}
	for i := len(blocks) - 1; i >= 0; i-- { // the first block last: it must be the newest
		l.touch(blocks[i])
	}
	return old
}

// Remove notes that w has dropped these blocks from its cache. With a block go, in effect, those after it.
func (x *Index) Remove(w int, blocks []uint64) {
	if l := x.workers[w]; l != nil {
		for _, b := range blocks {
			if i := l.find(b); i != 0 {
				l.remove(i)
			}
		}
	}
}

// Learn compares what was expected to be cached with what the worker found, both in blocks, and adapts the size that
// the worker's cache is believed to have. A prefix that was gone means that the index remembers too much; one that was
// there although Add called it old, that it may remember more. The size falls by a twentieth on the one and grows by a
// 400th on the other, so that it settles where one of 20 old prefixes that the index promises is gone. Where all that
// comes back comes back soon, nothing is learnt and memory does not grow.
func (x *Index) Learn(w, expected, found int, old bool) {
	l := x.workers[w]
	switch {
	case l == nil || expected < 4:
	case found < expected/2:
		l.capacity = max(min(l.bound(), l.used)*19/20, minBlocks)
		l.shrink()
	case old && l.capacity < l.limit:
		l.capacity += l.capacity/400 + 1
	}
}

// SetCapacity tells how many blocks w's cache holds, at least 1, where the worker knows.
func (x *Index) SetCapacity(w, blocks int) {
	if l := x.workers[w]; l != nil {
		l.capacity = max(blocks, 1)
		l.shrink()
	}
}

// Bytes is how much memory the index takes.
func (x *Index) Bytes() int {
	n := 0
	for _, l := range x.workers {
		n += l.bytes()
	}
	return n
}
