package gx

import (
	"errors"
	"math"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
)

// limits are the bounds of a "between" expectation; nil is no bound.
type limits struct {
	low, high             any // float64, int64, date or clock
	strictLow, strictHigh bool
}

func (b *builder) limits() limits {
	return limits{b.arg("min_value"), b.arg("max_value"), b.flag("strict_min"), b.flag("strict_max")}
}

var (
	errTypes = pythonError("Column values, min_value, and max_value must either be None or of the same type.")
	errDates = pythonError("Cannot compare Timestamp with datetime.date. Use ts == pd.Timestamp(date) or ts.date() == date instead.")
	errAware = errors.New("can't compare offset-naive and offset-aware datetimes")
)

// span is bounds as numbers, both included: strictness is one step of a float.
func (l limits) span() (low, high float64, ok bool) {
	low, high = math.Inf(-1), math.Inf(1)
	if l.low != nil {
		if low, ok = numberOf(l.low); !ok {
			return 0, 0, false
		}
		if l.strictLow {
			low = above(low)
		}
	}
	if l.high != nil {
		if high, ok = numberOf(l.high); !ok {
			return 0, 0, false
		}
		if l.strictHigh {
			high = -above(-high)
		}
	}
	return low, high, true
}

// above is the least float greater than f; NaN, which nothing reaches, where there is none.
func above(f float64) float64 {
	if math.IsInf(f, 1) {
		return math.NaN()
	}
	return math.Nextafter(f, math.Inf(1))
}

func valuesBetween(b *builder) error {
	if err := b.someBound(); err != nil {
		return err
	}
	l := b.limits()
	c, err := b.column("column")
	if err != nil {
		return err
	}
	if err := l.ordered(); err != nil {
		return err
	}
	t := b.plan.schema.Fields[c].Type
	zoned := t.Zone != ""
	if _, isDate := l.low.(date); isDate && zoned {
		return errDates
	}
	low, high, numeric := l.span()
	if numeric && (zoned || t.Kind == arrowio.Timestamp && t.Unit == arrowio.Nano) { // others GX compares value by value
		return errors.New("Invalid comparison between points in time and numbers")
	}
	if numericClass(b.class(c)) && numeric {
		return b.one(func(v *view, _ mask) (mask, error) { return v.within(low, high), nil })
	}
	return b.one(func(v *view, rows mask) (mask, error) { return l.cells(v, rows) })
}

// cells compares value by value, as GX does where a column is not one of plain numbers.
func (l limits) cells(v *view, rows mask) (mask, error) {
	if low, high, ok := l.instants(v.column.Field().Type); ok {
		return instantsWithin(v.column.Int64s(), low, high), nil
	}
	good := make(mask, words(v.n))
	var err error
	rows.each(v.n, func(i int) bool {
		var ok bool
		if ok, err = l.hold(v.cell(i)); ok {
			good.set(i)
		}
		return err == nil
	})
	return good, err
}

// hold compares one value with the bounds as Python does; an error is Python's TypeError.
func (l limits) hold(c any) (bool, error) {
	if l.low != nil {
		d, err := compareBound(c, l.low)
		if err != nil {
			return false, err
		}
		if d < 0 || d == 0 && l.strictLow {
			return false, nil
		}
	}
	if l.high == nil {
		return true, nil
	}
	d, err := compareBound(c, l.high)
	return err == nil && (d < 0 || d == 0 && !l.strictHigh), err
}

// compareBound orders a cell and a bound.
func compareBound(c, bound any) (int, error) {
	switch x := c.(type) {
	case stamp:
		switch y := bound.(type) {
		case date:
			return 0, errDates
		case clock:
			if y.aware != (x.Zone != "") {
				return 0, errAware
			}
			return x.time().Compare(y.Time), nil
		}
		return 0, pythonError("'>=' not supported between instances of 'Timestamp' and 'float'")
	case day:
		if y, ok := bound.(date); ok {
			return time.Unix(int64(x)*86400, 0).Compare(y.Time), nil
		}
		return 0, pythonError("'>=' not supported between instances of 'datetime.date' and another type")
	}
	x, isNumber := numberOf(c)
	y, alike := numberOf(bound)
	if !isNumber || !alike {
		return 0, errTypes
	}
	return compareFloats(x, y), nil
}

// within finds the values from low to high, compared as floats.
func (v *view) within(low, high float64) mask {
	c := v.column
	switch c.Kind() {
	case arrowio.Float64:
		return floatsWithin(c.Float64s(), low, high)
	case arrowio.Int64:
		return intsWithin(c.Int64s(), low, high)
	case arrowio.Int32:
		return intsWithin(c.Int32s(), low, high)
	case arrowio.Int16:
		return intsWithin(c.Int16s(), low, high)
	case arrowio.Int8:
		return intsWithin(c.Int8s(), low, high)
	case arrowio.Uint8:
		return intsWithin(c.Uint8s(), low, high)
	case arrowio.Uint16:
		return intsWithin(c.Uint16s(), low, high)
	case arrowio.Uint32:
		return intsWithin(c.Uint32s(), low, high)
	}
	if c.Kind() == arrowio.Float32 {
		return floatsWithin(c.Float32s(), low, high)
	}
	return floatsWithin(v.numbers(), low, high)
}

func floatsWithin[T float64 | float32](values []T, low, high float64) mask {
	m := make(mask, words(len(values)))
	for w := range m {
		block := values[w<<6 : min(w<<6+64, len(values))]
		var hit uint64
		for i, x := range block {
			f := float64(x)
			hit |= (bit(f >= low) & bit(f <= high)) << i
		}
		m[w] = hit
	}
	return m
}

// intsWithin brings the bounds to integers once; a value is then inside where its distance from the lower bound, as an
// unsigned number, is at most the width.
func intsWithin[T int64 | int32 | int16 | int8 | uint8 | uint16 | uint32](values []T, low, high float64) mask {
	m := make(mask, words(len(values)))
	from, ok1 := leastInt(low)
	to, ok2 := leastInt(above(high))
	if math.IsInf(high, 1) {
		to, ok2 = math.MaxInt64, true
	} else if to--; !ok2 && high >= 1<<63 {
		to, ok2 = math.MaxInt64, true
	}
	if !ok1 || !ok2 || from > to || math.IsNaN(high) {
		return m
	}
	width := uint64(to) - uint64(from)
	for w := range m {
		block := values[w<<6 : min(w<<6+64, len(values))]
		var hit uint64
		for i, x := range block {
			hit |= bit(uint64(int64(x))-uint64(from) <= width) << i
		}
		m[w] = hit
	}
	return m
}

// leastInt is the least int64 whose float64 is at least f; ok is false where there is none.
func leastInt(f float64) (int64, bool) {
	switch {
	case math.IsNaN(f):
		return 0, false
	case f <= math.MinInt64:
		return math.MinInt64, true
	case f > 1<<63:
		return 0, false
	}
	lo, hi := int64(math.MinInt64), int64(math.MaxInt64)
	if math.Abs(f) < 1<<53 {
		return int64(math.Ceil(f)), true
	}
	for lo < hi { // float64(x) grows with x
		mid := lo + int64((uint64(hi)-uint64(lo))/2)
		if float64(mid) >= f {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo, true
}
