package arrowio

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
)

// Column is a view of a column, or of what is nested in one, without copies. Only the accessor of its kind may be called: any other panics, as
// what it would return is not there. What accessors return must not be changed. Concurrent reads are safe.
type Column struct {
	field Field
	data  arrow.ArrayData
	nulls int
}

func newColumn(f Field, d arrow.ArrayData) *Column {
	return &Column{field: f, data: d, nulls: nullsOf(d)}
}

// nullsOf counts nulls, whatever the data says of itself: after a slice it may not know.
func nullsOf(d arrow.ArrayData) int {
	if d.DataType().ID() == arrow.NULL {
		return d.Len()
	}
	if d.NullN() == 0 || len(d.Buffers()) == 0 || d.Buffers()[0] == nil || d.Buffers()[0].Len() == 0 {
		return 0
	}
	return d.Len() - bitutil.CountSetBits(d.Buffers()[0].Bytes(), d.Offset(), d.Len())
}

func sliceData(d arrow.ArrayData, from, to int) arrow.ArrayData {
	if from == 0 && to == d.Len() {
		return d
	}
	return array.NewSliceData(d, int64(from), int64(to))
}

func (c *Column) slice(from, to int) *Column { return newColumn(c.field, sliceData(c.data, from, to)) }

// Slice is the values from (included) to to (excluded), without a copy.
func (c *Column) Slice(from, to int) *Column { return c.slice(from, to) }

// Field is the column's name, type and nullability.
func (c *Column) Field() Field { return c.field }

// Kind is the kind of the column's type.
func (c *Column) Kind() Kind { return c.field.Type.Kind }

// Len is the number of values, nulls included.
func (c *Column) Len() int { return c.data.Len() }

// Nulls is the number of nulls.
func (c *Column) Nulls() int { return c.nulls }

// Valid has a one for every value that is not null. It is nil where there are no nulls.
func (c *Column) Valid() *Bitmap {
	switch {
	case c.nulls == 0:
		return nil
	case c.field.Type.Kind == Null:
		return NewBitmap(c.Len())
	}
	return &Bitmap{Bits: c.data.Buffers()[0].Bytes(), Offset: c.data.Offset(), Len: c.Len()}
}

// IsNull says whether value i is null.
func (c *Column) IsNull(i int) bool {
	if c.nulls == 0 {
		return false
	}
	return c.field.Type.Kind == Null || !bitutil.BitIsSet(c.data.Buffers()[0].Bytes(), c.data.Offset()+i)
}

func (c *Column) buffer(i int) []byte {
	bs := c.data.Buffers()
	if i >= len(bs) || bs[i] == nil {
		return nil
	}
	return bs[i].Bytes()
}

func (c *Column) wrong(accessor string) string {
	return fmt.Sprintf("arrowio: %s of column %q, which is %s", accessor, c.field.Name, c.field.Type)
}

func values[T arrow.FixedWidthType](c *Column, accessor string, ok bool) []T {
	if !ok {
		panic(c.wrong(accessor))
	}
	if c.Len() == 0 {
		return nil
	}
	off := c.data.Offset()
	return arrow.GetData[T](c.buffer(1))[off : off+c.Len() : off+c.Len()]
}

// Bools are a Bool column's values. Those of nulls mean nothing, as with every kind.
func (c *Column) Bools() *Bitmap {
	if c.Kind() != Bool {
		panic(c.wrong("Bools"))
	}
	return &Bitmap{Bits: c.buffer(1), Offset: c.data.Offset(), Len: c.Len()}
}

// Int8s are an Int8 column's values, Len of them.
func (c *Column) Int8s() []int8 { return values[int8](c, "Int8s", c.Kind() == Int8) }

// Int16s are an Int16 column's values.
func (c *Column) Int16s() []int16 { return values[int16](c, "Int16s", c.Kind() == Int16) }

// Int32s are the values of Int32, Date32 (days since 1970) and Time32 (units since midnight).
func (c *Column) Int32s() []int32 {
	k := c.Kind()
	return values[int32](c, "Int32s", k == Int32 || k == Date32 || k == Time32)
}

// Int64s are the values of Int64, Date64 (ms since 1970), Time64 (units since midnight), Timestamp (units since 1970) and Duration (units).
func (c *Column) Int64s() []int64 {
	k := c.Kind()
	return values[int64](c, "Int64s", k == Int64 || k == Date64 || k == Time64 || k == Timestamp || k == Duration)
}

// Uint8s are a Uint8 column's values.
func (c *Column) Uint8s() []uint8 { return values[uint8](c, "Uint8s", c.Kind() == Uint8) }

// Uint16s are the values of Uint16, and the bits of Float16.
func (c *Column) Uint16s() []uint16 {
	return values[uint16](c, "Uint16s", c.Kind() == Uint16 || c.Kind() == Float16)
}

// Uint32s are a Uint32 column's values.
func (c *Column) Uint32s() []uint32 { return values[uint32](c, "Uint32s", c.Kind() == Uint32) }

// Uint64s are a Uint64 column's values.
func (c *Column) Uint64s() []uint64 { return values[uint64](c, "Uint64s", c.Kind() == Uint64) }

// Float32s are a Float32 column's values.
func (c *Column) Float32s() []float32 { return values[float32](c, "Float32s", c.Kind() == Float32) }

// Float64s are a Float64 column's values.
func (c *Column) Float64s() []float64 { return values[float64](c, "Float64s", c.Kind() == Float64) }
