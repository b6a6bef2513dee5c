package child

import "slices"

// slot is one sequence's place in the KV cache. When its sequence ends, the entries stay as a prefix cache.
type slot struct {
	seq    *sequence
	tokens []int32 // what the cache holds, by position
	// reusable is how many leading tokens another sequence may take over without its bits depending on it: those that
	// were prefilled as a prompt (entries written by decode steps differ in their last bits), or all (schedule fast).
	reusable int
	used     uint64 // when it last changed, on the scheduler's clock
}

// copyWorth is the fewest tokens for which copying a slot's entries beats computing them.
const copyWorth = 16

// plan says where a new sequence goes and what it takes over.
type plan struct {
	slot int
	from int // slot to copy from; the slot itself: its own entries stay; -1: nothing
	keep int // leading tokens taken over
}

// place chooses a free slot for a prompt of which at most limit leading tokens may be taken from the cache. It returns
// false where no slot is free. With crowd, a slot beside a running one is preferred, because a split cache decodes only
// neighbours in one go; otherwise the slot whose own entries serve is kept, or the least recently used one overwritten, so
// that a long cached prefix is not lost to a short match.
func place(slots []slot, prompt []int32, limit int, crowd bool) (plan, bool) {
	from, keep := longestPrefix(slots, prompt, limit)
	near, lru := -1, -1
	for i := range slots {
		if slots[i].seq != nil {
			continue
		}
		if lru < 0 || slots[i].used < slots[lru].used {
			lru = i
		}
		if crowd && beside(slots, i) && (near < 0 || slots[i].used < slots[near].used) {
			near = i
		}
	}
	switch {
	case lru < 0:
		return plan{}, false
	case near >= 0 && from >= 0 && slots[from].seq == nil && beside(slots, from):
		return plan{slot: from, from: from, keep: keep}, true
	case near >= 0 && keep < copyWorth:
		return plan{slot: near, from: -1}, true
	case near >= 0:
		return plan{slot: near, from: from, keep: keep}, true
	case from < 0:
		return plan{slot: lru, from: -1}, true
	case slots[from].seq == nil && (from == lru || 2*keep >= len(slots[from].tokens)):
		return plan{slot: from, from: from, keep: keep}, true
	case keep < copyWorth:
		return plan{slot: lru, from: -1}, true
	default:
		return plan{slot: lru, from: from, keep: keep}, true
	}
}

// longestPrefix finds the slot that holds most of a prompt's head; on equal matches a free one, which need not be copied.
func longestPrefix(slots []slot, prompt []int32, limit int) (from, keep int) {
	from = -1
	for i := range slots {
		s := &slots[i]
		n := 0
		for m := min(limit, s.reusable); n < m && s.tokens[n] == prompt[n]; n++ {
		}
		if n > keep || n > 0 && n == keep && s.seq == nil && slots[from].seq != nil {
			from, keep = i, n
		}
	}
	return from, keep
}

// beside tells that a neighbour of slot i runs.
func beside(slots []slot, i int) bool {
	return i > 0 && slots[i-1].seq != nil || i+1 < len(slots) && slots[i+1].seq != nil
}

// gap finds a move that brings running sequences together: the sequence at index mover of decoding, which is sorted by
// slot, to the free slot to. It takes from the shortest run of neighbours and adds to the longest.
func gap(slots []slot, decoding []*sequence) (mover, to int, ok bool) {
	type run struct{ first, n int } // indices in decoding
	var short, long run
	for i := 0; i < len(decoding); {
		r := run{first: i}
		for ; i < len(decoding) && decoding[i].slot == decoding[r.first].slot+r.n; i++ {
			r.n++
		}
		if r.n > long.n {
			long = r
		}
		if short.n == 0 || r.n <= short.n {
			short = r
		}
	}
	if short.first == long.first {
		return 0, 0, false
	}
	lo, hi := decoding[long.first].slot-1, decoding[long.first].slot+long.n
	switch {
	case hi < len(slots) && slots[hi].seq == nil:
		return short.first, hi, true
	case lo >= 0 && slots[lo].seq == nil:
		return short.first, lo, true
	}
	return 0, 0, false
}

// worthMoving is how many tokens a sequence must have left for its move to pay: a gap costs each step about a step of
// one sequence, a move less than that once.
const worthMoving = 4

// closeGap moves one running sequence so that fewer gaps are between the slots of a step: a split cache takes only
// neighbours in one go. Bits do not change: the entries keep their places.
func (s *scheduler) closeGap() {
	if s.rules.Unified || len(s.decoding) < 2 {
		return
	}
	i, to, ok := gap(s.slots, s.decoding)
	if !ok || s.decoding[i].limit-s.decoding[i].generated < worthMoving {
		return
	}
	q := s.decoding[i]
	from, dst := &s.slots[q.slot], &s.slots[to]
	dst.tokens, dst.reusable = dst.tokens[:0], 0
	if !s.m.Copy(q.slot, to, q.pos) {
		return
	}
	s.clock++
	dst.seq, dst.tokens, dst.reusable = q, append(dst.tokens, from.tokens...), from.reusable
	from.seq, from.used = nil, s.clock
	s.decoding = slices.Delete(s.decoding, i, i+1)
	q.slot = to
	s.start(q)
}

// chunkSize returns how many of left prompt tokens the next call takes: at most limit, and so that no call takes
// fewer than least, as a single token would run through another kernel; for a limit below 2·least−1 that may be more.
func chunkSize(left, limit, least int) int {
	n := min(left, max(limit, least))
	if rest := left - n; rest > 0 && rest < least {
		if n = left - least; n < least {
			n = left
		}
	}
	return n
}
