package child

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
// false where no slot is free. In the slot whose own entries serve, they stay; otherwise the least recently used free
// slot is overwritten, so that a long cached prefix is not lost to a short match.
func place(slots []slot, prompt []int32, limit int) (plan, bool) {
	best, lru := plan{slot: -1, from: -1}, -1
	for i := range slots {
		s := &slots[i]
		n := 0
		for m := min(limit, s.reusable); n < m && s.tokens[n] == prompt[n]; n++ {
		}
		// On equal matches a free slot wins: nothing must be copied.
		if n > best.keep || n > 0 && n == best.keep && s.seq == nil && slots[best.from].seq != nil {
			best.from, best.keep = i, n
		}
		if s.seq == nil && (lru < 0 || s.used < slots[lru].used) {
			lru = i
		}
	}
	if lru < 0 {
		return plan{}, false
	}
	if best.from < 0 {
		return plan{slot: lru, from: -1}, true
	}
	src := &slots[best.from]
	if src.seq == nil && (best.from == lru || 2*best.keep >= len(src.tokens)) {
		return plan{slot: best.from, from: best.from, keep: best.keep}, true
	}
	if best.keep < copyWorth {
		return plan{slot: lru, from: -1}, true
	}
	best.slot = lru
	return best, true
}

// chunkSize returns how many of left prompt tokens the next call takes: at most limit, and so that no call takes
// fewer than least, as a single token would run through another kernel. Limit must be at least 2·least−1.
func chunkSize(left, limit, least int) int {
	n := min(left, max(limit, least))
	if rest := left - n; rest > 0 && rest < least {
		n = left - least
	}
	return n
}
