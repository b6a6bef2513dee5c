package profile

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/drift"
	"github.com/leathq/leat/services/validator/internal/presence"
)

// numbers is a column of numbers, or of points in time as seconds since 1970.
type numbers struct {
	kind        arrowio.Kind
	whole       bool
	spread      *drift.Numbers
	least, most float64
	missing     int64
	keys        keys // of integers
}

func newNumbers(whole bool, kind arrowio.Kind) *numbers {
	n := &numbers{kind: kind, whole: whole, spread: drift.NewNumbers(0), least: math.Inf(1), most: math.Inf(-1)}
	if !whole {
		n.keys.give()
	}
	return n
}

func (n *numbers) add(c *arrowio.Column) {
	switch c.Kind() {
	case arrowio.Int8:
		addWhole(n, c, c.Int8s())
	case arrowio.Int16:
		addWhole(n, c, c.Int16s())
	case arrowio.Int32:
		addWhole(n, c, c.Int32s())
	case arrowio.Int64:
		addWhole(n, c, c.Int64s())
	case arrowio.Uint8:
		addWhole(n, c, c.Uint8s())
	case arrowio.Uint16:
		addWhole(n, c, c.Uint16s())
	case arrowio.Uint32:
		addWhole(n, c, c.Uint32s())
	case arrowio.Uint64:
		addWhole(n, c, c.Uint64s())
	case arrowio.Date32:
		addNumbers(n, c, c.Int32s(), 86400)
	case arrowio.Float32:
		addNumbers(n, c, c.Float32s(), 1)
	case arrowio.Float64:
		addNumbers(n, c, c.Float64s(), 1)
	default:
		addNumbers(n, c, slow(c), 1)
	}
}

// slow are the values of kinds that have no slice of their own; NaN is none.
func slow(c *arrowio.Column) []float64 {
	out := make([]float64, c.Len())
	for i := range out {
		switch v := c.Value(i).(type) {
		case float64:
			out[i] = v
		case time.Time:
			out[i] = float64(v.Unix()) + float64(v.Nanosecond())/1e9
		case nil:
			out[i] = math.NaN()
		default: // decimals
			out[i] = c.Decimals().Float64(i)
		}
	}
	return out
}

type integer interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

func addWhole[T integer](n *numbers, c *arrowio.Column, values []T) {
	addNumbers(n, c, values, 1)
	there := present(c)
	for i, v := range values {
		if n.keys.gone {
			return
		}
		if there.Has(i) {
			n.keys.add(uint64(v))
		}
	}
}

// addNumbers adds values of a unit.
func addNumbers[T integer | float32 | float64](n *numbers, c *arrowio.Column, values []T, unit float64) {
	there := present(c)
	floats := make([]float64, len(values))
	for i, v := range values {
		f := float64(v) * unit
		floats[i] = f
		if f != f || !there.Has(i) {
			n.missing++
			continue
		}
		n.least, n.most = min(n.least, f), max(n.most, f)
	}
	drift.Add(n.spread, floats, there)
}

func present(c *arrowio.Column) presence.Mask {
	v := c.Valid()
	if v == nil {
		return presence.Mask{}
	}
	return presence.Mask{Bits: v.Bits, Offset: v.Offset}
}

func (n *numbers) merge(next column) error {
	o := next.(*numbers)
	n.missing += o.missing
	n.least, n.most = min(n.least, o.least), max(n.most, o.most)
	n.keys.merge(&o.keys)
	return n.spread.Merge(o.spread)
}

func (n *numbers) describe(c *Column) {
	c.Missing, c.whole, c.Unique = n.missing, n.whole, n.keys.unique()
	if n.spread.Exact() && math.Abs(n.least) < 1<<53 && math.Abs(n.most) < 1<<53 {
		c.Distinct = int64(n.spread.Distinct())
	}
	if c.Present() == 0 {
		return
	}
	if c.Class == Time {
		c.Times = &Span{First: moment(n.least), Last: moment(n.most), Bins: binsOf(n.spread, false)}
		return
	}
	c.Numbers = spreadOf(n.spread, n.least, n.most, n.whole)
	if c.Distinct > 0 && c.Distinct <= mostValues {
		n.spread.Each(func(v float64, count uint64) bool {
			c.Values = append(c.Values, Value{Text: strconv.FormatFloat(v, 'g', -1, 64), Number: v, Count: int64(count)})
			return true
		})
		sortValues(c.Values)
	}
}

// mostValues is how many values a summary lists.
const mostValues = 50

func sortValues(vs []Value) {
	slices.SortFunc(vs, func(a, b Value) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Number, b.Number), cmp.Compare(a.Text, b.Text))
	})
}

func moment(seconds float64) time.Time {
	whole := math.Floor(seconds)
	return time.Unix(int64(whole), int64(math.Round((seconds-whole)*1e6))*1000).UTC()
}

func spreadOf(s *drift.Numbers, least, most float64, whole bool) *Spread {
	out := &Spread{Min: Real(least), Max: Real(most), Mean: Real(math.NaN()), Median: Real(math.NaN()), Bins: binsOf(s, whole)}
	mean, total := 0.0, uint64(0)
	for v, n := range s.Each {
		if !math.IsInf(v, 0) {
			total += n
		}
	}
	if total == 0 {
		return out
	}
	passed := uint64(0)
	for v, n := range s.Each {
		if math.IsInf(v, 0) {
			continue
		}
		mean += v * (float64(n) / float64(total))
		if passed <= (total-1)/2 {
			out.Median = Real(v)
		}
		passed += n
	}
	out.Mean = Real(mean)
	return out
}
