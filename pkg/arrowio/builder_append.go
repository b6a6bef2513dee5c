package arrowio

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

var little = binary.LittleEndian

// Bool appends to a Bool column.
func (c *ColumnBuilder) Bool(v bool) {
	c.must(c.field.Type.Kind == Bool, "Bool")
	c.bit(&c.data, v)
	c.one()
}

// Int64 appends to any column of integers, or of dates, times and durations in their unit. A value that does not fit the width panics: Value
// checks it.
func (c *ColumnBuilder) Int64(v int64) {
	switch k := c.field.Type.Kind; k {
	case Int64, Date64, Time64, Timestamp, Duration:
		c.data = little.AppendUint64(c.data, uint64(v))
		c.one()
		return
	case Uint64:
		c.data = little.AppendUint64(c.data, uint64(v))
	case Int32, Date32, Time32, Uint32:
		c.data = little.AppendUint32(c.data, uint32(v))
	case Int16, Uint16:
		c.data = little.AppendUint16(c.data, uint16(v))
	case Int8, Uint8:
		c.data = append(c.data, byte(v))
	case Dictionary:
		c.index(strconv.FormatInt(v, 10), func(e *ColumnBuilder) { e.Int64(v) })
		return
	default:
		c.must(false, "Int64")
	}
	c.must(c.fits(v), "Int64("+strconv.FormatInt(v, 10)+")")
	c.one()
}

// fits says whether an integer fits the column's width.
func (c *ColumnBuilder) fits(v int64) bool {
	w := c.field.Type.width()
	switch k := c.field.Type.Kind; {
	case k == Uint64:
		return v >= 0
	case w == 64:
		return true
	case k == Uint8 || k == Uint16 || k == Uint32:
		return v >= 0 && v < 1<<w
	}
	return v >= -1<<(w-1) && v < 1<<(w-1)
}

// Uint64 appends to a Uint64 column.
func (c *ColumnBuilder) Uint64(v uint64) {
	c.must(c.field.Type.Kind == Uint64, "Uint64")
	c.data = little.AppendUint64(c.data, v)
	c.one()
}

// Float64 appends to a column of floats, rounded to its width.
func (c *ColumnBuilder) Float64(v float64) {
	switch c.field.Type.Kind {
	case Float64:
		c.data = little.AppendUint64(c.data, math.Float64bits(v))
	case Float32:
		c.data = little.AppendUint32(c.data, float32Bits(v))
	case Float16:
		c.data = little.AppendUint16(c.data, half(v))
	case Dictionary:
		c.index(strconv.FormatUint(math.Float64bits(v), 16), func(e *ColumnBuilder) { e.Float64(v) })
		return
	default:
		c.must(false, "Float64")
	}
	c.one()
}

// String appends to a column of strings or bytes. FixedBinary wants exactly its width.
func (c *ColumnBuilder) String(v string) { appendText(c, v) }

// Binary appends to a column of strings or bytes; v is copied.
func (c *ColumnBuilder) Binary(v []byte) { appendText(c, v) }

func appendText[T string | []byte](c *ColumnBuilder, v T) {
	k := c.field.Type.Kind
	switch {
	case k == Dictionary:
		c.index(string(v), func(e *ColumnBuilder) { appendText(e, v) })
		return
	case k == FixedBinary:
		c.must(len(v) == c.field.Type.Width, fmt.Sprintf("%d bytes", len(v)))
	case !k.bytes():
		c.must(false, "String")
	case c.large == nil && int64(len(c.data))+int64(len(v)) > c.most:
		c.fail(fmt.Errorf("column %q has 2 GiB of text in one batch, which %s cannot hold; make smaller batches or declare the column %s", c.field.Name, c.field.Type, largeOf(k)))
		return
	}
	c.data = append(c.data, v...)
	if k != FixedBinary {
		c.end()
	}
	c.one()
}

func largeOf(k Kind) string {
	if k == String {
		return names[LargeString]
	}
	return names[LargeBinary]
}

func (c *ColumnBuilder) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// end closes a value of a column with offsets.
func (c *ColumnBuilder) end() {
	n := len(c.data)
	if len(c.children) > 0 {
		n = c.children[0].n
	}
	if c.large != nil {
		c.large = append(c.large, int64(n))
		return
	}
	if int64(n) > c.most {
		c.fail(fmt.Errorf("column %q has over 2^31 elements in one batch; make smaller batches", c.field.Name))
	}
	c.offsets = append(c.offsets, int32(n))
}

// index appends a dictionary's value, new or known.
func (c *ColumnBuilder) index(key string, add func(*ColumnBuilder)) {
	at, ok := c.known[key]
	if !ok {
		at = c.children[0].n
		add(c.children[0])
		c.known[key] = at
	}
	w := c.field.Type.Index.width()
	if signed := c.field.Type.Index.Kind <= Int64; signed && at >= 1<<(w-1) || w < 64 && at >= 1<<w {
		c.fail(fmt.Errorf("column %q has more values than indices of %s can name; declare a wider index", c.field.Name, c.field.Type.Index))
		return
	}
	var b [8]byte
	little.PutUint64(b[:], uint64(at))
	c.data = append(c.data, b[:w/8]...)
	c.one()
}

// Elem is the builder of a list's elements: append an element's values to it, then call Close on the list.
func (c *ColumnBuilder) Elem() *ColumnBuilder {
	k := c.field.Type.Kind
	c.must(k == List || k == LargeList || k == FixedList, "Elem")
	return c.children[0]
}

// Child is the builder of a struct's field i, or of a map's keys (0) and values (1): give each its value, then call Close on the struct, or Entry
// on the map.
func (c *ColumnBuilder) Child(i int) *ColumnBuilder {
	k := c.field.Type.Kind
	c.must(k == Struct || k == Map, "Child")
	if k == Map {
		return c.children[0].children[i]
	}
	return c.children[i]
}

// Entry ends an entry of a map, whose key and value were given.
func (c *ColumnBuilder) Entry() {
	c.must(c.field.Type.Kind == Map, "Entry")
	c.children[0].Close()
}

// Close ends a list, a map or a struct, whose parts were given.
func (c *ColumnBuilder) Close() {
	switch t := c.field.Type; t.Kind {
	case List, LargeList, Map:
		c.end()
	case FixedList:
		c.must(c.children[0].n == (c.n+1)*t.Width, "Close with another number of elements")
	case Struct:
		for _, e := range c.children {
			c.must(e.n == c.n+1, "Close without a value for "+strconv.Quote(e.field.Name))
		}
	default:
		c.must(false, "Close")
	}
	c.one()
}
