package gx

import (
	"errors"
	"math"

	"github.com/leathq/leat/services/validator/internal/quantile"
	"github.com/leathq/leat/services/validator/internal/sums"
)

// spread keeps the values of a column with their rows, since whether one stands out is known only once all were seen.
// It holds 16 bytes a row.
type spread struct {
	check  *rowCheck
	judge  func(s *spread) (func(f float64) bool, error)
	counts rowPart
	sums   *sums.State
	ranks  *quantile.State
	Values []any
	Rows   []int64
	Extra  map[int64]extra
}

type spreadCheck struct {
	rowCheck
	kind  class
	judge func(s *spread) (func(f float64) bool, error)
}

func (c *spreadCheck) start() part {
	return &spread{check: &c.rowCheck, judge: c.judge, counts: rowPart{check: &c.rowCheck}, sums: sums.New(sumKinds[c.kind]),
		ranks: quantile.New(rankKinds[c.kind], quantile.Options{}), Extra: map[int64]extra{}}
}

func (b *builder) spread(c int, judge func(s *spread) (func(f float64) bool, error)) error {
	s := &spreadCheck{kind: b.class(c), judge: judge}
	s.columns, s.counts = []int{c}, "column"
	if err := b.rows(&s.rowCheck); err != nil {
		return err
	}
	b.plan.starters[b.item.part] = s
	return nil
}

func (s *spread) add(p *pass) (mask, error) {
	r := s.check
	rows := r.considered(p)
	s.counts.Elements += int64(p.keptN[r.condition])
	s.counts.Considered += int64(rows.count(p.n))
	v := p.view(r.columns[0])
	rows.each(p.n, func(i int) bool {
		row := p.first + int64(i)
		s.Values, s.Rows = append(s.Values, v.cell(i)), append(s.Rows, row)
		if len(r.index) > 0 || r.format.IncludeRows {
			s.Extra[row] = extra{cells(p, i, r.columns, r.index), cells(p, i, every(len(p.views)))}
		}
		return true
	})
	one, err := p.batch.Select(r.columns[0]).Filter(rows.bitmap(p.n))
	if err != nil {
		return nil, err
	}
	if err := addNumbers(s.sums, one.Column(0)); err != nil {
		return nil, err
	}
	return nil, addRanks(s.ranks, one.Column(0))
}

func (s *spread) merge(next part, shift int64) error {
	o := next.(*spread)
	s.counts.Elements += o.counts.Elements
	s.counts.Considered += o.counts.Considered
	s.Values = append(s.Values, o.Values...)
	for _, row := range o.Rows {
		s.Rows = append(s.Rows, row+shift)
	}
	for row, e := range o.Extra {
		s.Extra[row+shift] = e
	}
	if err := s.ranks.Merge(o.ranks); err != nil {
		return err
	}
	return s.sums.Merge(o.sums)
}

func (s *spread) finish(e *ending) outcome {
	good, err := s.judge(s)
	if err != nil {
		return failed(err)
	}
	values := map[int64][]any{}
	var rows []int64
	for i, c := range s.Values {
		f := 0.0
		if t, ok := c.(stamp); ok {
			f = float64(t.At)
		} else {
			f, _ = numberOf(c)
		}
		if !good(f) {
			rows = append(rows, s.Rows[i])
			values[s.Rows[i]] = []any{c}
		}
	}
	return s.counts.listed(rows, values, s.Extra).finish(e)
}

func zScores(b *builder) error {
	threshold, _ := b.arg("threshold").(float64)
	double := b.flag("double_sided")
	c, err := b.column("column")
	if err != nil {
		return err
	}
	if err := b.reduction(c, "std"); err != nil {
		return err
	}
	if k := b.class(c); k == isDay || k == isNumber {
		return b.onlyMissing(c, "Cannot complete Z-score calculations on a non-numerical column.")
	}
	return b.spread(c, func(s *spread) (func(float64) bool, error) {
		mean, dev := s.sums.Mean(), s.sums.Deviation()
		return func(f float64) bool {
			z := (f - mean) / dev
			if double {
				return dev == 0 || math.IsNaN(z) || math.Abs(z) < math.Abs(threshold)
			}
			return dev == 0 || math.IsNaN(z) || z < threshold
		}, nil
	})
}

// onlyMissing passes columns without a value and fails others, as GX does where Python cannot calculate.
func (b *builder) onlyMissing(_ int, message string) error {
	return b.one(func(*view, mask) (mask, error) { return nil, errors.New(message) })
}

func notOutliers(b *builder) error {
	multiplier, ok := b.arg("multiplier").(float64)
	if !ok {
		multiplier = 1.5
	}
	iqr := b.word("method", "iqr") == "iqr"
	c, err := b.column("column")
	if err != nil {
		return err
	}
	what := "mean"
	if iqr {
		what = "quantile"
	}
	if err := b.reduction(c, what); err != nil {
		return err
	}
	if k := b.class(c); k == isDay || k == isNumber || k == isStamp {
		return b.onlyMissing(c, "Cannot detect outliers in a non-numerical column")
	}
	whole := b.class(c) == isBool && iqr
	return b.spread(c, func(s *spread) (func(float64) bool, error) {
		if whole {
			return nil, errors.New("numpy boolean subtract, the `-` operator, is not supported")
		}
		if iqr {
			return s.fences(multiplier)
		}
		return s.window(multiplier), nil
	})
}

func finite(fs ...float64) bool {
	for _, f := range fs {
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return false
		}
	}
	return true
}

func all(float64) bool { return true }

// fences are Tukey's: a multiple of the distance of the quartiles beyond them.
func (s *spread) fences(multiplier float64) (func(float64) bool, error) {
	q, err := s.ranks.Quantiles([]float64{0.25, 0.75}, "linear")
	if err != nil {
		return nil, err
	}
	if !finite(q[0].Float, q[1].Float) {
		return all, nil
	}
	reach := multiplier * (q[1].Float - q[0].Float)
	low, high := q[0].Float-reach, q[1].Float+reach
	return func(f float64) bool { return f >= low && f <= high }, nil
}

func (s *spread) window(multiplier float64) func(float64) bool {
	mean, dev := s.sums.Mean(), s.sums.Deviation()
	if !finite(mean, dev) {
		return all
	}
	reach := multiplier * dev
	if reach <= 0 {
		return func(f float64) bool { return f == mean }
	}
	return func(f float64) bool { return math.Abs(f-mean) < reach }
}
