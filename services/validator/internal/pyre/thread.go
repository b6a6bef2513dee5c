package pyre

import "slices"

// A thread is a step that a search has reached, with what it still asks of the text: bits 0–4 are the sorts that the next
// character may have, bit 5 says that a newline, if it comes, must be the last character. Looking ahead thus needs no looking ahead.
type thread uint64

const (
	lastLine thread = 1 << 5
	free            = thread(anySort)
)

func threadAt(at int32, wants thread) thread { return thread(at)<<6 | wants }

func (t thread) at() int32     { return int32(t >> 6) }
func (t thread) wants() thread { return t & 63 }

// narrowed is what a thread wants once it has passed a place; before is the sort of the character before. Zero: it does not pass.
func narrowed(pl place, wants thread, before sort8) thread {
	sorts := sort8(wants) & anySort
	switch pl {
	case textStart:
		if before != end {
			return 0
		}
		return wants
	case lineStart:
		if before != end && before != newline {
			return 0
		}
		return wants
	case textEnd:
		return thread(sorts & end)
	case lineEnd:
		sorts &= newline | end
	case dollar:
		wants |= lastLine
		sorts &= newline | end
	default:
		sorts = beyondWord(pl, sorts, before)
	}
	if sorts&newline == 0 {
		wants &^= lastLine
	}
	if sorts == 0 {
		return 0
	}
	return thread(sorts) | wants&lastLine
}

// beyondWord keeps the sorts that make a place a boundary of words, or none.
func beyondWord(pl place, sorts, before sort8) sort8 {
	words := asciiWord
	if pl == boundary || pl == noBoundary {
		words |= otherWord
	}
	if before == end && (pl == noBoundary || pl == noBoundaryASCII) {
		sorts &^= end // Python's \B is nowhere in an empty text
	}
	inWord := before&words != 0
	if pl == boundary || pl == boundaryASCII {
		inWord = !inWord
	}
	return beside(sorts, words, inWord)
}

// beside keeps the words, or all but the words.
func beside(sorts, words sort8, wanted bool) sort8 {
	if wanted {
		return sorts & words
	}
	return sorts &^ words
}

// gatherer collects the threads that a thread reaches without consuming a character.
type gatherer struct {
	p       *program
	seen    map[thread]struct{}
	freeAt  []uint32 // the round in which a step was last reached by a thread that wants nothing
	round   uint32
	stack   []thread
	threads []thread
	matched bool // a thread is through and wants nothing more
}

func newGatherer(p *program) *gatherer {
	return &gatherer{p: p, seen: map[thread]struct{}{}, freeAt: make([]uint32, len(p.steps))}
}

func (g *gatherer) reset() {
	g.round++
	clear(g.seen)
	g.threads, g.matched = g.threads[:0], false
}

func (g *gatherer) fresh(t thread) bool {
	if t.wants() == free {
		was := g.freeAt[t.at()]
		g.freeAt[t.at()] = g.round
		return was != g.round
	}
	_, was := g.seen[t]
	g.seen[t] = struct{}{}
	return !was
}

func (g *gatherer) reach(t thread, before sort8) {
	g.stack = append(g.stack[:0], t)
	for len(g.stack) > 0 {
		t := g.stack[len(g.stack)-1]
		g.stack = g.stack[:len(g.stack)-1]
		if !g.fresh(t) {
			continue
		}
		s := &g.p.steps[t.at()]
		switch s.kind {
		case sSplit:
			g.stack = append(g.stack, threadAt(s.y, t.wants()), threadAt(s.x, t.wants()))
		case sPlace:
			if w := narrowed(s.place, t.wants(), before); w != 0 {
				g.stack = append(g.stack, threadAt(s.x, w))
			}
		case sMatch:
			g.matched = g.matched || t.wants() == free
			g.threads = append(g.threads, t)
		case sSet:
			g.threads = append(g.threads, t)
		}
	}
}

// advance moves each thread over a character of a class.
func (g *gatherer) advance(from []thread, class uint16) {
	sort := g.p.alphabet.sorts[class]
	for _, t := range from {
		if sort8(t)&sort == 0 {
			continue
		}
		wants := free
		if t&lastLine != 0 {
			wants = thread(end)
		}
		s := &g.p.steps[t.at()]
		if s.kind == sMatch {
			g.reach(threadAt(t.at(), wants), sort)
		} else if s.classes[class] {
			g.reach(threadAt(s.x, wants), sort)
		}
	}
}

// sorted is the collected threads in an order that does not depend on how they were reached.
func (g *gatherer) sorted() []thread {
	slices.Sort(g.threads)
	return g.threads
}
