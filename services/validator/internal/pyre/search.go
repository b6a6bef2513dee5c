package pyre

import (
	"bytes"
	"fmt"
	"sync"
)

// Regexp is a compiled pattern. It may be used from several goroutines at once.
type Regexp struct {
	pattern string
	lit     []byte // every match holds it
	root    *node
	fixed   *fixed // nil: it is none
	tail    *tail  // nil: it is none
	exact   bool   // the program says all; else it says where a match may be
	program *program
	moves   *moves // nil when exact

	mu   sync.Mutex
	idle []*engine
}

// engine is what one search at a time needs; what it has learnt is kept for the next.
type engine struct {
	auto *automaton // nil: the pattern is too large for one
	back *matcher
}

// Compile reads a pattern of Python's re (3.11, for str). What re refuses is a *SyntaxError; so is a pattern whose program would be
// too large to hold.
func Compile(pattern string) (*Regexp, error) {
	root, p, err := parse(pattern)
	if err != nil {
		return nil, err
	}
	return assemble(pattern, root, len(p.widths))
}

func assemble(pattern string, root *node, groups int) (*Regexp, error) {
	r := &Regexp{pattern: pattern, root: root, fixed: fixedOf(root), exact: root.regular(), lit: []byte(required(root))}
	if r.exact {
		r.tail = tailOf(root)
	}
	if r.tail != nil {
		r.lit = nil // it would be looked for in the whole text, of which the pattern asks for the end
	}
	var err error
	r.program, err = newProgram(root.loosened())
	if err != nil {
		r.program, r.exact = nil, false
	}
	if !r.exact {
		if r.moves, err = newMoves(root, groups); err != nil {
			return nil, &SyntaxError{Pattern: pattern, Reason: err.Error()}
		}
	}
	return r, nil
}

// String is the pattern as it was given.
func (r *Regexp) String() string { return r.pattern }

func (r *Regexp) borrow() *engine {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.idle); n > 0 {
		e := r.idle[n-1]
		r.idle = r.idle[:n-1]
		return e
	}
	e := &engine{}
	if r.program != nil {
		e.auto = newAutomaton(r.program)
	}
	if r.moves != nil {
		e.back = newMatcher(r.moves)
	}
	return e
}

func (r *Regexp) giveBack(e *engine) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.idle = append(r.idle, e)
}

// Search reports whether the text holds a match, as re.search does. The only error is that of a pattern with look-around, references or
// possessive repeats that would take more steps than allowed; it names the pattern.
func (r *Regexp) Search(text []byte) (bool, error) {
	if len(r.lit) > 0 && !bytes.Contains(text, r.lit) {
		return false, nil
	}
	e := r.borrow()
	defer r.giveBack(e)
	return e.search(r, text)
}

func (e *engine) search(r *Regexp, text []byte) (bool, error) {
	if r.fixed != nil {
		if match, known := r.fixed.search(text); known {
			return match, nil
		}
	}
	if r.tail != nil {
		if match, known := r.tail.search(text); known {
			return match, nil
		}
	}
	if e.auto != nil {
		if ok := e.auto.search(text); !ok || r.exact {
			return ok, nil
		}
	}
	e.back.budget, e.back.err = moveBudget+moveBudgetPerByte*len(text), nil
	for i := e.candidate(text, 0); i <= len(text); i = e.candidate(text, i+1) {
		if e.back.match(text, i) {
			return true, nil
		}
		if e.back.err != nil {
			return false, fmt.Errorf("regular expression %q: %w", r.pattern, e.back.err)
		}
		if e.auto != nil && e.auto.anchored {
			break
		}
	}
	return false, nil
}

// candidate is the first place from i on where a match may begin: the beginning of a character, or the end.
func (e *engine) candidate(text []byte, i int) int {
	if i == 0 {
		return 0 // the skipper knows places behind a character
	}
	for i < len(text) && text[i]&0xC0 == 0x80 {
		i++
	}
	if e.auto != nil && e.auto.skip.pays && i < len(text) {
		return e.auto.skip.next(text, i)
	}
	return i
}
