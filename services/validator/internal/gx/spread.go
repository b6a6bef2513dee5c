package gx

import (
	"errors"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/outliers"
	"github.com/leathq/leat/services/validator/internal/presence"
	"github.com/leathq/leat/services/validator/internal/quantile"
	"github.com/leathq/leat/services/validator/internal/sums"
)

// spread keeps the values of a column by row, since whether one stands out is known only once all were seen.
type spread struct {
	check  *spreadCheck
	counts rowPart
	sums   *sums.State
	ranks  *quantile.State
	column *outliers.Column
	gaps   bool // known at the end: the column has nulls, in rows that are not considered too
	extra  extras
}

// spreadCheck judges values by statistics of all of them; judge gives what tells a value that fails.
type spreadCheck struct {
	rowCheck
	field  arrowio.Field
	totals totals
	ranks  ranks
	bytes  Options
	bound  extras
	judge  func(s *spread) (func(f float64) bool, error)
}

func (c *spreadCheck) start() part {
	return &spread{check: c, counts: rowPart{check: &c.rowCheck}, sums: sums.New(c.totals.kind), extra: c.bound.empty(),
		ranks:  quantile.New(c.ranks.kind, quantile.Options{Bytes: c.bytes.Bytes, Space: c.bytes.Space}),
		column: outliers.NewColumn(c.bytes.Bytes, c.bytes.Space)}
}

func (b *builder) spread(c int, judge func(s *spread) (func(f float64) bool, error)) error {
	s := &spreadCheck{field: b.plan.schema.Fields[c], totals: *b.totalsOf(c), ranks: *b.ranksOf(c), bytes: b.plan.options, bound: b.extras(), judge: judge}
	s.columns, s.counts = []int{c}, "column"
	if err := b.rows(&s.rowCheck); err != nil {
		return err
	}
	b.plan.starters[b.item.part] = s
	return nil
}

// Close implements io.Closer.
func (s *spread) Close() error { return errors.Join(s.ranks.Close(), s.column.Close()) }

func (s *spread) add(p *pass) (mask, error) {
	r := &s.check.rowCheck
	rows := r.considered(p)
	s.counts.Elements += int64(p.keptN[r.elements])
	s.counts.Considered += int64(rows.count(p.n))
	v := p.view(r.columns[0])
	if len(r.index) > 0 || r.format.IncludeRows {
		rows.each(p.n, func(i int) bool {
			s.extra.put(p, i, r)
			return true
		})
	}
	if err := s.keep(v, presence.Mask{Bits: rows.bytes()}); err != nil {
		return nil, err
	}
	one, err := p.batch.Select(r.columns[0]).Filter(rows.bitmap(p.n))
	if err != nil {
		return nil, err
	}
	if err := addNumbers(s.sums, one.Column(0)); err != nil {
		return nil, err
	}
	return nil, addRanks(s.ranks, one.Column(0))
}

// keep adds the column's values: integers as they are, all others as floats.
func (s *spread) keep(v *view, there presence.Mask) error {
	switch c := v.column; c.Kind() {
	case arrowio.Int8:
		return outliers.AddInts(s.column, c.Int8s(), there)
	case arrowio.Int16:
		return outliers.AddInts(s.column, c.Int16s(), there)
	case arrowio.Int32:
		return outliers.AddInts(s.column, c.Int32s(), there)
	case arrowio.Int64, arrowio.Timestamp, arrowio.Date64:
		return outliers.AddInts(s.column, c.Int64s(), there)
	case arrowio.Uint8:
		return outliers.AddInts(s.column, c.Uint8s(), there)
	case arrowio.Uint16:
		return outliers.AddInts(s.column, c.Uint16s(), there)
	case arrowio.Uint32:
		return outliers.AddInts(s.column, c.Uint32s(), there)
	case arrowio.Uint64:
		return outliers.AddInts(s.column, c.Uint64s(), there)
	}
	return outliers.AddFloats(s.column, v.numbers(), there)
}

func (s *spread) merge(next part, shift int64) error {
	o := next.(*spread)
	s.counts.Elements += o.counts.Elements
	s.counts.Considered += o.counts.Considered
	s.extra.merge(o.extra, shift)
	if err := s.column.Merge(o.column); err != nil {
		return err
	}
	if err := s.ranks.Merge(o.ranks); err != nil {
		return err
	}
	return s.sums.Merge(o.sums)
}
