package pyre

import (
	"bytes"
	"unicode/utf8"
)

func (b *matcher) look(mv *move, pos int) bool {
	at, trail := pos, len(b.trail)
	ok := true
	if mv.behind {
		at, ok = b.back(pos, mv.slot)
	}
	if ok {
		_, ok = b.run(mv.x, at)
	}
	if ok == mv.not {
		b.undo(trail)
	}
	return ok != mv.not
}

func (b *matcher) back(pos, n int) (int, bool) {
	for ; n > 0; n-- {
		_, size := utf8.DecodeLastRune(b.text[:pos])
		if size == 0 {
			return 0, false
		}
		pos -= size
	}
	return pos, true
}

func (b *matcher) sameAgain(mv *move, pos int) (int32, int, bool) {
	from, to, took := b.captured(mv.slot)
	if !took {
		return 0, 0, false
	}
	if mv.fold == nil {
		return mv.x, pos + to - from, bytes.HasPrefix(b.text[pos:], b.text[from:to])
	}
	for from < to {
		r, n := utf8.DecodeRune(b.text[from:])
		s, m := utf8.DecodeRune(b.text[pos:])
		if m == 0 || mv.fold.lower(r) != mv.fold.lower(s) {
			return 0, 0, false
		}
		from, pos = from+n, pos+m
	}
	return mv.x, pos, true
}
