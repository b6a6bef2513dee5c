package gx

import (
	"errors"
	"math"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/outliers"
)

func (s *spread) finish(e *ending) outcome {
	if err := s.extra.err(); err != nil {
		return failed(err)
	}
	s.gaps = e.state.gaps[s.check.columns[0]]
	fails, err := s.check.judge(s)
	if err != nil {
		return failed(err)
	}
	values := map[int64][]any{}
	var rows []int64
	err = s.column.Scan(func(row int64, bits uint64) error {
		c := s.cell(bits)
		f, isNumber := numberOf(c)
		if at, ok := c.(stamp); ok && !isNumber {
			f = float64(at.At)
		}
		if fails(f) {
			rows = append(rows, row)
			if len(rows) <= s.check.format.values() {
				values[row] = []any{c}
			}
		}
		return nil
	})
	if err != nil {
		return failed(err)
	}
	return s.counts.listed(rows, values, s.extra.rows).finish(e)
}

// cell is a value of the column again.
func (s *spread) cell(bits uint64) any {
	t := s.check.field.Type
	switch f := math.Float64frombits(bits); {
	case classOf(t) == isInt:
		return int64(bits)
	case classOf(t) == isUint:
		return bits
	case classOf(t) == isStamp:
		return stamp{At: int64(bits), Unit: t.Unit, Zone: t.Zone}
	case classOf(t) == isBool:
		return f != 0
	case t.Kind != arrowio.Float64:
		return single(f)
	default:
		return f
	}
}

func zScores(b *builder) error {
	z := outliers.ZScore{DoubleSided: b.flag("double_sided")}
	z.Threshold, _ = b.arg("threshold").(float64)
	c, err := b.column("column")
	if err != nil {
		return err
	}
	if err := b.reduction(c, "std"); err != nil {
		return err
	}
	k := b.class(c)
	if k == isDay || k == isNumber || k == isObject {
		return b.onlyMissing("Cannot complete Z-score calculations on a non-numerical column.")
	}
	z.Float32 = b.plan.schema.Fields[c].Type.Kind == arrowio.Float32
	return b.spread(c, func(s *spread) (func(float64) bool, error) {
		if k == isStamp && s.sums.Count() < 2 {
			return nil, pythonError("Cannot complete Z-score calculations on a non-numerical column.")
		}
		z := z
		z.Mean, z.Deviation = s.sums.Mean(), s.sums.Deviation()
		return z.Fails, nil
	})
}

// onlyMissing passes columns without a value and fails others, as GX does where Python cannot calculate.
func (b *builder) onlyMissing(message string) error {
	return b.one(func(*view, mask) (mask, error) { return nil, errors.New(message) })
}

func notOutliers(b *builder) error {
	multiplier, ok := b.arg("multiplier").(float64)
	if !ok {
		multiplier = 1.5
	}
	method := outliers.Method(b.word("method", string(outliers.IQR)))
	c, err := b.column("column")
	if err != nil {
		return err
	}
	k := b.class(c)
	if k == isCategory {
		return b.onlyMissing("'Categorical' with dtype category does not support operation 'mean'")
	}
	if err := b.reduction(c, "mean"); err != nil {
		return err
	}
	if k == isStamp {
		return pythonError("Cannot detect outliers in a non-numerical column")
	}
	if k == isDay || k == isNumber || k == isObject {
		return b.onlyMissing("Cannot detect outliers in a non-numerical column")
	}
	single := b.plan.schema.Fields[c].Type.Kind == arrowio.Float32
	return b.spread(c, func(s *spread) (func(float64) bool, error) {
		w, err := s.window(method, multiplier, k)
		if err != nil {
			return nil, err
		}
		if single {
			w = w.Float32()
		}
		return w.Fails, nil
	})
}

// window measures where values are no outliers.
func (s *spread) window(m outliers.Method, multiplier float64, k class) (outliers.Window, error) {
	if m == outliers.STD {
		return outliers.NewWindow(m, outliers.Around(s.sums.Mean(), s.sums.Deviation()), multiplier)
	}
	if k == isBool && !s.gaps && s.sums.Count() > 0 {
		return outliers.Window{}, errors.New("numpy boolean subtract, the `-` operator, is not supported")
	}
	q, err := s.ranks.Quantiles([]float64{0.25, 0.75}, "linear")
	if err != nil {
		return outliers.Window{}, err
	}
	return outliers.NewWindow(m, outliers.Quartiles(q[0].Float, q[1].Float), multiplier)
}
