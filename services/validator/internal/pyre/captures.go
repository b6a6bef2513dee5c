package pyre

import "sync"

// Captures is a pattern that is matched from the start of a text, with the places of its groups, as re.match does. It backtracks:
// it is for short texts. It may be used from several goroutines at once.
type Captures struct {
	moves *moves
	names map[string]int
	pool  sync.Pool
}

// CompileCaptures reads a pattern of Python's re.
func CompileCaptures(pattern string) (*Captures, error) {
	root, p, err := parse(pattern)
	if err != nil {
		return nil, err
	}
	c := &Captures{names: p.names}
	c.moves, err = newMoves(root, len(p.widths))
	if err != nil {
		return nil, &SyntaxError{Pattern: pattern, Reason: err.Error()}
	}
	c.pool.New = func() any { return newMatcher(c.moves) }
	return c, nil
}

// Group is the number of a named group, or 0.
func (c *Captures) Group(name string) int { return c.names[name] }

// Match matches from the start of the text and says where the match ends. The bytes of group n go to spans[2n] … spans[2n+1], or -1; spans
// may be shorter than there are groups.
func (c *Captures) Match(text []byte, spans []int) (end int, ok bool) {
	m := c.pool.Get().(*matcher)
	defer c.pool.Put(m)
	m.budget, m.err = moveBudget, nil
	for i := range m.slots {
		m.slots[i] = -1
	}
	m.text, m.choices, m.trail = text, m.choices[:0], m.trail[:0]
	end, ok = m.run(m.m.start, 0)
	copy(spans, m.slots)
	return end, ok && m.err == nil
}
