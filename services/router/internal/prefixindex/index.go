// Package prefixindex remembers which worker has which prompt prefix in its cache, as far as a router can know:
// what it sent there, bounded like the worker's own cache and corrected by what the worker tells.
//
// It refuses to see prompts: it holds only the chained block hashes of pkg/prefix. It is not safe for concurrent use.
package prefixindex

// entryBytes is what one block of one worker costs: list entry, map slot and slack, measured.
const entryBytes = 48

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
	return &Index{maxBlocks: max(maxBytes/entryBytes, minBlocks), workers: map[int]*lru{}}
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
		limit, capacity := l.limit, l.capacity
		*l = *newLRU()
		l.limit, l.capacity = limit, capacity
	}
}

// share divides the memory bound between the workers.
func (x *Index) share() {
	for _, l := range x.workers {
		l.limit = max(x.maxBlocks/len(x.workers), minBlocks)
		l.shrink()
	}
}

// Longest is how many of the leading blocks w has. Within one worker's LRU a block is never older than the blocks
// that follow it, so a binary search finds the end: O(log n) look-ups.
func (x *Index) Longest(w int, blocks []uint64) int {
	l := x.workers[w]
	if l == nil || len(blocks) == 0 || !l.has(blocks[0]) {
		return 0
	}
	lo, hi := 1, len(blocks) // blocks[:lo] are there
	if l.has(blocks[hi-1]) {
		return hi
	}
	for lo < hi-1 {
		if mid := (lo + hi) / 2; l.has(blocks[mid-1]) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// Add notes that w has, or will soon have, all of blocks in its cache.
func (x *Index) Add(w int, blocks []uint64) {
	l := x.workers[w]
	if l == nil {
		return
	}
	blocks = blocks[:min(len(blocks), l.bound())]
	for i := len(blocks) - 1; i >= 0; i-- { // the first block last: it must be the newest
		l.touch(blocks[i])
	}
	l.shrink()
}

// Remove notes that w has dropped these blocks from its cache. With a block go, in effect, those after it.
func (x *Index) Remove(w int, blocks []uint64) {
	if l := x.workers[w]; l != nil {
		for _, b := range blocks {
			l.remove(b)
		}
	}
}

// Learn compares what was expected to be cached with what the worker found, both in blocks, and adapts the size that
// the worker's cache is believed to have: a prefix that was gone means that the index remembers too much. The size
// falls by a twentieth on a miss and grows by a 400th on a hit, so that it settles where one of 20 long prefixes
// that the index promises is gone.
func (x *Index) Learn(w, expected, found int) {
	l := x.workers[w]
	if l == nil || expected < 4 {
		return
	}
	if found < expected/2 {
		l.capacity = max(min(l.bound(), len(l.at))*19/20, minBlocks)
		l.shrink()
	} else if l.capacity > 0 {
		l.capacity += l.capacity/400 + 1
	}
}

// SetCapacity tells how many blocks w's cache holds, where the worker knows; 0 is unknown.
func (x *Index) SetCapacity(w, blocks int) {
	if l := x.workers[w]; l != nil {
		l.capacity = blocks
		l.shrink()
	}
}

// Bytes is about how much memory the index takes.
func (x *Index) Bytes() int {
	n := 0
	for _, l := range x.workers {
		n += len(l.at)
	}
	return n * entryBytes
}
