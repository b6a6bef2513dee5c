package pyre

import "slices"

type kind uint8

const (
	kSet     kind = iota // one character of a set
	kCat                 // subs one after the other
	kAlt                 // one of subs, tried in order
	kRepeat              // subs[0] from min to max times
	kGroup               // subs[0], captured as group when that is above zero
	kAtomic              // subs[0], not re-entered
	kLook                // subs[0] holds here (or before here, or not)
	kBackref             // the text of a group
	kCond                // subs[0] when the group took part, else subs[1]
	kAssert              // an assertion about the place
	kNothing             // never matches
)

type greed uint8

const (
	greedy greed = iota
	lazy
	possessive
)

// place is an assertion that consumes nothing.
type place uint8

const (
	textStart  place = iota
	lineStart        // the start, or after a newline
	textEnd          // the very end
	dollar           // the end, or before a newline that ends the text
	lineEnd          // the end, or before a newline
	boundary         // Python's \b
	noBoundary       // Python's \B: not in an empty text
	boundaryASCII
	noBoundaryASCII
	noBoundaryRE2 // RE2's \B: ASCII, and true in an empty text
)

const unlimited = -1

// node is a parsed pattern. The parser's own marks (items, flags) are folded into set before anything else looks at it.
type node struct {
	kind  kind
	subs  []*node
	set   runeSet
	items []item // kSet as the parser saw it
	not   bool   // kSet: all but the items; kLook: must not hold
	flags flags  // of the place where it was written

	min, max int // kRepeat; max may be unlimited
	greed    greed
	group    int
	behind   bool
	width    int // kLook behind: characters to go back
	place    place

	fromDollar bool // "$" as written, whatever the flags
}

// item is a member of a set: a category, or the characters lo … hi.
type item struct {
	category byte // one of dDsSwW, or 0
	lo, hi   rune
	written  bool // as a range, be it of one character: folding above U+FFFF tells them apart
}

func (it item) letter() bool { return it.category == 0 && it.lo == it.hi && !it.written }

func (n *node) simple() bool { return n.kind == kSet || n.kind == kAssert }

// same compares what Python compares when it looks for a common start of branches.
func (n *node) same(m *node) bool {
	return n.kind == m.kind && n.simple() && n.flags == m.flags && n.not == m.not && n.place == m.place && slices.Equal(n.items, m.items)
}

func cat(subs ...*node) *node {
	if len(subs) == 1 {
		return subs[0]
	}
	return &node{kind: kCat, subs: subs}
}

// any visits n and everything in it until f says true.
func (n *node) any(f func(*node) bool) bool {
	return f(n) || slices.ContainsFunc(n.subs, func(s *node) bool { return s.any(f) })
}

// regular reports whether n describes a regular language, which an automaton can search.
func (n *node) regular() bool {
	return !n.any(func(n *node) bool {
		switch n.kind {
		case kAtomic, kLook, kBackref, kCond:
			return true
		}
		return n.kind == kRepeat && n.greed == possessive
	})
}

// loosened is a regular pattern that matches wherever n does, and maybe elsewhere.
func (n *node) loosened() *node {
	switch n.kind {
	case kLook:
		return cat()
	case kBackref:
		return &node{kind: kRepeat, max: unlimited, subs: []*node{{kind: kSet, set: everything}}}
	case kSet, kAssert, kNothing:
		return n
	}
	m := *n
	m.subs = make([]*node, len(n.subs))
	for i, s := range n.subs {
		m.subs[i] = s.loosened()
	}
	switch m.kind {
	case kAtomic:
		m.kind = kGroup
	case kCond:
		m.kind = kAlt
	}
	m.greed = greedy
	return &m
}
