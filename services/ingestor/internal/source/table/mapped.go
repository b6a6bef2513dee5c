package table

import (
	"encoding/json"
	"fmt"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source"
)

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
