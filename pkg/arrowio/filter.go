package arrowio

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// Filter is the rows whose bit is one, in order. Where all or none are, nothing is copied; else work and memory are linear in what is kept.
// keep must have as many bits as there are rows.
func (b *Batch) Filter(keep *Bitmap) (*Batch, error) {
	if keep == nil {
		return b, nil
	}
	if keep.Len != b.rows {
		return nil, fmt.Errorf("filter a batch: %d bits for %d rows", keep.Len, b.rows)
	}
	var r runs
	keep.runs(r.add)
	return b.gather(r)
}

// Take is the rows of the given numbers, which must ascend.
func (b *Batch) Take(rows []int) (*Batch, error) {
	var r runs
	for i, n := range rows {
		if n < 0 || n >= b.rows || i > 0 && n <= rows[i-1] {
			return nil, fmt.Errorf("take rows of a batch: row %d is not one of %d in ascending order", n, b.rows)
		}
		r.add(n, n+1)
	}
	return b.gather(r)
}

func (b *Batch) gather(r runs) (*Batch, error) {
	switch {
	case r.n == 0:
		return b.Slice(0, 0), nil
	case len(r.list) == 1:
		return b.Slice(r.list[0].from, r.list[0].to), nil
	}
	out := &Batch{schema: b.schema, columns: make([]*Column, len(b.columns)), rows: r.n}
	for i, c := range b.columns {
		d, err := gather(c.field.Type, parts{{c.data, r}})
		if err != nil {
			return nil, fmt.Errorf("filter a batch: column %q: %w", c.field.Name, err)
		}
		out.columns[i] = newColumn(c.field, d)
	}
	return out, nil
}

// Concat is the rows of batches of one schema, one after another. Dictionaries that differ are made one. An error names the column that differs, or
// that 32-bit offsets cannot reach over.
func Concat(bs ...*Batch) (*Batch, error) {
	switch len(bs) {
	case 0:
		return nil, fmt.Errorf("concatenate batches: none was given")
	case 1:
		return bs[0], nil
	}
	s, rows := bs[0].schema, 0
	for i, b := range bs {
		if d := s.Difference(b.schema); b.schema != s && d != "" {
			return nil, fmt.Errorf("concatenate batches: in batch %d, %s", i, d)
		}
		rows += b.rows
	}
	out := &Batch{schema: s, columns: make([]*Column, len(s.Fields)), rows: rows}
	for i, f := range s.Fields {
		p := make(parts, len(bs))
		for j, b := range bs {
			p[j] = whole(b.columns[i].data)
		}
		d, err := gather(f.Type, p)
		if err != nil {
			return nil, fmt.Errorf("concatenate batches: column %q: %w", f.Name, err)
		}
		out.columns[i] = newColumn(f, d)
	}
	return out, nil
}

// Reinterpret is the batch under a schema whose types lie in memory as its own do, such as numbers for durations. For packages below this one.
func (b *Batch) Reinterpret(s *Schema) *Batch {
	out := &Batch{schema: s, rows: b.rows, columns: make([]*Column, len(b.columns))}
	for i, c := range b.columns {
		out.columns[i] = &Column{field: s.Fields[i], data: retypeUnless(dataType(s.Fields[i].Type), s.Fields[i].Type, c.data), nulls: c.nulls}
	}
	return out
}

// retype is the same data under the type's library form.
func retype(t Type, d arrow.ArrayData) arrow.ArrayData {
	var children []arrow.ArrayData
	for i, c := range d.Children() {
		e := t.Elem
		if t.Kind != Struct {
			e, i = []Field{{Type: elemOf(t)}}, 0
		}
		children = append(children, retype(e[i].Type, c))
	}
	out := array.NewData(dataType(t), d.Len(), d.Buffers(), children, d.NullN(), d.Offset())
	if t.Kind == Dictionary {
		out.SetDictionary(retype(t.Elem[0].Type, dictionaryOf(d)))
	}
	return out
}
