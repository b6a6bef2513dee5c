package gx

import (
	"math"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/pyre"
)

// view is a column of one batch with what several checks ask of it, worked out once.
type view struct {
	column  *arrowio.Column
	class   class
	n       int
	present mask // rows that hold a value; NaN is none, as in pandas
	strings *arrowio.Strings
	lengths []int32
	floats  []float64
	sieve   *pyre.Sieve // of the patterns that are looked for in it; nil: none
	sifted  *pyre.Sifted
	sieved  bool
}

func viewOf(c *arrowio.Column) *view {
	v := &view{column: c, class: classOf(c.Field().Type), n: c.Len(), present: maskOf(c.Valid(), c.Len())}
	switch c.Kind() {
	case arrowio.Float64:
		v.present = v.present.and(noNaN(c.Float64s()))
	case arrowio.Float32:
		v.present = v.present.and(noNaN(c.Float32s()))
	case arrowio.Float16:
		v.present = v.present.and(decide(v.n, func(i int) bool { return !math.IsNaN(half(c.Uint16s()[i])) }))
	case arrowio.Null:
		v.present = make(mask, words(v.n))
	case arrowio.Dictionary:
		_, index := c.Dictionary()
		v.present = decide(v.n, func(i int) bool { return index(i) >= 0 })
	}
	if v.present.count(v.n) == v.n {
		v.present = nil
	}
	return v
}

// noNaN returns the rows that are numbers; nil where all are.
func noNaN[T float32 | float64](values []T) mask {
	clean := true
	for _, f := range values {
		clean = clean && f == f
	}
	if clean {
		return nil
	}
	return decide(len(values), func(i int) bool { return values[i] == values[i] })
}

// half widens the bits of a float16.
func half(h uint16) float64 {
	sign := 1.0
	if h>>15 == 1 {
		sign = -1
	}
	exp, frac := int(h>>10&31), float64(h&1023)
	switch exp {
	case 0:
		return sign * math.Ldexp(frac, -24)
	case 31:
		if frac != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	}
	return sign * math.Ldexp(1024+frac, exp-25)
}

// numbers are the values as float64, rounded where they must be, as numpy compares them with a Python float. Values of
// rows that hold none mean nothing.
func (v *view) numbers() []float64 {
	if v.floats == nil {
		v.floats = v.widen()
	}
	return v.floats
}

func (v *view) widen() []float64 {
	c := v.column
	switch c.Kind() {
	case arrowio.Float64:
		return c.Float64s()
	case arrowio.Float32:
		return widened(c.Float32s())
	case arrowio.Int64:
		return widened(c.Int64s())
	case arrowio.Int32:
		return widened(c.Int32s())
	case arrowio.Int16:
		return widened(c.Int16s())
	case arrowio.Int8:
		return widened(c.Int8s())
	case arrowio.Uint64:
		return widened(c.Uint64s())
	case arrowio.Uint32:
		return widened(c.Uint32s())
	case arrowio.Uint16:
		return widened(c.Uint16s())
	case arrowio.Uint8:
		return widened(c.Uint8s())
	}
	out := make([]float64, v.n)
	v.present.each(v.n, func(i int) bool {
		out[i], _ = numberOf(v.cell(i))
		return true
	})
	return out
}

func widened[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | float32](values []T) []float64 {
	out := make([]float64, len(values))
	for i, x := range values {
		out[i] = float64(x)
	}
	return out
}

// texts are the values of a column of text, or of a dictionary of text written out.
func (v *view) texts() arrowio.Strings {
	if v.strings == nil {
		s := v.spell()
		v.strings = &s
	}
	return *v.strings
}

func (v *view) spell() arrowio.Strings {
	if v.column.Kind() != arrowio.Dictionary {
		return v.column.Strings()
	}
	values, index := v.column.Dictionary()
	from := values.Strings()
	s := arrowio.Strings{Offsets64: make([]int64, 1, v.n+1)}
	for i := range v.n {
		if at := index(i); at >= 0 {
			s.Data = append(s.Data, from.At(at)...)
		}
		s.Offsets64 = append(s.Offsets64, int64(len(s.Data)))
	}
	return s
}

// spelt says whether texts may be called.
func (v *view) spelt() bool {
	if v.class == isText {
		return true
	}
	if v.class != isCategory {
		return false
	}
	values, _ := v.column.Dictionary()
	return classOf(values.Field().Type) == isText
}

// cell is the value of row i; nil where there is none.
func (v *view) cell(i int) any {
	if !v.present.get(i) {
		return nil
	}
	return cellOf(v.column, i)
}

func cellOf(c *arrowio.Column, i int) any {
	switch c.Kind() {
	case arrowio.Int64:
		return c.Int64s()[i]
	case arrowio.Int32:
		return int64(c.Int32s()[i])
	case arrowio.Float64:
		return c.Float64s()[i]
	case arrowio.Float32:
		return single(c.Float32s()[i])
	case arrowio.Float16:
		return single(half(c.Uint16s()[i]))
	case arrowio.String, arrowio.LargeString:
		return string(c.Strings().At(i))
	case arrowio.Date32:
		return day(c.Int32s()[i])
	case arrowio.Date64:
		return stamp{At: c.Int64s()[i], Unit: arrowio.Milli}
	case arrowio.Timestamp:
		t := c.Field().Type
		return stamp{At: c.Int64s()[i], Unit: t.Unit, Zone: t.Zone}
	case arrowio.Decimal128, arrowio.Decimal256:
		d := c.Decimals()
		return exact{Unscaled: d.At(i), Scale: d.Scale}
	case arrowio.Dictionary:
		values, index := c.Dictionary()
		return cellOf(values, index(i))
	}
	return c.Value(i)
}
