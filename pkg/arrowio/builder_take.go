package arrowio

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// take is what was appended, and the builder is empty again, with room for as much.
func (c *ColumnBuilder) take() arrow.ArrayData {
	d := array.NewData(c.dtype, c.n, c.buffers(), c.nested(), c.nulls, 0)
	if c.field.Type.Kind == Dictionary {
		d.SetDictionary(c.children[0].take())
		c.known = map[string]int{}
	}
	c.n, c.nulls, c.valid = 0, 0, nil
	c.data = make([]byte, 0, len(c.data))
	if c.offsets != nil {
		c.offsets = append(make([]int32, 0, len(c.offsets)), 0)
	}
	if c.large != nil {
		c.large = append(make([]int64, 0, len(c.large)), 0)
	}
	return d
}

func (c *ColumnBuilder) nested() []arrow.ArrayData {
	if c.field.Type.Kind == Dictionary {
		return nil
	}
	var out []arrow.ArrayData
	for _, e := range c.children {
		out = append(out, e.take())
	}
	return out
}

func (c *ColumnBuilder) buffers() []*memory.Buffer {
	var valid *memory.Buffer
	if c.nulls > 0 {
		valid = memory.NewBufferBytes(c.valid)
	}
	offsets := memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(c.offsets))
	if c.large != nil {
		offsets = memory.NewBufferBytes(arrow.Int64Traits.CastToBytes(c.large))
	}
	switch c.field.Type.Kind {
	case Null:
		return []*memory.Buffer{nil}
	case Struct, FixedList:
		return []*memory.Buffer{valid}
	case List, LargeList, Map:
		return []*memory.Buffer{valid, offsets}
	case String, LargeString, Binary, LargeBinary:
		return []*memory.Buffer{valid, offsets, memory.NewBufferBytes(c.data)}
	}
	return []*memory.Buffer{valid, memory.NewBufferBytes(c.data)}
}

// truncate keeps the first n values, and of what is nested what belongs to them.
func (c *ColumnBuilder) truncate(n int) {
	t := c.field.Type
	if c.n > n {
		c.cut(n)
	}
	switch t.Kind {
	case Struct:
		for _, e := range c.children {
			e.truncate(c.n)
		}
	case FixedList:
		c.children[0].truncate(c.n * t.Width)
	case List, Map:
		c.children[0].truncate(int(c.offsets[c.n]))
	case LargeList:
		c.children[0].truncate(int(c.large[c.n]))
	}
}

func (c *ColumnBuilder) cut(n int) {
	t := c.field.Type
	c.n = n
	switch {
	case t.Kind == Null:
		c.nulls = n
	case c.valid != nil:
		c.valid = cutBits(c.valid, n)
		c.nulls = n - (&Bitmap{Bits: c.valid, Len: n}).Count()
	}
	switch t.Kind {
	case Bool:
		c.data = cutBits(c.data, n)
	case String, Binary:
		c.offsets = c.offsets[:n+1]
		c.data = c.data[:c.offsets[n]]
	case LargeString, LargeBinary:
		c.large = c.large[:n+1]
		c.data = c.data[:c.large[n]]
	case List, Map:
		c.offsets = c.offsets[:n+1]
	case LargeList:
		c.large = c.large[:n+1]
	default:
		c.data = c.data[:min(len(c.data), n*t.width()/8)]
	}
}

func cutBits(b []byte, n int) []byte {
	b = b[:(n+7)/8]
	if n&7 != 0 {
		b[len(b)-1] &= 1<<(n&7) - 1
	}
	return b
}
