package table

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source"
)

// Columns turns batches of a file's schema into batches of a layout's. Columns that are as wanted are taken without a copy. One goroutine.
type Columns struct {
	layout *Layout
	schema *arrowio.Schema
	from   []mapping
	needs  []string
}

// mapping is where a column of the layout comes from.
type mapping struct {
	at   int // of what is needed; -1: not of the file
	same bool
}

// NewColumns pairs a layout with a file's schema. An error names the column that the file lacks, or has otherwise.
func NewColumns(l *Layout, file *arrowio.Schema) (*Columns, error) {
	c := &Columns{layout: l, schema: l.Schema()}
	used := map[string]bool{}
	for _, d := range l.Drops {
		used[d] = true
	}
	for i := range l.Fields {
		m, err := c.pair(i, file, used)
		if err != nil {
			return nil, err
		}
		c.from = append(c.from, m)
	}
	for _, f := range file.Fields {
		if l.Rest == Refuse && !used[f.Name] {
			return nil, source.Errorf(source.Schema, "it has a column %q (%s) that no column takes; name it under `columns` or `drop`", f.Name, f.Type)
		}
	}
	return c, nil
}

func (c *Columns) pair(i int, file *arrowio.Schema, used map[string]bool) (mapping, error) {
	f := &c.layout.Fields[i]
	if len(f.From) == 0 || f.Implicit {
		if f.Implicit {
			used[f.From[0].Key] = true // some writers leave it in the file
		}
		return mapping{at: -1}, nil
	}
	g, ok := reach(file.Fields, f.From)
	switch {
	case !ok && (len(f.Default) > 0 || f.Loose && f.Nullable):
		return mapping{at: -1}, nil
	case !ok:
		return mapping{}, source.Errorf(source.Schema, "it has no column %q%s; it has %s. Give the column a `default`, or leave the file out",
			path(f.From), source.Suggest(path(f.From), namesOf(file.Fields)), strings.Join(namesOf(file.Fields), ", "))
	}
	same := g.Type.Equal(c.schema.Fields[i].Type) && len(f.From) == 1 && !f.JSON
	if !same && !f.Cast && !f.Loose && len(f.From) == 1 {
		return mapping{}, source.Errorf(source.Schema, "its column %q is %s, and the plan has %s; declare a `type` for the column to have it cast, or leave the file out", path(f.From), g.Type, f.Type)
	}
	name := f.From[0].Key
	used[name] = true
	at := slices.Index(c.needs, name)
	if at < 0 {
		at, c.needs = len(c.needs), append(c.needs, name)
	}
	return mapping{at: at, same: same}, nil
}

// Needs are the file's columns that Map wants, in its order.
func (c *Columns) Needs() []string { return c.needs }

// Map is a batch of the columns that are needed as the layout wants it. First is the number of its first row, from 1. Rows that do not fit go to the
// sink as refused records, with their values as JSON.
func (c *Columns) Map(s *Sink, in *arrowio.Batch, first int64) (*arrowio.Batch, error) {
	t := &mapped{columns: c, sink: s, in: in}
	cols := make([]*arrowio.Column, len(c.from))
	for i, m := range c.from {
		var err error
		if cols[i], err = t.column(i, m); err != nil {
			return nil, err
		}
	}
	out, err := arrowio.NewBatch(c.schema, in.Rows(), cols...)
	if err != nil {
		return nil, fmt.Errorf("map columns: %w", err)
	}
	if len(t.bad) == 0 {
		return out, nil
	}
	keep := arrowio.NewBitmap(in.Rows())
	for row := range in.Rows() {
		reason, bad := t.bad[row]
		if !bad {
			keep.Set(row)
			continue
		}
		s.rejects = append(s.rejects, source.Refuse(s.file, first+int64(row), reason, rowJSON(in, row)))
		s.kept += int64(len(reason)) + 64
	}
	return out.Filter(keep)
}

// mapped is the work on one batch.
type mapped struct {
	columns *Columns
	sink    *Sink
	in      *arrowio.Batch
	bad     map[int]string // by row: the first reason
}

func (t *mapped) refuse(row int, err error) {
	if t.bad == nil {
		t.bad = map[int]string{}
	}
	if _, ok := t.bad[row]; !ok {
		t.bad[row] = err.Error()
	}
}

func (t *mapped) column(i int, m mapping) (*arrowio.Column, error) {
	switch {
	case m.at < 0:
		return t.constant(i)
	case !m.same:
		return t.cast(i, t.in.Column(m.at))
	}
	col := t.in.Column(m.at)
	field := t.columns.schema.Fields[i]
	if col.Nulls() > 0 && !field.Nullable {
		if t.sink.defaults[i] != nil {
			return t.cast(i, col)
		}
		for row := range col.Len() {
			if col.IsNull(row) {
				t.refuse(row, fmt.Errorf("column %q must not be null", field.Name))
			}
		}
	}
	return t.text(i, col)
}

// text looks at a column's text: what is not UTF-8 is replaced where the layout says so, and else refused.
func (t *mapped) text(i int, col *arrowio.Column) (*arrowio.Column, error) {
	limits := arrowio.Limits{ValidateUTF8: true}
	one, err := arrowio.NewBatch(&arrowio.Schema{Fields: []arrowio.Field{col.Field()}}, col.Len(), col)
	if err != nil || one.Check(limits, 0) == nil {
		return col, err
	}
	if k := col.Kind(); t.columns.layout.UTF8 == Replace && (k == arrowio.String || k == arrowio.LargeString) {
		return t.cast(i, col)
	}
	for row := range col.Len() {
		if one.Slice(row, row+1).Check(limits, 0) != nil {
			t.refuse(row, fmt.Errorf("column %q: is not UTF-8 (`invalid_utf8: replace` takes such text with U+FFFD)", col.Field().Name))
		}
	}
	return col, nil
}

// constant is a column that does not come from the file's rows.
func (t *mapped) constant(i int) (*arrowio.Column, error) {
	v := t.sink.defaults[i]
	for _, f := range t.sink.fixed {
		if f.column == i {
			v = f.value
		}
	}
	builder := t.builder(i)
	b := builder.Column(0)
	for range t.in.Rows() {
		if v == nil {
			b.Null()
			continue
		}
		if err := AppendValue(b, v, true); err != nil {
			return nil, source.Errorf(source.Schema, "%s: %w", t.sink.file, err)
		}
	}
	return t.built(builder)
}

// builder makes column i alone.
func (t *mapped) builder(i int) *arrowio.Builder {
	return arrowio.NewBuilder(&arrowio.Schema{Fields: t.columns.schema.Fields[i : i+1]})
}

func (t *mapped) built(b *arrowio.Builder) (*arrowio.Column, error) {
	if err := b.Err(); err != nil {
		return nil, source.Errorf(source.TooLarge, "%s: %w", t.sink.file, err)
	}
	return b.Batch().Column(0), nil
}

func (t *mapped) cast(i int, col *arrowio.Column) (*arrowio.Column, error) {
	f, builder := &t.columns.layout.Fields[i], t.builder(i)
	b := builder.Column(0)
	for row := range col.Len() {
		err := t.put(f, i, b, col.Value(row))
		if err != nil {
			t.refuse(row, err)
			b.Null() // in place of a value that goes with its row
		}
	}
	return t.built(builder)
}

func (t *mapped) put(f *Field, i int, b *arrowio.ColumnBuilder, v any) error {
	v = drill(v, f.From[1:])
	if v == nil {
		return t.sink.absent(i, b)
	}
	if f.JSON {
		raw, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("column %q: %w", f.Name, err)
		}
		v = string(raw)
	}
	if s, ok := v.(string); ok {
		clean, err := t.sink.Text([]byte(s))
		if err != nil {
			return fmt.Errorf("column %q: %w", f.Name, err)
		}
		v = string(clean)
	}
	return AppendValue(b, v, f.Cast)
}

// drill goes from a value to what is nested in it; nil where that is not there.
func drill(v any, steps []Step) any {
	for _, s := range steps {
		switch t := v.(type) {
		case map[string]any:
			if s.Index != nil {
				return nil
			}
			v = t[s.Key]
		case []any:
			if s.Index == nil || *s.Index >= len(t) {
				return nil
			}
			v = t[*s.Index]
		default:
			return nil
		}
	}
	return v
}

// rowJSON is a row for people.
func rowJSON(b *arrowio.Batch, row int) []byte {
	m := make(map[string]any, len(b.Schema().Fields))
	for i, f := range b.Schema().Fields {
		m[f.Name] = b.Column(i).Value(row)
	}
	raw, err := json.Marshal(m)
	if err != nil { // JSON has no NaN
		return fmt.Append(nil, m)
	}
	return raw
}

// Piece gives the sink rows that are in columns already.
func (s *Sink) Piece(b *arrowio.Batch) {
	if b.Rows() > 0 {
		s.pieces = append(s.pieces, b)
		s.bytes += b.Bytes()
	}
}

// Pieces cuts a batch so that each piece fits a chunk beside what may be there already; a row is never cut. The cuts depend on the batch alone.
func (s *Sink) Pieces(b *arrowio.Batch) []*arrowio.Batch {
	most := max(s.limits.Batch*6/10, 1)
	n := int((b.Bytes() + most - 1) / most)
	if n <= 1 || b.Rows() <= 1 {
		return []*arrowio.Batch{b}
	}
	n = min(n, b.Rows())
	var out []*arrowio.Batch
	for i := range n {
		p := b.Slice(i*b.Rows()/n, (i+1)*b.Rows()/n)
		if p.Rows() > 1 && p.Rows() < b.Rows() && p.Bytes() > most*5/4 {
			out = append(out, s.Pieces(p)...)
			continue
		}
		out = append(out, p)
	}
	return out
}
