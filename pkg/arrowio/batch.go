package arrowio

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// Batch is an immutable record batch: rows of a schema's columns. Concurrent reads are safe. Its memory, and that of every view of it, is the
// garbage collector's: a small slice keeps the whole of what it was cut from.
type Batch struct {
	schema  *Schema
	columns []*Column
	rows    int
}

// NewBatch makes a batch of columns that are as long as rows says and have the schema's types; any other is an error that names the column.
func NewBatch(s *Schema, rows int, columns ...*Column) (*Batch, error) {
	if len(columns) != len(s.Fields) {
		return nil, fmt.Errorf("make a batch: the schema has %d columns, %d were given", len(s.Fields), len(columns))
	}
	out := make([]*Column, len(columns))
	for i, c := range columns {
		f := s.Fields[i]
		if c.Len() != rows {
			return nil, fmt.Errorf("make a batch: column %q has %d rows, not %d", f.Name, c.Len(), rows)
		}
		if !c.field.Type.Equal(f.Type) {
			return nil, fmt.Errorf("make a batch: column %q is %s, not %s; cast it or change the schema", f.Name, c.field.Type, f.Type)
		}
		out[i] = &Column{field: f, data: c.data, nulls: c.nulls}
	}
	return &Batch{schema: s, columns: out, rows: rows}, nil
}

// Schema is the batch's schema. It must not be changed.
func (b *Batch) Schema() *Schema { return b.schema }

// Rows is how many rows there are.
func (b *Batch) Rows() int { return b.rows }

// Column is column i, a view without copies.
func (b *Batch) Column(i int) *Column { return b.columns[i] }

// Bytes is the size of what the batch's rows really use of its buffers, padding left out. A dictionary counts whole.
func (b *Batch) Bytes() int64 {
	var n int64
	for _, c := range b.columns {
		n += bytesOf(c.data)
	}
	return n
}

// Slice is the rows from (included) to to (excluded), without a copy. It panics where they are not rows, as a Go slice does.
func (b *Batch) Slice(from, to int) *Batch {
	if from < 0 || to < from || to > b.rows {
		panic(fmt.Sprintf("arrowio: rows %d to %d of %d", from, to, b.rows))
	}
	if from == 0 && to == b.rows {
		return b
	}
	out := &Batch{schema: b.schema, columns: make([]*Column, len(b.columns)), rows: to - from}
	for i, c := range b.columns {
		out.columns[i] = c.slice(from, to)
	}
	return out
}

// Select is the columns named by their indices, in that order, without a copy.
func (b *Batch) Select(columns ...int) *Batch {
	s := &Schema{Metadata: b.schema.Metadata}
	out := &Batch{schema: s, rows: b.rows}
	for _, i := range columns {
		s.Fields = append(s.Fields, b.schema.Fields[i])
		out.columns = append(out.columns, b.columns[i])
	}
	return out
}

// With is the batch with a column more, or with this one in place of the first of its name. The column's type and length must fit.
func (b *Batch) With(f Field, c *Column) (*Batch, error) {
	s := &Schema{Fields: slices.Clone(b.schema.Fields), Metadata: b.schema.Metadata}
	columns := slices.Clone(b.columns)
	if i := s.Index(f.Name); i >= 0 {
		s.Fields[i], columns[i] = f, c
	} else {
		s.Fields, columns = append(s.Fields, f), append(columns, c)
	}
	return NewBatch(s, b.rows, columns...)
}

// WithSchema is the batch under another schema whose types are the same: other names, nullability or metadata.
func (b *Batch) WithSchema(s *Schema) (*Batch, error) { return NewBatch(s, b.rows, b.columns...) }

// FromArrow takes a batch of the library's, whose buffers it keeps. An error names a column whose type is refused. For packages below this one.
func FromArrow(rec arrow.RecordBatch) (*Batch, error) {
	s, err := SchemaOf(rec.Schema())
	if err != nil {
		return nil, err
	}
	return fromArrays(s, rec.Columns(), int(rec.NumRows())), nil
}

func fromArrays(s *Schema, cols []arrow.Array, rows int) *Batch {
	b := &Batch{schema: s, columns: make([]*Column, len(cols)), rows: rows}
	for i, c := range cols {
		d := c.Data()
		if !arrow.TypeEqual(dataType(s.Fields[i].Type), d.DataType()) { // an extension, somewhere in it
			d = retype(s.Fields[i].Type, d)
		}
		b.columns[i] = newColumn(s.Fields[i], d)
	}
	return b
}

// Arrow is the batch as the library has it, over the same buffers. For packages below this one.
func (b *Batch) Arrow() arrow.RecordBatch {
	cols := make([]arrow.Array, len(b.columns))
	for i, c := range b.columns {
		cols[i] = array.MakeFromData(c.data)
	}
	return array.NewRecordBatch(arrowSchema(b.schema), cols, int64(b.rows))
}
