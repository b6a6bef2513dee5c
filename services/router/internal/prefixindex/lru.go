package prefixindex

import "math/bits"

// nodeBytes is what one place costs: a node of 24 bytes and the head of a hash chain.
const nodeBytes = 24 + 4

// minPlaces is the size of the first arena.
const minPlaces = 64

// lru is a set of hashes in order of use. It is a chained hash table and a list through the same nodes, in two arrays
// without pointers: the collector does not walk them, and they cost what bytes says however often entries change. A Go
// map costs twice as much here, and half as much again once entries come and go.
type lru struct {
	nodes []node   // nodes[0] is the list's sentinel, and its chain is the list of free places
	heads []uint32 // of the chains; index 0 of nodes ends a chain
	used  int
	clock uint32 // counts entries that were added; it may wrap

	limit    int // share of the index's memory, in blocks
	capacity int // what the worker's cache is believed to hold, in blocks
}

type node struct {
	hash       uint64
	prev, next uint32 // in order of use: the sentinel's next is the newest
	chain      uint32
	stamp      uint32 // clock at the last use
}

func newLRU() *lru { return &lru{nodes: make([]node, 1), capacity: assumed} }

// bound is how many blocks may stay.
func (l *lru) bound() int { return min(l.limit, l.capacity) }

// bytes is what the arrays take.
func (l *lru) bytes() int { return nodeBytes * cap(l.nodes) }

// head is where the chain of h starts. Hashes are mixed again, because their bits may be anybody's.
func (l *lru) head(h uint64) *uint32 {
	hi, _ := bits.Mul64(h*0x9e3779b97f4a7c15, uint64(len(l.heads)))
	return &l.heads[hi]
}

// find is the place of h; 0 where it is not there.
func (l *lru) find(h uint64) uint32 {
	if l.used == 0 {
		return 0
	}
	i := *l.head(h)
	for i != 0 && l.nodes[i].hash != h {
		i = l.nodes[i].chain
	}
	return i
}

// age is how many entries were added since h, which is there, was last used.
func (l *lru) age(h uint64) int { return int(l.clock - l.nodes[l.find(h)].stamp) }

// touch makes h the newest entry, in the place of the oldest one where there is no room.
func (l *lru) touch(h uint64) {
	i := l.find(h)
	if i == 0 {
		i = l.add(h)
	} else {
		l.unlink(i)
	}
	first := l.nodes[0].next
	n := &l.nodes[i]
	n.prev, n.next, n.stamp = 0, first, l.clock
	l.nodes[0].next, l.nodes[first].prev = i, i
}

// add takes a place for h and chains it.
func (l *lru) add(h uint64) uint32 {
	if l.used >= l.bound() {
		l.remove(l.nodes[0].prev)
	}
	if l.used == len(l.nodes)-1 {
		l.resize(min(max(2*l.used, minPlaces), l.bound()+l.bound()/8, l.limit)) // an eighth more than it needs, as the bound creeps
	}
	i := l.nodes[0].chain
	head := l.head(h)
	l.nodes[0].chain = l.nodes[i].chain
	l.nodes[i].hash, l.nodes[i].chain, *head = h, *head, i
	l.used++
	l.clock++
	return i
}

func (l *lru) unlink(i uint32) {
	n := l.nodes[i]
	l.nodes[n.prev].next, l.nodes[n.next].prev = n.next, n.prev
}

// remove frees a place.
func (l *lru) remove(i uint32) {
	at := l.head(l.nodes[i].hash)
	for *at != i {
		at = &l.nodes[*at].chain
	}
	*at = l.nodes[i].chain
	l.unlink(i)
	l.nodes[i].chain, l.nodes[0].chain = l.nodes[0].chain, i
	l.used--
}

// shrink drops the oldest entries above the bound, and gives memory back where that leaves most of it unused or more
// than this worker's share.
func (l *lru) shrink() {
	for l.used > l.bound() {
		l.remove(l.nodes[0].prev)
	}
	if places := len(l.nodes) - 1; places > l.limit || places > minPlaces && places > 4*l.used {
		l.resize(max(l.used, min(minPlaces, l.limit)))
	}
}

// resize moves everything to arrays with this many places, in order of use.
func (l *lru) resize(places int) {
	old := l.nodes
	l.nodes, l.heads = make([]node, places+1), make([]uint32, places)
	to := uint32(0)
	for from := old[0].next; from != 0; from = old[from].next {
		to++
		head := l.head(old[from].hash)
		l.nodes[to] = node{hash: old[from].hash, stamp: old[from].stamp, prev: to - 1, next: to + 1, chain: *head}
		*head = to
	}
	l.nodes[to].next, l.nodes[0].prev = 0, to
	if to > 0 {
		l.nodes[0].next = 1
	}
	for i := places; i > int(to); i-- {
		l.nodes[i].chain, l.nodes[0].chain = l.nodes[0].chain, uint32(i)
	}
}
