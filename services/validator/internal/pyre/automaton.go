package pyre

import (
	"unicode/utf8"
	"unsafe"
)

// States are offsets into the table of an automaton; below them are three marks.
const (
	unknown int32 = 0 // not worked out yet
	dead    int32 = 1 // no match can come
	found   int32 = 2 // a match has ended here
)

// cacheBytes bounds what an automaton remembers. When it is full it starts over: slower, never wrong, never larger.
const cacheBytes = 4 << 20

// automaton searches texts for a program by a deterministic automaton that is built as texts need it (after Thompson 1968 and the
// lazy construction of RE2), over classes of characters: one look-up a character. It is not safe for concurrent use.
type automaton struct {
	p        *program
	g        *gatherer
	stride   int32
	table    []int32
	threads  [][]thread // of each state
	atEnd    []bool     // the state matches where the text ends
	numbers  map[string]int32
	used     int
	anchored bool // a match begins only at the start of a text
	first    int32
	idle     [4]int32 // states in which no match has begun, by the sort of the character before
	lastIdle int32    // the highest of them, and at least found
	idles    bool     // there are such states
	skip     skipper
	starts   int // how often it has started over
	begun    int // starts when the lanes last walked
	version  int // changes whenever the table does
	byBytes  wide
	special  int32 // marks and, when skipping pays, idle states are at most this
}

func newAutomaton(p *program) *automaton {
	a := &automaton{p: p, g: newGatherer(p), stride: int32(max(4, p.alphabet.size())), anchored: true}
	for _, before := range []sort8{asciiWord, otherWord, newline, other} {
		a.g.reset()
		a.g.reach(threadAt(p.start, free), before)
		if len(a.g.threads) > 0 {
			a.anchored = false
		}
	}
	a.startOver()
	return a
}

// startOver forgets all states but those in which a search begins.
func (a *automaton) startOver() {
	a.starts++
	a.version++
	a.table = make([]int32, a.stride)
	a.threads, a.atEnd, a.used = make([][]thread, 1), make([]bool, 1), 0
	a.numbers = map[string]int32{}
	a.special = found
	starts := a.skip.bytes == nil && !a.anchored
	var begins []bool
	if starts {
		begins = make([]bool, a.p.alphabet.size())
	}
	useful := true
	a.lastIdle, a.idles = found, true
	for i, before := range []sort8{asciiWord, otherWord, newline, other} {
		a.g.reset()
		a.idle[i] = a.enter(before)
		a.lastIdle, a.idles = max(a.lastIdle, a.idle[i]), a.idles && a.idle[i] > found
		useful = useful && a.idle[i] > found && !a.anchored
		if starts && useful {
			useful = a.begin(a.idle[i], begins)
		}
	}
	if starts {
		a.skip = newSkipper(a.p.alphabet.firstBytes(begins), useful)
	}
	if useful && a.skip.pays {
		for _, s := range a.idle {
			a.special = max(a.special, s)
		}
	}
	a.g.reset()
	a.first = a.firstState()
}

// begin adds the classes by which a state is left, and reports false when it may match without a character.
func (a *automaton) begin(state int32, classes []bool) bool {
	for _, t := range a.threads[state/a.stride] {
		s := &a.p.steps[t.at()]
		if s.kind == sMatch {
			return false
		}
		for c, in := range s.classes {
			if in && a.p.alphabet.sorts[c]&sort8(t) != 0 {
				classes[c] = true
			}
		}
	}
	return true
}

func (a *automaton) firstState() int32 {
	a.g.reach(threadAt(a.p.start, free), end)
	return a.state()
}

// enter adds a beginning of a match at this place to what is gathered, and makes a state of it.
func (a *automaton) enter(before sort8) int32 {
	if !a.anchored {
		a.g.reach(threadAt(a.p.start, free), before)
	}
	return a.state()
}

// state is the number of the gathered threads, new or known.
func (a *automaton) state() int32 {
	if a.g.matched {
		return found
	}
	threads := a.g.sorted()
	if len(threads) == 0 && a.anchored {
		return dead
	}
	key := keyOf(threads)
	if s, ok := a.numbers[key]; ok {
		return s
	}
	s := int32(len(a.table))
	a.numbers[key] = s
	a.table = append(a.table, make([]int32, a.stride)...)
	a.threads = append(a.threads, append([]thread(nil), threads...))
	accepts := false
	for _, t := range threads {
		accepts = accepts || a.p.steps[t.at()].kind == sMatch && sort8(t)&end != 0
	}
	a.atEnd = append(a.atEnd, accepts)
	a.used += int(a.stride)*4 + 2*8*len(threads) + 100
	return s
}

func keyOf(threads []thread) string {
	if len(threads) == 0 {
		return ""
	}
	return string(unsafe.Slice((*byte)(unsafe.Pointer(&threads[0])), 8*len(threads)))
}

// work finds out where a state goes by a class. The state itself may get another number; it is not used afterwards.
func (a *automaton) work(state int32, class uint16) int32 {
	a.version++
	if a.used > cacheBytes {
		kept := a.threads[state/a.stride]
		a.startOver()
		a.g.reset()
		a.g.threads = append(a.g.threads, kept...)
		state = a.state()
	}
	a.g.reset()
	a.g.advance(a.threads[state/a.stride], class)
	to := found
	if !a.g.matched {
		to = a.enter(a.p.alphabet.sorts[class])
	}
	a.table[state+int32(class)] = to
	return to
}

// search reports whether the text holds a match.
func (a *automaton) search(text []byte) bool { return a.walk(text, 0, a.first) }

// walk is search from a place on, in the state that the text before it leads to.
func (a *automaton) walk(text []byte, i int, s int32) bool {
	match, _ := a.run(text, i, s, len(text)+1)
	return match
}

// near reports whether a text holds a match that begins from a place on and before another, or at least some match. Where it holds none, at is a place before which none
// begins; it is not before to.
func (a *automaton) near(text []byte, from, to int) (match bool, at int) {
	s := a.first
	if from > 0 {
		s = a.idleAfter(text[:from])
	}
	return a.run(text, from, s, to)
}

// run goes through a text from a place on, in the state that the text before it leads to, until it knows of a match, or has nothing under way at to or behind it.
func (a *automaton) run(text []byte, i int, s int32, to int) (match bool, at int) {
	if s <= found {
		return s == found, len(text)
	}
	ascii, table, special := &a.p.alphabet.ascii, a.table, a.stops(to <= len(text))
	for i < len(text) {
		var class int32
		if b := text[i]; b < utf8.RuneSelf {
			class = int32(ascii[b])
			i++
		} else {
			r, n := utf8.DecodeRune(text[i:])
			class = int32(a.p.alphabet.of(r))
			i += n
		}
		next := table[s+class]
		if next > special {
			s = next
			continue
		}
		if next == unknown {
			next = a.work(s, uint16(class)) //nolint:gosec // it is one of the alphabet's
			table, special = a.table, a.stops(to <= len(text))
		}
		if next <= found {
			return next == found, len(text)
		}
		if s = next; s > special {
			continue
		}
		if i >= to {
			return false, i
		}
		if a.skip.pays {
			if at := a.skip.next(text, i); at > i {
				if i, s = at, a.idleAfter(text[:at]); i >= to {
					return false, min(i, len(text))
				}
			}
		}
	}
	return a.atEnd[s/a.stride], len(text)
}

// stops is the highest of the states that need a look: marks, and idle ones where skipping pays or the walk may end in them.
func (a *automaton) stops(ends bool) int32 {
	if ends {
		return a.lastIdle
	}
	return a.special
}

// idleAfter is the idle state behind a text.
func (a *automaton) idleAfter(text []byte) int32 {
	if a.idle[0] == a.idle[3] && a.idle[0] == a.idle[2] && a.idle[0] == a.idle[1] {
		return a.idle[0]
	}
	var class uint16
	if b := text[len(text)-1]; b < utf8.RuneSelf {
		class = a.p.alphabet.ascii[b]
	} else {
		r, _ := utf8.DecodeLastRune(text)
		class = a.p.alphabet.of(r)
	}
	switch a.p.alphabet.sorts[class] {
	case asciiWord:
		return a.idle[0]
	case otherWord:
		return a.idle[1]
	case newline:
		return a.idle[2]
	}
	return a.idle[3]
}
