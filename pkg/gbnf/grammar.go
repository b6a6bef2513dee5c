package gbnf

import (
	"sync"
	"sync/atomic"
)

// Grammar is a compiled grammar with what was learnt of its configurations.
type Grammar struct {
	elems    []elem
	rules    []rule
	root     int32
	nullable []bool
	order    []int32 // of rules: by what can begin what

	classOf [256]uint8 // bytes that no set tells apart share a class
	classes int
	member  [][4]uint64 // by set: its classes

	tab atomic.Pointer[table]
	mu  sync.Mutex // one configuration is worked out at a time
	scratch

	walking sync.Mutex // one search for allowed tokens at a time; taken before mu
	walks   uint64
}

// State is a place in a match: what was read so far. It is a small immutable value; copies are free. The zero State is dead.
type State struct {
	g *Grammar
	c *config
}

// Start returns the state before anything was read.
func (g *Grammar) Start() State { return State{g, g.tab.Load().first} }

// Alive tells that what was read so far can be the beginning of a match.
func (s State) Alive() bool { return s.c != nil }

// CanEnd tells that what was read so far is a whole match.
func (s State) CanEnd() bool { return s.c != nil && s.c.accept }

// CanGoOn tells that some byte may follow.
func (s State) CanGoOn() bool { return s.c != nil && len(s.c.items) > 0 }

// Accept reads one byte; the result is dead where the byte cannot stand there.
func (s State) Accept(b byte) State {
	if s.c == nil {
		return State{}
	}
	return State{s.g, s.g.step(s.g.live(s.c), b)}
}

// AcceptBytes reads bytes, of which the last may be the beginning of a character.
func (s State) AcceptBytes(p []byte) State {
	if s.c == nil {
		return State{}
	}
	c := s.g.live(s.c)
	for i := 0; i < len(p) && c != nil; i++ {
		c = s.g.step(c, p[i])
	}
	return State{s.g, c}
}

// AcceptRune reads one character.
func (s State) AcceptRune(r rune) State { return s.AcceptBytes([]byte(string(r))) }

// Match tells whether the whole text matches.
func (g *Grammar) Match(text string) bool { return g.Start().AcceptBytes([]byte(text)).CanEnd() }

// alphabet sorts bytes into classes that no set tells apart.
func (g *Grammar) alphabet(sets []set) {
	byKey := map[string]int{}
	key := make([]byte, (len(sets)+7)/8)
	var rep []byte
	for b := range 256 {
		clear(key)
		for i := range sets {
			if sets[i].has(byte(b)) {
				key[i/8] |= 1 << (i % 8)
			}
		}
		c, ok := byKey[string(key)]
		if !ok {
			c = len(byKey)
			byKey[string(key)] = c
			rep = append(rep, byte(b))
		}
		g.classOf[b] = uint8(c)
	}
	g.classes = len(rep)
	g.member = make([][4]uint64, len(sets))
	for i := range sets {
		for c, b := range rep {
			if sets[i].has(b) {
				g.member[i][c>>6] |= 1 << (c & 63)
			}
		}
	}
}
