package flight

import (
	"sync"
	"sync/atomic"
)

const shards = 32

// Table holds the sequences that are in flight. It is safe for concurrent use.
type Table struct {
	last  atomic.Uint64
	shard [shards]struct {
		sync.RWMutex
		m map[uint64]*Sequence
	}
}

// NewTable makes an empty table.
func NewTable() *Table {
	t := &Table{}
	for i := range t.shard {
		t.shard[i].m = map[uint64]*Sequence{}
	}
	return t
}

// NextID is a number that no other sequence of this table has or had.
func (t *Table) NextID() uint64 { return t.last.Add(1) }

// Add puts a sequence in.
func (t *Table) Add(s *Sequence) {
	sh := &t.shard[s.ID%shards]
	sh.Lock()
	sh.m[s.ID] = s
	sh.Unlock()
}

// Get finds a sequence, or nil.
func (t *Table) Get(id uint64) *Sequence {
	sh := &t.shard[id%shards]
	sh.RLock()
	defer sh.RUnlock()
	return sh.m[id]
}

// Remove takes a sequence out.
func (t *Table) Remove(id uint64) {
	sh := &t.shard[id%shards]
	sh.Lock()
	delete(sh.m, id)
	sh.Unlock()
}

// Each calls fn for every sequence, in no order, without holding a lock.
func (t *Table) Each(fn func(*Sequence)) {
	var batch []*Sequence
	for i := range t.shard {
		sh := &t.shard[i]
		sh.RLock()
		batch = batch[:0]
		for _, s := range sh.m {
			batch = append(batch, s)
		}
		sh.RUnlock()
		for _, s := range batch {
			fn(s)
		}
	}
}

// Len counts the sequences.
func (t *Table) Len() (n int) {
	for i := range t.shard {
		t.shard[i].RLock()
		n += len(t.shard[i].m)
		t.shard[i].RUnlock()
	}
	return n
}
