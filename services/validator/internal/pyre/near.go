package pyre

import (
	"fmt"
	"math/bits"
	"unicode/utf8"
	"unsafe"
)

// SearchAll is the pattern's own, for the pattern of that number: it looks only where a match may be.
func (s *Sifted) SearchAll(pattern int, valid, out Bits) error {
	p := &s.sieve.patterns[pattern]
	if !p.sifts() {
		return p.of.SearchAll(s.texts, valid, out)
	}
	e := p.of.borrow()
	defer p.of.giveBack(e)
	near := p.of.exact && e.auto != nil && !e.auto.anchored && e.auto.idles
	h := hunt{p: p, a: e.auto}
	for i := range s.rows {
		mask := p.masks[0]
		if s.high[i] {
			mask = p.masks[1]
		}
		if !valid.get(i) || mask != 0 && s.rows[i]&mask == 0 && !s.whole(i) {
			out.put(i, false)
			continue
		}
		from, to := s.texts.span(i)
		text, ok := s.texts.Data[from:to], false
		var err error
		switch {
		case near && !s.whole(i) && (mask != 0 || p.run.least > 0):
			h.text, h.look, h.done = text, 0, 0
			ok = s.near(&h, i, mask)
		case s.whole(i) || p.run.least == 0 || p.run.in(text):
			ok, err = e.search(p.of, text)
		}
		if err != nil {
			return fmt.Errorf("row %d: %w", i, err)
		}
		out.put(i, ok)
	}
	return nil
}

// near searches a row, whose text the hunt has, where it may hold a match.
func (s *Sifted) near(h *hunt, row int, mask uint64) bool {
	if mask == 0 {
		return h.runs()
	}
	first, size := int(s.begins[row]), len(h.text)
	for k, marks := range s.parts[first : first+(size+part-1)/part] {
		if marks &= mask; marks == 0 || k*part+part <= h.look {
			continue
		}
		places := s.places(row, k*part, marks)
		for half, here := range places {
			if here != 0 && h.windows(k*part+half*64, here) {
				return true
			}
		}
	}
	return false
}

// hunt is a search of one text.
type hunt struct {
	p    *sifting
	a    *automaton
	text []byte
	look int // windows and runs that begin before it are decided
	done int // no match begins before it
}

// windows looks at places behind base where windows may begin, a bit each.
func (h *hunt) windows(base int, here uint64) bool {
	for {
		if h.look > base { // they are decided
			here &= ^uint64(0) << min(h.look-base, 64)
		}
		at := base + bits.TrailingZeros64(here)
		if here == 0 || at >= len(h.text) {
			return false
		}
		from, to := at, at+1
		if r := &h.p.run; r.least > 0 { // it begins with the window
			if stop := r.stop(h.text, at); stop >= 0 {
				h.look = stop + 1
				continue
			}
			if to = r.end(h.text, at+r.least); r.fewer(h.text[from:to]) {
				h.look = to
				continue
			}
		}
		if h.near(from, to) {
			return true
		}
	}
}

// runs looks at all runs.
func (h *hunt) runs() bool {
	r := &h.p.run
	for {
		from, to, ok := r.next(h.text, h.look)
		if !ok {
			return false
		}
		if h.look = to; !r.fewer(h.text[from:to]) && h.near(from, to) {
			return true
		}
	}
}

// near searches for matches that hold what begins from a place on and before another.
func (h *hunt) near(from, to int) (found bool) {
	found, h.done = h.a.near(h.text, h.p.reach.back(h.text, from, h.done), to)
	h.look = max(h.look, h.done, to)
	return found
}

// places is where in a part of a row, or what there is of it, windows may begin: a bit each.
func (s *Sifted) places(row, at int, windows uint64) (out [part / 64]uint64) {
	from, to := s.texts.span(row)
	at += from
	blocks := (min(part, to-at) + 31) / 32
	if at+blocks*32+beyondBlocks > len(s.texts.Data) {
		return [part / 64]uint64{^uint64(0), ^uint64(0)}
	}
	text, high := unsafe.Pointer(&s.texts.Data[at]), s.high[row]
	for k := range s.sieve.scans {
		own := windows >> (k * perScan) & 0xFF * 0x0101010101010101
		switch c := &s.sieve.scans[k]; {
		case own == 0:
		case high:
			locate(text, blocks, &c.halves[1], own, &out)
		case sieves512:
			locateASCII(text, blocks, &c.bytes, own, &out)
		default:
			locate(text, blocks, &c.halves[0], own, &out)
		}
	}
	return out
}

// reach tells how far before a place in a match it may begin.
type reach struct {
	bytes byteSet // of all that a match may consist of
	most  int     // bytes of the longest match; 0: there is no longest
}

func reachOf(n *node) reach {
	r := reach{most: n.longest()}
	n.any(func(n *node) bool {
		if n.kind == kSet {
			own := bytesOf(n.set)
			r.bytes.union(own)
		}
		return false
	})
	return r
}

// back is where a match that has the byte at a place, or begins there, may begin: not before floor, and where a character does.
func (r *reach) back(text []byte, at, floor int) int {
	least := floor
	if r.most > 0 {
		least = max(floor, at-r.most)
	}
	for at > least && r.bytes.has(int(text[at-1])) {
		at--
	}
	for at > floor && at < len(text) && !utf8.RuneStart(text[at]) {
		at--
	}
	return at
}

// longMatch is from how many bytes on a match counts as one that may be of any length.
const longMatch = 1 << 12

// longest is the bytes of the longest match of a regular pattern; 0: there is none, or it is very long.
func (n *node) longest() int {
	most := 0
	for _, s := range n.subs {
		own := s.longest()
		if own == 0 && !s.empty() {
			return 0
		}
		switch {
		case n.kind == kCat:
			most += own
		case n.kind == kRepeat && n.max == unlimited && own > 0:
			return 0
		case n.kind == kRepeat:
			most = own * n.max
		default:
			most = max(most, own)
		}
	}
	if n.kind == kSet {
		most = 1
		if _, more := leads(n.set); more {
			most = utf8.UTFMax
		}
	}
	if most > longMatch {
		return 0
	}
	return most
}

// empty reports whether a pattern matches no character.
func (n *node) empty() bool { return !n.any(func(n *node) bool { return n.kind == kSet }) }
