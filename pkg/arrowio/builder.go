package arrowio

import (
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
)

// Builder makes batches column by column: every column gets one value (or null) a row, in any order of columns. It is used by one goroutine.
type Builder struct {
	schema  *Schema
	columns []*ColumnBuilder
}

// NewBuilder makes batches of a schema, which must not be changed after.
func NewBuilder(s *Schema) *Builder {
	b := &Builder{schema: s, columns: make([]*ColumnBuilder, len(s.Fields))}
	for i, f := range s.Fields {
		b.columns[i] = newColumnBuilder(f)
	}
	return b
}

// Schema is what was given to NewBuilder.
func (b *Builder) Schema() *Schema { return b.schema }

// Column is the builder of column i; it stays the same over batches.
func (b *Builder) Column(i int) *ColumnBuilder { return b.columns[i] }

// Rows is how many values the first column has: rows, where all have got theirs.
func (b *Builder) Rows() int {
	if len(b.columns) == 0 {
		return 0
	}
	return b.columns[0].n
}

// Bytes is how many bytes the values have so far. It is quick to ask.
func (b *Builder) Bytes() int64 {
	var n int64
	for _, c := range b.columns {
		n += c.Bytes()
	}
	return n
}

// Err is the first error that made a value impossible, such as one more string in 2 GiB of them.
func (b *Builder) Err() error {
	for _, c := range b.columns {
		if err := c.failed(); err != nil {
			return err
		}
	}
	return nil
}

// Truncate takes rows back: columns that have more values than rows lose the later ones. A record that turns out to be bad halfway is undone so.
func (b *Builder) Truncate(rows int) {
	for _, c := range b.columns {
		c.truncate(rows)
	}
}

// Batch is what was built, and the builder is empty again. It panics where columns have different numbers of values: a mistake in the caller; and
// returns nil after an error, which Err says.
func (b *Builder) Batch() *Batch {
	if b.Err() != nil {
		return nil
	}
	out := &Batch{schema: b.schema, columns: make([]*Column, len(b.columns)), rows: b.Rows()}
	for i, c := range b.columns {
		if c.n != out.rows {
			panic(fmt.Sprintf("arrowio: column %q has %d values, column %q has %d", c.field.Name, c.n, b.columns[0].field.Name, out.rows))
		}
		out.columns[i] = newColumn(c.field, c.take())
	}
	return out
}

// ColumnBuilder makes a column, or what is nested in one. Methods for another kind than the column's panic. Of a Dictionary, values are given as
// those of its value type.
type ColumnBuilder struct {
	field    Field
	n, nulls int
	valid    []byte // nil while there are no nulls
	data     []byte // fixed-width values, bits of bools, bytes of strings
	offsets  []int32
	large    []int64
	children []*ColumnBuilder
	known    map[string]int // Dictionary: index by value
	dtype    arrow.DataType
	most     int64 // bytes of text, or elements, that 32-bit offsets reach over
	err      error
}

func newColumnBuilder(f Field) *ColumnBuilder {
	c := &ColumnBuilder{field: f, dtype: dataType(f.Type), most: math.MaxInt32}
	switch f.Type.Kind {
	case String, Binary, List:
		c.offsets = []int32{0}
	case LargeString, LargeBinary, LargeList:
		c.large = []int64{0}
	case Map:
		c.offsets = []int32{0}
		c.children = []*ColumnBuilder{newColumnBuilder(Field{Name: "entries", Type: Type{Kind: Struct, Elem: f.Type.Elem}})}
		return c
	case Dictionary:
		c.known = map[string]int{}
	}
	for _, e := range f.Type.Elem {
		c.children = append(c.children, newColumnBuilder(e))
	}
	return c
}

// Field is the column's name and type.
func (c *ColumnBuilder) Field() Field { return c.field }

// Len is how many values there are, nulls included.
func (c *ColumnBuilder) Len() int { return c.n }

// Bytes is how many bytes the values have so far.
func (c *ColumnBuilder) Bytes() int64 {
	n := int64(len(c.data) + len(c.valid) + 4*len(c.offsets) + 8*len(c.large))
	for _, e := range c.children {
		n += e.Bytes()
	}
	return n
}

func (c *ColumnBuilder) failed() error {
	if c.err != nil {
		return c.err
	}
	for _, e := range c.children {
		if err := e.failed(); err != nil {
			return err
		}
	}
	return nil
}

func (c *ColumnBuilder) must(ok bool, method string) {
	if !ok {
		panic(fmt.Sprintf("arrowio: %s on the builder of column %q, which is %s", method, c.field.Name, c.field.Type))
	}
}

// one counts a value that is not null.
func (c *ColumnBuilder) one() {
	if c.valid != nil {
		c.bit(&c.valid, true)
	}
	c.n++
}

func (c *ColumnBuilder) bit(to *[]byte, v bool) {
	if c.n&7 == 0 {
		*to = append(*to, 0)
	}
	if v {
		(*to)[c.n>>3] |= 1 << (c.n & 7)
	}
}

// Null appends a null.
func (c *ColumnBuilder) Null() {
	t := c.field.Type
	if t.Kind == Null {
		c.n, c.nulls = c.n+1, c.nulls+1
		return
	}
	if c.valid == nil {
		c.valid = ones(c.n)
	}
	c.bit(&c.valid, false)
	switch t.Kind {
	case Bool:
		c.bit(&c.data, false)
	case Struct:
		for _, e := range c.children {
			e.Null()
		}
	case FixedList:
		for range t.Width {
			c.children[0].Null()
		}
	case String, Binary, LargeString, LargeBinary, List, LargeList, Map:
		c.end()
	default:
		c.data = append(c.data, make([]byte, t.width()/8)...)
	}
	c.n, c.nulls = c.n+1, c.nulls+1
}

// ones is n bits that are one, and the rest of the last byte zero.
func ones(n int) []byte {
	b := make([]byte, (n+7)/8, (n+7)/8+64)
	for i := range b {
		b[i] = 0xff
	}
	if n&7 != 0 {
		b[len(b)-1] = 1<<(n&7) - 1
	}
	return b
}
