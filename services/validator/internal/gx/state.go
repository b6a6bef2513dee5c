package gx

import (
	"errors"
	"fmt"
	"io"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/distinct"
	"github.com/leathq/leat/services/validator/internal/pyre"
)

// State is what a plan knows of some rows in order, a part of the data. It is used by one goroutine; states of different
// parts are independent and merge in the order of the rows. The result does not depend on how rows were cut into batches
// or parts.
type State struct {
	plan   *Plan
	known  *arrowio.Schema // the last one that was seen to be the plan's
	rows   int64
	gaps   []bool // by column: some row has no value
	parts  []part
	sifted map[int]*pyre.Sifted // by column: what was found in the last batch, whose memory the next one's takes
}

// NewState returns the state of no rows.
func (p *Plan) NewState() *State {
	s := &State{plan: p, gaps: make([]bool, len(p.schema.Fields)), sifted: map[int]*pyre.Sifted{}}
	for _, st := range p.starters {
		s.parts = append(s.parts, st.start())
	}
	return s
}

// totaller is a part that can take less memory where it need not be merged into another.
type totaller interface{ total() }

// ErrOutgrown is what ends a state of NewTotal that would take more memory than it may: the rows must be added to one of
// NewState, which can go to scratch space.
var ErrOutgrown = distinct.ErrOutgrown

// NewTotal returns the state of no rows that becomes that of all rows: others are merged into it, and it can be merged into no
// other and not be encoded. Of long texts that must be unique it keeps digests (see distinct.Options), so it takes a small part of their
// memory.
func (p *Plan) NewTotal() *State {
	s := p.NewState()
	for _, x := range s.parts {
		if t, ok := x.(totaller); ok {
			t.total()
		}
	}
	return s
}

// Rows says which rows of a batch fail which expectations.
type Rows struct {
	Failed []Failed
}

// Any is the rows that fail at least one expectation; nil where none does. r may be nil.
func (r *Rows) Any() *arrowio.Bitmap {
	if r == nil || len(r.Failed) == 0 {
		return nil
	}
	all := arrowio.NewBitmap(r.Failed[0].Rows.Len)
	for _, f := range r.Failed { // all of them begin at bit 0, as mask.bitmap makes them
		for i, b := range f.Rows.Bits {
			all.Bits[i] |= b
		}
	}
	return all
}

// Failed is the rows that fail one expectation; Ordinal is its place in the suite, from 0.
type Failed struct {
	Ordinal int
	Rows    *arrowio.Bitmap
}

// Len is how many rows have been added.
func (s *State) Len() int64 { return s.rows }

// Add takes the next rows. It returns which of them fail, nil where all pass; expectations whose verdict on a row depends
// on later rows (unique, outliers) or on earlier ones (increasing) are not in it. An error says that the batch is not of the plan's schema.
func (s *State) Add(b *arrowio.Batch) (*Rows, error) {
	if b.Schema() != s.known {
		if diff := s.plan.schema.Difference(b.Schema()); diff != "" {
			return nil, fmt.Errorf("the batch after row %d differs from the schema that the suite was compiled for: %s", s.rows, diff)
		}
		s.known = b.Schema()
	}
	p := newPass(b, s.rows)
	p.sieves, p.sifted = s.plan.sieves, s.sifted
	if err := p.choose(s.plan.conditions); err != nil {
		return nil, fmt.Errorf("in the rows from %d: %w", s.rows, err)
	}
	for i := range s.gaps {
		s.gaps[i] = s.gaps[i] || b.Column(i).Nulls() > 0
	}
	var out *Rows
	for _, it := range s.parts {
		failed, err := it.add(p)
		if err != nil {
			return nil, fmt.Errorf("in the rows from %d: %w", s.rows, err)
		}
		if r, ok := it.(*rowPart); ok && failed != nil && !r.check.quiet {
			if out == nil {
				out = &Rows{}
			}
			out.Failed = append(out.Failed, Failed{Ordinal: r.check.ordinal, Rows: failed.bitmap(p.n)})
		}
	}
	for i := range s.plan.sieves {
		if v := p.views[i]; v != nil && v.sifted != nil {
			v.sifted.Done()
			s.sifted[i] = v.sifted
		}
	}
	s.rows += int64(p.n)
	return out, nil
}

// Merge takes the state of the rows that follow those of s. next must come from the same plan; it is closed.
func (s *State) Merge(next *State) error {
	if len(next.parts) != len(s.parts) || len(next.gaps) != len(s.gaps) {
		return fmt.Errorf("the states are of different plans: %d and %d parts", len(s.parts), len(next.parts))
	}
	for i := range s.parts {
		if err := s.parts[i].merge(next.parts[i], s.rows); err != nil {
			return fmt.Errorf("merging states after row %d: %w", s.rows, err)
		}
	}
	for i, g := range next.gaps {
		s.gaps[i] = s.gaps[i] || g
	}
	s.rows += next.rows
	return next.Close()
}

// Close removes the scratch files of values that went above the bound on memory. The state cannot be used after that.
func (s *State) Close() error {
	var err error
	for _, p := range s.parts {
		if c, ok := p.(io.Closer); ok {
			err = errors.Join(err, c.Close())
		}
	}
	return err
}

// Source hands on all rows of a state, in order.
type Source func(each func(*arrowio.Batch) error) error

// ending is what is known once all rows were seen.
type ending struct {
	plan   *Plan
	state  *State
	source Source

	rows    Database // of all of them, once a query asked
	refused error    // why there is none
	err     error    // why there can be no result
}

// ofRows is a database of all rows, made once for all that ask.
func (e *ending) ofRows(k *sqlRows) (Database, error) {
	if e.rows == nil && e.refused == nil && e.err == nil {
		e.rows, e.refused, e.err = k.database(e)
	}
	return e.rows, errors.Join(e.refused, e.err)
}

func (e *ending) close() error {
	if e.rows == nil {
		return nil
	}
	return e.rows.Close()
}

func (e *ending) name(column int) string { return e.plan.schema.Fields[column].Name }

func (e *ending) class(column int) class { return classOf(e.plan.schema.Fields[column].Type) }

func (e *ending) dtype(column int) string {
	return dtype(e.plan.schema.Fields[column].Type, e.state.gaps[column])
}

// shown is a cell of a column as GX's JSON shows it.
func (e *ending) shown(column int, c any) any {
	if c == nil && e.class(column) == isStamp {
		return notATime
	}
	return shown(c, e.state.gaps[column])
}

// element is a cell as an element of the column's numpy array, which pairs are made of.
func (e *ending) element(column int, c any) any {
	if e.class(column) == isStamp {
		if c == nil {
			return "NaT"
		}
		return c.(stamp).numpy()
	}
	return e.shown(column, c)
}

// none says whether missing values of the column are one object in Python, which equals itself: None, NaT, and the NaN
// that columns of text share. Those of floats are NaNs of their own.
func (e *ending) none(column int) bool {
	c := e.class(column)
	return c == isDay || c == isNumber || c == isObject || c == isBool || c == isStamp || c == isText || c == isCategory
}
