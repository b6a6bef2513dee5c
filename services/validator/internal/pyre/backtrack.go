package pyre

import (
	"errors"
	"unicode/utf8"
)

// A search by backtracking may take this many moves, and some more for each byte of the text; more is an error. Counting moves
// rather than time keeps a verdict the same on every machine.
const (
	moveBudget        = 10_000_000
	moveBudgetPerByte = 200
	maxChoices        = 1_000_000
)

var errBudget = errors.New("matching took too many steps on one value; rewrite the pattern so that it backtracks less")

// choice is where to go on when a way has failed.
type choice struct {
	at        int32
	pos       int
	trail     int
	low, left int // of a span: how far it may shrink; how many more characters it may take
	span      greed
	spanning  bool
}

type change struct{ slot, old int }

// matcher runs moves over one text at a time.
type matcher struct {
	m       *moves
	text    []byte
	slots   []int
	choices []choice
	trail   []change
	budget  int
	err     error
}

func newMatcher(m *moves) *matcher { return &matcher{m: m, slots: make([]int, m.slots)} }

// match tries to match from the given position on.
func (b *matcher) match(text []byte, at int) bool {
	for i := range b.slots {
		b.slots[i] = -1
	}
	b.text, b.choices, b.trail = text, b.choices[:0], b.trail[:0]
	_, ok := b.run(b.m.start, at)
	return ok && b.err == nil
}

func (b *matcher) set(slot, v int) {
	b.trail = append(b.trail, change{slot, b.slots[slot]})
	b.slots[slot] = v
}

func (b *matcher) undo(to int) {
	for len(b.trail) > to {
		c := b.trail[len(b.trail)-1]
		b.slots[c.slot] = c.old
		b.trail = b.trail[:len(b.trail)-1]
	}
}

func (b *matcher) push(c choice) {
	if len(b.choices) >= maxChoices {
		b.err = errBudget
		return
	}
	c.trail = len(b.trail)
	b.choices = append(b.choices, c)
}

// run matches from a move on until a mMatch; the choices that it made are gone afterwards.
func (b *matcher) run(at int32, pos int) (int, bool) {
	base := len(b.choices)
	for b.err == nil {
		if b.budget--; b.budget < 0 {
			b.err = errBudget
			break
		}
		mv := &b.m.list[at]
		if mv.kind == mMatch {
			b.choices = b.choices[:base]
			return pos, true
		}
		next, to, ok := b.step(mv, at, pos)
		if !ok {
			if next, to, ok = b.retry(base); !ok {
				break
			}
		}
		at, pos = next, to
	}
	b.choices = b.choices[:base]
	return 0, false
}

// step makes one move.
func (b *matcher) step(mv *move, at int32, pos int) (next int32, to int, ok bool) {
	switch mv.kind {
	case mSet:
		r, n := utf8.DecodeRune(b.text[pos:])
		return mv.x, pos + n, n > 0 && mv.set.has(r)
	case mSpan:
		return b.span(mv, at, pos)
	case mSplit:
		b.push(choice{at: mv.y, pos: pos})
	case mPlace:
		return mv.x, pos, b.holds(mv.place, pos)
	case mSave, mMark:
		b.set(mv.slot, pos)
	case mMoved:
		if b.slots[mv.slot] == pos {
			return mv.y, pos, true
		}
	case mLook:
		return mv.y, pos, b.look(mv, pos)
	case mAtomic:
		to, ok = b.run(mv.x, pos)
		return mv.y, to, ok
	case mSame:
		return b.sameAgain(mv, pos)
	case mCond:
		if _, _, took := b.captured(mv.slot); !took {
			return mv.y, pos, true
		}
	case mNever:
		return 0, 0, false
	}
	return mv.x, pos, true
}

func (b *matcher) captured(slot int) (from, to int, took bool) {
	from, to = b.slots[slot], b.slots[slot+1]
	return from, to, from >= 0 && to >= from
}

// retry goes back to the last choice above base.
func (b *matcher) retry(base int) (int32, int, bool) {
	for len(b.choices) > base {
		c := &b.choices[len(b.choices)-1]
		b.undo(c.trail)
		if !c.spanning {
			at, pos := c.at, c.pos
			b.choices = b.choices[:len(b.choices)-1]
			return at, pos, true
		}
		if pos, ok := b.respan(c); ok {
			return b.m.list[c.at].x, pos, true
		}
		b.choices = b.choices[:len(b.choices)-1]
	}
	return 0, 0, false
}

// respan gives a greedy span one character less and a lazy one more.
func (b *matcher) respan(c *choice) (int, bool) {
	if c.span == greedy {
		if c.pos <= c.low {
			return 0, false
		}
		_, n := utf8.DecodeLastRune(b.text[c.low:c.pos])
		c.pos -= n
		return c.pos, true
	}
	r, n := utf8.DecodeRune(b.text[c.pos:])
	if n == 0 || c.left == 0 || !b.m.list[c.at].set.has(r) {
		return 0, false
	}
	c.pos += n
	c.left--
	return c.pos, true
}

func (b *matcher) span(mv *move, at int32, pos int) (int32, int, bool) {
	low, took := b.take(mv.set, pos, mv.min)
	if took < mv.min {
		return 0, 0, false
	}
	more := -1
	if mv.max != unlimited {
		more = mv.max - mv.min
	}
	if mv.greed == lazy {
		b.push(choice{at: at, pos: low, left: more, span: lazy, spanning: true})
		return mv.x, low, true
	}
	high, _ := b.take(mv.set, low, more)
	if high > low {
		b.push(choice{at: at, pos: high, low: low, spanning: true})
	}
	return mv.x, high, true
}

// take consumes up to n characters of a set; below zero, all that follow.
func (b *matcher) take(set *charSet, pos, n int) (to, took int) {
	from := pos
	for took != n && pos < len(b.text) {
		r, size := rune(b.text[pos]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(b.text[pos:])
		}
		if !set.has(r) {
			break
		}
		pos += size
		took++
	}
	b.budget -= (pos - from) / 8
	return pos, took
}
