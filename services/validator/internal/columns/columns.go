// Package columns reads columns as summaries of data want them: numbers and points in time as floats, texts as bytes, and what is missing apart, so that those know nothing of Arrow's types. It summarises nothing
// itself, and refuses no data: what is no column of its kind is the caller's mistake, and panics.
package columns

import (
	"iter"
	"math"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/presence"
)

// Whole says whether a type is one of integers.
func Whole(t arrowio.Type) bool {
	switch t.Kind {
	case arrowio.Int8, arrowio.Int16, arrowio.Int32, arrowio.Int64, arrowio.Uint8, arrowio.Uint16, arrowio.Uint32, arrowio.Uint64:
		return true
	}
	return false
}

// Number says whether a type is one of numbers, of points in time or of durations.
func Number(t arrowio.Type) bool {
	switch t.Kind {
	case arrowio.Float16, arrowio.Float32, arrowio.Float64, arrowio.Decimal128, arrowio.Decimal256, arrowio.Date32, arrowio.Date64, arrowio.Timestamp, arrowio.Duration:
		return true
	}
	return Whole(t)
}

// Text says whether a type is one of texts, from a dictionary or not.
func Text(t arrowio.Type) bool {
	if t.Kind == arrowio.Dictionary {
		t = t.Elem[0].Type
	}
	return t.Kind == arrowio.String || t.Kind == arrowio.LargeString
}

// Floats are the rows of a column of Numbers, NaN where there is no value. Points in time are seconds since 1970 and durations seconds, whatever their unit; integers above 2^53 and decimals are rounded.
func Floats(c *arrowio.Column) []float64 {
	there, number := Present(c), numbersOf(c).float
	out := make([]float64, c.Len())
	for i := range out {
		if out[i] = math.NaN(); there.Has(i) {
			out[i] = number(i)
		}
	}
	return out
}

// Keys tell the rows of a column of Whole numbers apart, exactly. That of a row without a value means nothing.
func Keys(c *arrowio.Column) func(row int) uint64 { return numbersOf(c).key }

// Texts are the values of a column of Texts, in order; rows that have none are left out. A value is valid as long as the column.
func Texts(c *arrowio.Column) iter.Seq[[]byte] {
	rows, at := c, func(row int) int { return row }
	if c.Kind() == arrowio.Dictionary {
		c, at = c.Dictionary()
	}
	return func(yield func([]byte) bool) {
		values, there := c.Strings(), Present(c)
		for row := range rows.Len() {
			if rows.IsNull(row) || !there.Has(at(row)) {
				continue
			}
			if !yield(values.At(at(row))) {
				return
			}
		}
	}
}

// Present says which rows of a column of any type hold a value.
func Present(c *arrowio.Column) presence.Mask {
	v := c.Valid()
	if v == nil {
		return presence.Mask{}
	}
	return presence.Mask{Bits: v.Bits, Offset: v.Offset}
}

// numbers are the rows of a column that hold a value, as floats and, if they are integers, as keys.
type numbers struct {
	float func(row int) float64
	key   func(row int) uint64
}

func numbersOf(c *arrowio.Column) numbers {
	switch c.Kind() {
	case arrowio.Int8:
		return integers(c.Int8s())
	case arrowio.Int16:
		return integers(c.Int16s())
	case arrowio.Int32:
		return integers(c.Int32s())
	case arrowio.Int64:
		return integers(c.Int64s())
	case arrowio.Uint8:
		return integers(c.Uint8s())
	case arrowio.Uint16:
		return integers(c.Uint16s())
	case arrowio.Uint32:
		return integers(c.Uint32s())
	case arrowio.Uint64:
		return integers(c.Uint64s())
	}
	return numbers{float: measures(c)}
}

func integers[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64](v []T) numbers {
	return numbers{func(row int) float64 { return float64(v[row]) }, func(row int) uint64 { return uint64(v[row]) }}
}

func measures(c *arrowio.Column) func(row int) float64 {
	switch c.Kind() {
	case arrowio.Float16:
		return func(row int) float64 { return c.Value(row).(float64) }
	case arrowio.Float32:
		v := c.Float32s()
		return func(row int) float64 { return float64(v[row]) }
	case arrowio.Float64:
		v := c.Float64s()
		return func(row int) float64 { return v[row] }
	case arrowio.Date32:
		v := c.Int32s()
		return func(row int) float64 { return float64(v[row]) * 86400 }
	case arrowio.Date64:
		return seconds(c.Int64s(), perSecond[arrowio.Milli])
	case arrowio.Timestamp, arrowio.Duration:
		return seconds(c.Int64s(), perSecond[c.Field().Type.Unit])
	}
	return c.Decimals().Float64
}

// perSecond is how many of a unit a second has.
var perSecond = [...]int64{arrowio.Second: 1, arrowio.Milli: 1e3, arrowio.Micro: 1e6, arrowio.Nano: 1e9}

// seconds rounds whole seconds and the rest apart, which keeps the microseconds of this century.
func seconds(v []int64, per int64) func(row int) float64 {
	return func(row int) float64 { return float64(v[row]/per) + float64(v[row]%per)/float64(per) }
}
