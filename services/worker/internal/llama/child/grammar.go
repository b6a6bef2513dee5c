package child

import (
	"bytes"
	"container/list"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/leathq/leat/pkg/gbnf"
	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/llama/native"
)

const (
	// grammarsKept is how many compiled grammars are kept for requests to come.
	grammarsKept = 16
	// grammarPatience is how long one sequence may make the others wait while allowed tokens are searched for. A schema
	// needs a few ms for each place that it has not met; only grammars made to be ambiguous come near.
	grammarPatience = 10 * time.Second
)

// grammars compiles grammars and keeps the last ones, with what they learnt of the vocabulary. It is safe for concurrent use.
type grammars struct {
	index func() *gbnf.Vocab // the model's tokens, indexed when the first grammar needs them
	ends  []int32            // tokens that end the generation

	mu    sync.Mutex
	kept  map[string]*list.Element
	order *list.List // of *compiled, last used first
}

type compiled struct {
	text string
	once sync.Once
	g    *gbnf.Grammar
	err  error
}

func newGrammars(v *native.Vocab) *grammars {
	gs := &grammars{kept: map[string]*list.Element{}, order: list.New()}
	for id := range int32(v.Size()) {
		if v.EOG(id) {
			gs.ends = append(gs.ends, id)
		}
	}
	gs.index = sync.OnceValue(func() *gbnf.Vocab {
		pieces := make([][]byte, v.Size())
		for i := range pieces {
			if id := int32(i); !v.EOG(id) && !v.Control(id) {
				pieces[i] = v.Piece(id, false)
			}
		}
		return gbnf.NewVocab(pieces)
	})
	return gs
}

// compile returns a grammar, and does the work once for equal texts.
func (gs *grammars) compile(text string) (*gbnf.Grammar, error) {
	gs.mu.Lock()
	e := gs.kept[text]
	if e != nil {
		gs.order.MoveToFront(e)
	} else {
		e = gs.order.PushFront(&compiled{text: text})
		gs.kept[text] = e
		if gs.order.Len() > grammarsKept {
			delete(gs.kept, gs.order.Remove(gs.order.Back()).(*compiled).text)
		}
	}
	gs.mu.Unlock()
	c := e.Value.(*compiled)
	c.once.Do(func() { c.g, c.err = gbnf.Parse(c.text) })
	return c.g, c.err
}

// constraint holds one sequence to its grammar. It implements sample.Constraint and is rebuilt by accepting the tokens again.
type constraint struct {
	gs        *grammars
	v         *native.Vocab
	state     gbnf.State
	trigger   []byte // while it is waited for; nil: the grammar holds
	tail      []byte // the text's end, where the trigger may have begun
	ignoreEOS bool
	spent     time.Duration
}

// constrain reads a request's grammar; nil where it has none. The error is the client's.
func (gs *grammars) constrain(req *engine.Request, v *native.Vocab) (*constraint, error) {
	if req.Grammar == "" {
		return nil, nil
	}
	g, err := gs.compile(req.Grammar)
	if err != nil {
		return nil, refuse("invalid_grammar", "grammar", fmt.Sprintf("the grammar cannot be read: %s", err))
	}
	gs.index()
	c := &constraint{gs: gs, v: v, state: g.Start(), ignoreEOS: req.IgnoreEOS}
	if req.GrammarTrigger != "" {
		c.trigger = []byte(req.GrammarTrigger)
	}
	return c, nil
}

// piece is what a token adds to the text, nothing for control tokens.
func (c *constraint) piece(id int32) []byte {
	if c.v.Control(id) {
		return nil
	}
	return c.v.Piece(id, false)
}

// after returns the state behind a token, and the text's new end while the trigger is still waited for.
func (c *constraint) after(id int32) (s gbnf.State, tail []byte, waiting bool) {
	if c.trigger == nil {
		if p := c.piece(id); len(p) > 0 {
			return c.state.AcceptBytes(p), nil, false
		}
		return gbnf.State{}, nil, false
	}
	text := append(c.tail[:len(c.tail):len(c.tail)], c.piece(id)...)
	if i := bytes.Index(text, c.trigger); i >= 0 {
		return c.state.AcceptBytes(text[i:]), nil, false
	}
	return c.state, text[max(0, len(text)-len(c.trigger)+1):], true
}

// Allows tells whether a token may be picked: one that ends the generation where the grammar may end, or is still waited
// for; a control token never within the grammar.
func (c *constraint) Allows(id int32) bool {
	if c.v.EOG(id) {
		return c.trigger != nil || c.state.CanEnd() && !c.ignoreEOS
	}
	s, _, waiting := c.after(id)
	return waiting || s.Alive()
}

// Mask leaves the allowed tokens in the row.
func (c *constraint) Mask(row []float32) error {
	refused := float32(math.Inf(-1))
	if c.trigger != nil { // seldom: a token held the trigger's end and something that the grammar refuses
		left := false
		for id := range row {
			if c.Allows(int32(id)) {
				left = true
			} else {
				row[id] = refused
			}
		}
		return c.stuck(left)
	}
	start := time.Now()
	tokens, err := c.gs.index().Allowed(c.state)
	if c.spent += time.Since(start); err == nil && c.spent > grammarPatience {
		err = gbnf.ErrTooComplex
	}
	if err != nil {
		return refuse("grammar_too_complex", "grammar", err.Error()+": write it with fewer ways to read the same text")
	}
	ends := make([]float32, len(c.gs.ends))
	for i, id := range c.gs.ends {
		ends[i] = row[id]
	}
	left := false
	for i := range row {
		if tokens[i>>6]>>(i&63)&1 == 0 {
			row[i] = refused
		} else {
			left = true
		}
	}
	if c.state.CanEnd() && !c.ignoreEOS {
		for i, id := range c.gs.ends {
			row[id], left = ends[i], true
		}
	}
	return c.stuck(left)
}

func (c *constraint) stuck(left bool) error {
	if left {
		return nil
	}
	return refuse("grammar_stuck", "grammar", "no token of this model continues the answer as the grammar demands: the grammar leads to a "+
		"place that nothing can follow, or is too ambiguous there")
}

// accept books a token that was picked.
func (c *constraint) accept(id int32) {
	s, tail, waiting := c.after(id)
	c.state, c.tail = s, append(c.tail[:0:0], tail...)
	if !waiting {
		c.trigger = nil
	}
}

// complete tells that only the end is possible.
func (c *constraint) complete() bool {
	return c.trigger == nil && c.state.CanEnd() && !c.state.CanGoOn()
}
