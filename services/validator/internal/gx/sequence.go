package gx

import (
	"errors"
	"fmt"
	"math"
)

func valuesIncreasing(b *builder) error { return inOrder(b, 1) }
func valuesDecreasing(b *builder) error { return inOrder(b, -1) }

// sequence checks that each value follows the one before it in order.
type sequence struct {
	rowPart
	check       *sequenceCheck
	First, Last any // of the considered rows
	FirstRow    int64
	FirstKeys   []any
	FirstAll    []any
}

type sequenceCheck struct {
	rowCheck
	sign    int
	strict  bool
	gaps    bool
	wrapped bool // differences of unsigned integers and of booleans, which are never negative
}

func (c *sequenceCheck) start() part {
	return &sequence{rowPart: rowPart{check: &c.rowCheck}, check: c}
}

func inOrder(b *builder, sign int) error {
	c, err := b.column("column")
	if err != nil {
		return err
	}
	class := b.class(c)
	switch class {
	case isText:
		return errors.New("operation 'sub' not supported for dtype 'str' with dtype 'str'")
	case isCategory:
		return pythonError("Categorical has no 'diff' method. Convert to a suitable dtype prior to calling 'diff'.")
	case isObject:
		return fmt.Errorf("the order of values of the type %s is not supported", b.plan.schema.Fields[c].Type)
	}
	make := func(gaps bool) error {
		s := &sequenceCheck{sign: sign, strict: b.flag("strictly"), gaps: gaps, wrapped: !gaps && (class == isUint || class == isBool)}
		s.columns, s.counts = []int{c}, "column"
		if err := b.rows(&s.rowCheck); err != nil {
			return err
		}
		b.plan.starters[b.item.part] = s
		return nil
	}
	return b.variants(c, class == isUint || class == isBool, make)
}

// variants registers a check twice where its verdict depends on whether any row of the column has no value, and tells
// the right one at the end.
func (b *builder) variants(c int, differ bool, register func(gaps bool) error) error {
	if err := register(false); err != nil {
		return err
	}
	if !differ || !b.plan.schema.Fields[c].Nullable {
		return nil
	}
	whole := b.item.part
	b.quiet = true
	if err := register(true); err != nil {
		return err
	}
	b.quiet = false
	gapped := b.item.part
	b.item.part = whole
	b.item.finish = func(p part, e *ending) outcome {
		if e.state.gaps[c] {
			p = e.state.parts[gapped]
		}
		return p.(finisher).finish(e)
	}
	return nil
}

func (s *sequence) add(p *pass) (mask, error) {
	v := p.view(s.check.columns[0])
	rows := s.check.considered(p)
	s.Elements += int64(p.keptN[s.check.condition])
	s.Considered += int64(rows.count(p.n))
	if rows == nil && !s.check.wrapped && p.n > 0 {
		if bad, some, ok := v.plainSteps(s.check.sign, s.check.strict); ok {
			s.addPlain(p, v, bad, some)
			return nil, nil
		}
	}
	bad := make(mask, words(p.n))
	rows.each(p.n, func(i int) bool {
		c := v.cell(i)
		if s.First == nil {
			s.First, s.FirstRow = c, p.first+int64(i)
			s.FirstKeys = cells(p, i, s.check.columns, s.check.index)
			s.FirstAll = cells(p, i, every(len(p.views)))
		} else if !s.check.follows(s.Last, c) {
			bad.set(i)
		}
		s.Last = c
		return true
	})
	if bad.count(p.n) > 0 {
		s.note(p, bad)
	}
	return nil, nil
}

// addPlain takes a batch whose rows were compared with each other; the first is still to be compared with the last before.
func (s *sequence) addPlain(p *pass, v *view, bad mask, some bool) {
	first := v.cell(0)
	if s.First == nil {
		s.First, s.FirstRow = first, p.first
		s.FirstKeys = cells(p, 0, s.check.columns, s.check.index)
		s.FirstAll = cells(p, 0, every(len(p.views)))
	} else if !s.check.follows(s.Last, first) {
		bad.set(0)
		some = true
	}
	s.Last = v.cell(p.n - 1)
	if some {
		s.note(p, bad)
	}
}

// follows says whether b may come after a.
func (c *sequenceCheck) follows(a, b any) bool {
	d, ok := compareCells(b, a)
	if c.wrapped {
		d = abs(d)
	}
	if x, isNumber := numberOf(a); isNumber && math.IsInf(x, 0) {
		if y, _ := numberOf(b); x == y { // their difference is NaN, which passes
			return true
		}
	}
	return !ok || d*c.sign > 0 || d == 0 && !c.strict
}

func abs(n int) int { return max(n, -n) }

func (s *sequence) merge(next part, shift int64) error {
	o := next.(*sequence)
	if s.First == nil {
		s.First, s.FirstRow, s.FirstKeys, s.FirstAll = o.First, o.FirstRow+shift, o.FirstKeys, o.FirstAll
	} else if o.First != nil && !s.check.follows(s.Last, o.First) {
		seam := rowPart{check: &s.check.rowCheck, Unexpected: 1, Values: [][]any{{o.First}}, Indexes: []int64{o.FirstRow}}
		if len(s.check.index) > 0 {
			seam.Keys = [][]any{o.FirstKeys}
		}
		if s.check.format.IncludeRows {
			seam.Rows = [][]any{o.FirstAll}
		}
		if err := s.rowPart.merge(&seam, shift); err != nil {
			return err
		}
	}
	if o.Last != nil {
		s.Last = o.Last
	}
	return s.rowPart.merge(&o.rowPart, shift)
}
