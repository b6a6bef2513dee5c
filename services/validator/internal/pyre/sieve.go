package pyre

import (
	"unsafe"
)

const (
	perScan = 8
	// tooOften is the part of places above which a window tells too little: it would fit some place of most texts.
	tooOften = 0.1
	// shortest is the mean length of texts, in bytes, from which a scan of all costs less than it saves.
	shortest = 64
	// mostWindows bounds what one pattern may ask to be looked for.
	mostWindows = 16
)

// Sieve tells for many patterns at once, in one pass over a column, which rows may hold a match: windows of three bytes that every match of a pattern has one of
// are looked for, eight at a time, by their halves (the fingerprints of Teddy in Hyperscan and Rust's regex, here with sets of bytes at each place and verified by
// the pattern's own automaton). Fill it before it is used; then any number of goroutines may.
type Sieve struct {
	scans []scanOf
	masks []uint64 // by pattern: bits of the scans together; 0: it is not sifted
	bits  int
	runs  []runOf
}

// scanOf is the tables of up to eight windows: for each place those of the low and of the high halves.
type scanOf struct {
	tables [2 * windowLen][16]byte
}

// runOf is a pattern whose matches hold so many bytes of a set after each other.
type runOf struct {
	bytes byteSet
	least int
}

// Add makes a pattern known, and returns its number.
func (s *Sieve) Add(r *Regexp) int {
	s.masks, s.runs = append(s.masks, 0), append(s.runs, runOf{})
	n := len(s.masks) - 1
	if r.root == nil || !sieves {
		return n
	}
	if set, least := longRun(r.root); least >= windowLen*4 {
		s.runs[n] = runOf{set, least}
		return n
	}
	ws := windows(r.root)
	if len(ws) == 0 || len(ws) > mostWindows || often(ws) > tooOften || s.bits+len(ws) > 64 {
		return n
	}
	for i := range ws {
		s.masks[n] |= 1 << s.take(&ws[i])
	}
	return n
}

// take gives a window a bit.
func (s *Sieve) take(w *window) int {
	if s.bits%perScan == 0 {
		s.scans = append(s.scans, scanOf{})
	}
	c := &s.scans[len(s.scans)-1]
	bit := byte(1) << (s.bits % perScan)
	for k := range w {
		for b := range 256 {
			if w[k].has(b) {
				c.tables[2*k][b&15] |= bit
				c.tables[2*k+1][b>>4] |= bit
			}
		}
	}
	s.bits++
	return s.bits - 1
}

// Sifted is what a sieve found out about the rows of a column.
type Sifted struct {
	sieve *Sieve
	rows  []uint64 // by row: the windows that may be there
	texts Texts
}

// Sift looks at all rows; nil where that would not pay.
func (s *Sieve) Sift(t Texts) *Sifted {
	n := t.Rows()
	if n == 0 || s.empty() {
		return nil
	}
	if _, to := t.span(n - 1); to-t.from() < n*shortest {
		return nil
	}
	out := &Sifted{sieve: s, texts: t}
	if len(s.scans) == 0 {
		return out
	}
	out.rows = make([]uint64, n)
	var tail []byte
	for i := range out.rows {
		from, to := t.span(i)
		if from == to {
			continue
		}
		blocks := (to - from + 31) / 32
		at := unsafe.Pointer(unsafe.SliceData(t.Data[from:]))
		if from+blocks*32+windowLen-1 > len(t.Data) { // the scan must not leave the data
			tail = append(append(tail[:0], t.Data[from:to]...), make([]byte, 32+windowLen)...)
			at = unsafe.Pointer(unsafe.SliceData(tail))
		}
		for k := range s.scans {
			found := scan(at, blocks, &s.scans[k].tables)
			found |= found >> 32
			found |= found >> 16
			found |= found >> 8
			out.rows[i] |= (found & 0xFF) << (k * perScan)
		}
	}
	return out
}

func (s *Sieve) empty() bool {
	for n := range s.masks {
		if s.masks[n] != 0 || s.runs[n].least > 0 {
			return false
		}
	}
	return true
}

// May clears the bits of rows that cannot hold a match of a pattern, of a bitmap whose row i is bit i%64 of word i/64. ok is false where nothing is known of it; rows then
// stays as it is.
func (s *Sifted) May(pattern int, rows []uint64) (ok bool) {
	mask, run := s.sieve.masks[pattern], s.sieve.runs[pattern]
	switch {
	case run.least > 0:
		for i := range s.texts.Rows() {
			if rows[i>>6]>>(i&63)&1 == 1 {
				if from, to := s.texts.span(i); !run.in(s.texts.Data[from:to]) {
					rows[i>>6] &^= 1 << (i & 63)
				}
			}
		}
		return true
	case mask == 0:
		return false
	}
	for w := range rows {
		var may uint64
		for i, r := range s.rows[w<<6 : min(w<<6+64, len(s.rows))] {
			if r&mask != 0 {
				may |= 1 << i
			}
		}
		rows[w] &= may
	}
	return true
}

// in reports whether a text has such a run. It looks back from where a run that begins here would have to reach, so that it sees few bytes.
func (r *runOf) in(text []byte) bool {
	for begin := 0; begin+r.least <= len(text); {
		at := begin + r.least - 1
		for at >= begin && r.bytes.has(int(text[at])) {
			at--
		}
		if at < begin {
			return true
		}
		begin = at + 1
	}
	return false
}

// longRun is the longest run of characters of one set that every match holds, in characters, which are that many bytes at least.
func longRun(n *node) (set byteSet, least int) {
	switch n.kind {
	case kGroup, kAtomic:
		return longRun(n.subs[0])
	case kCat:
		for _, s := range n.subs {
			if own, k := longRun(s); k > least {
				set, least = own, k
			}
		}
	case kRepeat:
		if sub := n.subs[0]; sub.kind == kSet {
			ascii, more := leads(sub.set)
			if more {
				ascii.union(beyond)
			}
			return ascii, n.min
		}
	}
	return set, least
}
