package pyre

import "errors"

// errTooLarge says that a pattern has more steps than the engine at hand allows.
var errTooLarge = errors.New("it is too large; use smaller numbers of repetitions")

// maxSteps bounds a program, and so the memory of a pattern.
const maxSteps = 100_000

type stepKind uint8

const (
	sSet     stepKind = iota // consume one character of classes, go to x
	sSplit                   // go to x and to y
	sPlace                   // go to x when the place holds
	sMatch                   // done
	sNowhere                 // never goes on
)

type step struct {
	kind    stepKind
	place   place
	classes []bool
	x, y    int32
}

// program is a regular pattern as a graph that an automaton walks. Order and captures are gone: only "is there a match" is asked.
type program struct {
	steps    []step
	start    int32
	alphabet *alphabet
	bits     map[*node][]bool
}

func newProgram(root *node) (*program, error) {
	p := &program{bits: map[*node][]bool{}}
	var nodes []*node
	var sets []runeSet
	boundaries := false
	root.any(func(n *node) bool {
		if n.kind == kSet {
			nodes, sets = append(nodes, n), append(sets, n.set)
		}
		boundaries = boundaries || n.kind == kAssert && n.place >= boundary
		return false
	})
	p.alphabet = newAlphabet(sets, boundaries)
	if p.alphabet.size() >= 0x8000 {
		return nil, errTooLarge
	}
	for _, n := range nodes {
		p.bits[n] = p.alphabet.bits(n.set)
	}
	start, err := p.compile(root, p.add(step{kind: sMatch}))
	p.start, p.bits = start, nil
	return p, err
}

func (p *program) add(s step) int32 {
	p.steps = append(p.steps, s)
	return int32(len(p.steps) - 1)
}

// compile adds the steps of n that go on to next, and says where they begin.
func (p *program) compile(n *node, next int32) (at int32, err error) {
	if len(p.steps) > maxSteps {
		return 0, errTooLarge
	}
	switch n.kind {
	case kSet:
		return p.add(step{kind: sSet, classes: p.bits[n], x: next}), nil
	case kAssert:
		return p.add(step{kind: sPlace, place: n.place, x: next}), nil
	case kNothing:
		return p.add(step{kind: sNowhere}), nil
	case kAlt:
		return p.either(n.subs, next)
	case kRepeat:
		return p.repeated(n, next)
	}
	for i := len(n.subs) - 1; i >= 0 && err == nil; i-- {
		next, err = p.compile(n.subs[i], next)
	}
	return next, err
}

func (p *program) either(subs []*node, next int32) (int32, error) {
	at, err := p.compile(subs[len(subs)-1], next)
	for i := len(subs) - 2; i >= 0 && err == nil; i-- {
		var x int32
		x, err = p.compile(subs[i], next)
		at = p.add(step{kind: sSplit, x: x, y: at})
	}
	return at, err
}

func (p *program) repeated(n *node, next int32) (at int32, err error) {
	sub := n.subs[0]
	if n.max == unlimited {
		loop := p.add(step{kind: sSplit, y: next})
		body, err := p.compile(sub, loop)
		if err != nil {
			return 0, err
		}
		p.steps[loop].x = body
		next = loop
	}
	done := next
	for i := n.min; i < n.max && err == nil; i++ {
		var body int32
		body, err = p.compile(sub, next)
		next = p.add(step{kind: sSplit, x: body, y: done})
	}
	for i := 0; i < n.min && err == nil; i++ {
		next, err = p.compile(sub, next)
	}
	return next, err
}
