package prefixindex

// lru is a set of hashes in order of use, in an arena without pointers so that the collector does not walk it.
type lru struct {
	at       map[uint64]int32
	nodes    []node // nodes[0] is the list's sentinel
	free     []int32
	limit    int // share of the index's memory, in blocks
	capacity int // what the worker's cache is believed to hold, in blocks; 0 is unknown
}

type node struct {
	hash       uint64
	prev, next int32
}

func newLRU() *lru { return &lru{at: map[uint64]int32{}, nodes: make([]node, 1)} }

func (l *lru) has(h uint64) bool {
	_, ok := l.at[h]
	return ok
}

// bound is how many blocks may stay.
func (l *lru) bound() int {
	if l.capacity > 0 && (l.limit == 0 || l.capacity < l.limit) {
		return l.capacity
	}
	return l.limit
}

// touch makes h the newest entry.
func (l *lru) touch(h uint64) {
	i, ok := l.at[h]
	if ok {
		if l.nodes[0].next == i {
			return
		}
		l.unlink(i)
	} else {
		i = l.alloc(h)
		l.at[h] = i
	}
	first := l.nodes[0].next
	l.nodes[i].prev, l.nodes[i].next = 0, first
	l.nodes[0].next, l.nodes[first].prev = i, i
}

func (l *lru) alloc(h uint64) int32 {
	if n := len(l.free); n > 0 {
		i := l.free[n-1]
		l.free = l.free[:n-1]
		l.nodes[i].hash = h
		return i
	}
	l.nodes = append(l.nodes, node{hash: h})
	return int32(len(l.nodes) - 1)
}

func (l *lru) unlink(i int32) {
	n := l.nodes[i]
	l.nodes[n.prev].next, l.nodes[n.next].prev = n.next, n.prev
}

func (l *lru) remove(h uint64) {
	if i, ok := l.at[h]; ok {
		l.unlink(i)
		delete(l.at, h)
		l.free = append(l.free, i)
	}
}

// shrink drops the oldest entries above the bound.
func (l *lru) shrink() {
	for bound := l.bound(); bound > 0 && len(l.at) > bound; {
		l.remove(l.nodes[l.nodes[0].prev].hash)
	}
}
