package pyre

import (
	"fmt"
	"unicode/utf8"
)

// fixed is a pattern that asks each character of a text by itself: ^, sets of ASCII characters, and $. It needs no automaton; a text with other characters goes to that.
type fixed struct {
	at      [][256]bool // by place
	newline bool        // one may end the text
}

// longestFixed bounds the tables.
const longestFixed = 32

// fixedOf is n as such a pattern; nil where it is none.
func fixedOf(n *node) *fixed {
	f := &fixed{}
	begun, ended := false, false
	var walk func(n *node) bool
	walk = func(n *node) bool {
		switch n.kind {
		case kAssert:
			switch {
			case !begun && len(f.at) == 0 && n.place == textStart:
				begun = true
				return true
			case begun && !ended && (n.place == textEnd || n.place == dollar):
				ended, f.newline = true, n.place == dollar
				return true
			}
			return false
		case kSet:
			if !begun || ended || len(f.at) == longestFixed {
				return false
			}
			ascii := asciiOf(n.set)
			var at [256]bool
			for b := range at {
				at[b] = ascii.has(b)
			}
			f.at = append(f.at, at)
			return true
		case kCat:
			for _, s := range n.subs {
				if !walk(s) {
					return false
				}
			}
			return true
		case kGroup:
			return walk(n.subs[0])
		case kRepeat:
			if n.min != n.max || n.min > longestFixed {
				return false
			}
			for range n.min {
				if !walk(n.subs[0]) {
					return false
				}
			}
			return true
		}
		return false
	}
	if !walk(n) || !begun || !ended || len(f.at) == 0 {
		return nil
	}
	return f
}

// search reports whether a text matches; known is false where it has characters beyond ASCII.
func (f *fixed) search(text []byte) (match, known bool) {
	n := len(f.at)
	if len(text) == n+1 && f.newline && text[n] == '\n' {
		text = text[:n]
	}
	if len(text) != n {
		return false, len(text) < n || ascii(text)
	}
	match = true
	var all byte
	for i := range f.at {
		match = match && f.at[i][text[i]]
		all |= text[i]
	}
	return match, all < utf8.RuneSelf
}

func ascii(text []byte) bool { return nextHigh(text, 0) == len(text) }

// fixedAll is searchAll for such a pattern, a word of answers at a time.
func fixedAll[O int32 | int64](r *Regexp, e *engine, offsets []O, data []byte, valid, out Bits) error {
	n := len(offsets) - 1
	for from := 0; from < n; from += 8 {
		var bits byte
		for i := from; i < min(from+8, n); i++ {
			if !valid.get(i) {
				continue
			}
			match, known := r.fixed.search(data[offsets[i]:offsets[i+1]])
			if !known {
				var err error
				if match, err = e.search(r, data[offsets[i]:offsets[i+1]]); err != nil {
					return fmt.Errorf("row %d: %w", i, err)
				}
			}
			if match {
				bits |= 1 << (i - from)
			}
		}
		out.Bytes[from>>3] = bits
	}
	return nil
}
