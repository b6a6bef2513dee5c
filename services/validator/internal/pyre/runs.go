package pyre

import (
	"unicode/utf8"
	"unsafe"
)

// runOf is so many bytes of a set after each other, the first of which is of a smaller set.
type runOf struct {
	all, first byteSet
	table      *[256]bool // all
	least      int
	stops      stops
}

// stops are the bytes that end a run, for last.
type stops struct {
	halves [2][16]byte
	beyond uint64 // all ones: those beyond ASCII
	known  bool   // last tells them
}

// stopsOf is what ends runs of some bytes; of those beyond ASCII that may be all or none.
func stopsOf(run *byteSet) (s stops) {
	for b := range 0x80 {
		s.halves[1][b>>4] = 1 << (b >> 4)
		if !run.has(b) {
			s.halves[0][b&15] |= 1 << (b >> 4)
		}
	}
	none, all := true, true
	for b := 0x80; b < 0xF5; b++ { // those above, as two more, are in no text
		if b != 0xC0 && b != 0xC1 {
			none, all = none && !run.has(b), all && run.has(b)
		}
	}
	if none {
		s.beyond = ^uint64(0)
	}
	s.known = sieves && (none || all)
	return s
}

// in reports whether a text has such a run.
func (r *runOf) in(text []byte) bool {
	_, _, ok := r.next(text, 0)
	return ok
}

// next is the first such run that begins at or behind a place, as far as it goes.
func (r *runOf) next(text []byte, begin int) (from, to int, ok bool) {
	if r.least >= 2*32-1 && r.stops.known {
		return r.nextLong(text, begin)
	}
	for begin < len(text) {
		stop := r.stop(text, begin)
		if stop < 0 {
			return begin, r.end(text, begin+r.least), true
		}
		begin = stop + 1
	}
	return 0, 0, false
}

// stop is the last place that keeps a run from being long enough which begins at a place; -1 where nothing does. It looks back from where the run would have to reach, so
// that it sees few bytes.
func (r *runOf) stop(text []byte, begin int) int {
	at := begin + r.least - 1
	if at >= len(text) {
		return len(text)
	}
	for at >= begin && r.table[text[at]] {
		at--
	}
	if at < begin {
		return -1
	}
	return at
}

// nextLong is next for runs that have one of the blocks whole of which the text is made.
func (r *runOf) nextLong(text []byte, begin int) (from, to int, ok bool) {
	for begin+r.least <= len(text) {
		blocks := (len(text) - begin) / 32
		k := clean(unsafe.Pointer(&text[begin]), blocks, &r.stops.halves, r.stops.beyond)
		if k == blocks {
			break
		}
		for from = begin + k*32; from > begin && r.table[text[from-1]]; {
			from--
		}
		if to = r.end(text, begin+k*32+32); to-from >= r.least {
			return from, to, true
		}
		begin = to
	}
	return 0, 0, false
}

// end is how far what is at a place goes on.
func (r *runOf) end(text []byte, at int) int {
	for at < len(text) && r.table[text[at]] {
		at++
	}
	return at
}

// fewer reports whether a run of enough bytes has too few characters.
func (r *runOf) fewer(run []byte) bool {
	if r.stops.beyond != 0 || len(run) >= r.least*utf8.UTFMax {
		return false
	}
	spare := len(run) - r.least
	for _, b := range run {
		if b&0xC0 == 0x80 {
			if spare--; spare < 0 {
				return true
			}
		}
	}
	return false
}

// longRun is the longest run of bytes of one set that every match holds: a repeat whose characters are all of the set.
func longRun(n *node) (r runOf) {
	switch n.kind {
	case kGroup, kAtomic:
		return longRun(n.subs[0])
	case kCat:
		for _, s := range n.subs {
			if own := longRun(s); own.least > r.least {
				r = own
			}
		}
	case kRepeat:
		if least := n.shortest(); least > 0 {
			r.all, r.least, r.table = reachOf(n).bytes, least, new([256]bool)
			r.first, _ = n.subs[0].first()
			for b := range r.table {
				r.table[b] = r.all.has(b)
			}
			r.stops = stopsOf(&r.all)
		}
	}
	return r
}

// shortest is how many characters, which are that many bytes at least, the shortest match of a pattern has.
func (n *node) shortest() int {
	least := 0
	for i, s := range n.subs {
		own := s.shortest()
		switch {
		case n.kind == kCat:
			least += own
		case n.kind == kRepeat:
			least = own * n.min
		case i == 0 || own < least:
			least = own
		}
	}
	switch n.kind {
	case kSet:
		return 1
	case kLook, kBackref, kCond:
		return 0
	}
	return min(least, longMatch)
}

// first are the bytes that a match may begin with, and whether it may be empty.
func (n *node) first() (set byteSet, empty bool) {
	switch n.kind {
	case kSet:
		set, _ = leads(n.set)
		return set, false
	case kAssert, kLook, kNothing:
		return set, true
	case kBackref, kCond:
		return anyByte, true
	case kCat:
		for _, s := range n.subs {
			own, empty := s.first()
			if set.union(own); !empty {
				return set, false
			}
		}
		return set, true
	}
	for _, s := range n.subs {
		own, none := s.first()
		set.union(own)
		empty = empty || none
	}
	return set, empty || n.kind == kRepeat && n.min == 0
}
