package arrowio

import (
	"math/big"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Offsets are a list's or map's: element i of the column is the values from At(i) to At(i+1).
type Offsets struct {
	O32 []int32 // List, Map: Len+1
	O64 []int64 // LargeList: Len+1
	n   int     // FixedList: elements each
	off int
}

// At is offset i, of Len+1.
func (o Offsets) At(i int) int {
	switch {
	case o.O32 != nil:
		return int(o.O32[i])
	case o.O64 != nil:
		return int(o.O64[i])
	}
	return (o.off + i) * o.n
}

// Lists are the offsets of a List, LargeList, FixedList or Map column into its values. The values of a map are structs of key and value.
func (c *Column) Lists() (Offsets, *Column) {
	t, n, off := c.field.Type, c.Len(), c.data.Offset()
	var f Field
	switch t.Kind {
	case List, LargeList, FixedList:
		f = t.Elem[0]
	case Map:
		f = Field{Name: "entries", Type: Type{Kind: Struct, Elem: t.Elem}}
	default:
		panic(c.wrong("Lists"))
	}
	child := newColumn(f, c.data.Children()[0])
	switch {
	case t.Kind == FixedList:
		return Offsets{n: t.Width, off: off}, child
	case n == 0:
		return Offsets{}, child
	case t.Kind == LargeList:
		return Offsets{O64: arrow.GetData[int64](c.buffer(1))[off : off+n+1]}, child
	}
	return Offsets{O32: arrow.GetData[int32](c.buffer(1))[off : off+n+1]}, child
}

// Children are a Struct column's fields, each as long as the column. A field's value may be there where the struct is null.
func (c *Column) Children() []*Column {
	if c.Kind() != Struct {
		panic(c.wrong("Children"))
	}
	off, n := c.data.Offset(), c.Len()
	out := make([]*Column, len(c.field.Type.Elem))
	for i, d := range c.data.Children() {
		out[i] = newColumn(c.field.Type.Elem[i], sliceData(d, off, off+n))
	}
	return out
}

// Dictionary is a Dictionary column's values and, for each row, which of them it has: -1 where it is null.
func (c *Column) Dictionary() (values *Column, index func(i int) int) {
	if c.Kind() != Dictionary {
		panic(c.wrong("Dictionary"))
	}
	f := c.field.Type.Elem[0]
	f.Name = c.field.Name
	at := c.indices()
	return newColumn(f, dictionaryOf(c.data)), func(i int) int {
		if c.IsNull(i) {
			return -1
		}
		return at(i)
	}
}

// dictionaryOf is the dictionary's values; the library leaves it out of some arrays without rows.
func dictionaryOf(d arrow.ArrayData) arrow.ArrayData {
	if v, ok := d.Dictionary().(*array.Data); ok && v != nil {
		return v
	}
	return array.MakeArrayOfNull(memory.DefaultAllocator, d.DataType().(*arrow.DictionaryType).ValueType, 0).Data()
}

func (c *Column) indices() func(int) int {
	if c.Len() == 0 {
		return func(int) int { return -1 }
	}
	b, off := c.buffer(1), c.data.Offset()
	switch c.field.Type.Index.Kind {
	case Int8:
		return lookup[int8](b, off)
	case Int16:
		return lookup[int16](b, off)
	case Int32:
		return lookup[int32](b, off)
	case Int64:
		return lookup[int64](b, off)
	case Uint8:
		return lookup[uint8](b, off)
	case Uint16:
		return lookup[uint16](b, off)
	case Uint32:
		return lookup[uint32](b, off)
	}
	return lookup[uint64](b, off)
}

func lookup[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64](b []byte, off int) func(int) int {
	v := arrow.GetData[T](b)[off:]
	return func(i int) int { return int(v[i]) }
}

// Decimals are the values of a Decimal128 or Decimal256 column.
type Decimals struct {
	Scale int32
	d128  []decimal128.Num
	d256  []decimal256.Num
}

// Decimals are the column's values.
func (c *Column) Decimals() Decimals {
	t := c.field.Type
	switch {
	case t.Kind != Decimal128 && t.Kind != Decimal256:
		panic(c.wrong("Decimals"))
	case t.Kind == Decimal128:
		return Decimals{Scale: t.Scale, d128: values[decimal128.Num](c, "Decimals", true)}
	}
	return Decimals{Scale: t.Scale, d256: values[decimal256.Num](c, "Decimals", true)}
}

// At is value i times 10^Scale.
func (d Decimals) At(i int) *big.Int {
	if d.d128 != nil {
		return d.d128[i].BigInt()
	}
	return d.d256[i].BigInt()
}

// Float64 is value i, rounded.
func (d Decimals) Float64(i int) float64 {
	f, _ := d.Rat(i).Float64()
	return f
}

// Rat is value i, exactly.
func (d Decimals) Rat(i int) *big.Rat {
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(d.Scale, -d.Scale))), nil)
	if d.Scale < 0 {
		return new(big.Rat).SetInt(ten.Mul(ten, d.At(i)))
	}
	return new(big.Rat).SetFrac(d.At(i), ten)
}
