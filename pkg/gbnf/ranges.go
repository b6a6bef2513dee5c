package gbnf

import (
	"slices"
	"unicode/utf8"
)

// span is the characters lo to hi, both included.
type span struct{ lo, hi rune }

type ranges []span

// anyChar is every character that UTF-8 can spell.
var anyChar = ranges{{0, 0xD7FF}, {0xE000, utf8.MaxRune}}

// tidy sorts and merges ranges, negates them if told so, and takes out the surrogates, which UTF-8 cannot spell.
func (r ranges) tidy(negated bool) ranges {
	slices.SortFunc(r, func(a, b span) int { return int(a.lo - b.lo) })
	merged := r[:1]
	for _, s := range r[1:] {
		if last := &merged[len(merged)-1]; s.lo <= last.hi+1 {
			last.hi = max(last.hi, s.hi)
		} else {
			merged = append(merged, s)
		}
	}
	if negated {
		merged = merged.complement()
	}
	var out ranges
	for _, s := range merged {
		if s.lo < 0xD800 {
			out = append(out, span{s.lo, min(s.hi, 0xD7FF)})
		}
		if s.hi > 0xDFFF {
			out = append(out, span{max(s.lo, 0xE000), s.hi})
		}
	}
	return slices.DeleteFunc(out, func(s span) bool { return s.lo > s.hi })
}

func (r ranges) complement() ranges {
	var out ranges
	next := rune(0)
	for _, s := range r {
		if s.lo > next {
			out = append(out, span{next, s.lo - 1})
		}
		next = s.hi + 1
	}
	if next <= utf8.MaxRune {
		out = append(out, span{next, utf8.MaxRune})
	}
	return out
}

// set is a set of bytes.
type set [4]uint64

func (s *set) add(lo, hi byte) {
	for b := int(lo); b <= int(hi); b++ {
		s[b>>6] |= 1 << (b & 63)
	}
}

func (s *set) has(b byte) bool { return s[b>>6]>>(b&63)&1 != 0 }

// sequences returns the UTF-8 spelling of the ranges: each element is a row of byte sets, all whose combinations are
// characters of the ranges. The method is that of RE2's compiler (Russ Cox, "Regular Expression Matching in the Wild").
func (r ranges) sequences() [][]set {
	var ascii set
	var out [][]set
	for _, s := range r {
		for _, part := range s.byLength() {
			if part.hi < utf8.RuneSelf {
				ascii.add(byte(part.lo), byte(part.hi))
			} else {
				out = part.split(out)
			}
		}
	}
	if ascii != (set{}) {
		out = append(out, []set{ascii})
	}
	return out
}

// byLength cuts a range where the number of bytes changes.
func (s span) byLength() []span {
	var out []span
	for _, top := range []rune{0x7F, 0x7FF, 0xFFFF, utf8.MaxRune} {
		if s.lo <= top && s.lo <= s.hi {
			out = append(out, span{s.lo, min(s.hi, top)})
			s.lo = top + 1
		}
	}
	return out
}

// split appends the rows of a range whose characters all have the same number of bytes.
func (s span) split(out [][]set) [][]set {
	for n := 1; n < utf8.UTFMax; n++ {
		low := rune(1)<<(6*n) - 1 // what n continuation bytes carry
		if s.lo&^low == s.hi&^low {
			continue
		}
		if s.lo&low != 0 {
			return span{(s.lo | low) + 1, s.hi}.split(span{s.lo, s.lo | low}.split(out))
		}
		if s.hi&low != low {
			return span{s.hi &^ low, s.hi}.split(span{s.lo, s.hi&^low - 1}.split(out))
		}
	}
	var lo, hi [utf8.UTFMax]byte
	n := utf8.EncodeRune(lo[:], s.lo)
	utf8.EncodeRune(hi[:], s.hi)
	row := make([]set, n)
	for i := range row {
		row[i].add(lo[i], hi[i])
	}
	return append(out, row)
}
