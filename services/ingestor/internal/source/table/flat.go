package table

import (
	"fmt"
	"strings"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source"
)

// Flat puts records of named texts (the fields of CSV, the headers of WARC) into the columns of a layout. It is used by one goroutine.
type Flat struct {
	columns []flatColumn
	unused  []string // names that no column takes, where the layout refuses those
}

type flatColumn struct {
	column, at int // at < 0: no such name
	text       bool
	cast       bool
}

// NewFlat pairs columns with the names that records have, in the order in which Put gets their values. An error names a column that needs a path or a
// type that texts cannot give.
func NewFlat(l *Layout, names []string) (*Flat, error) {
	at := make(map[string]int, len(names))
	for i, n := range names {
		at[n] = i
	}
	f, used := &Flat{}, map[string]bool{}
	for _, d := range l.Drops {
		used[d] = true
	}
	for i, field := range l.Fields {
		if len(field.From) == 0 || field.Implicit {
			continue
		}
		if len(field.From) > 1 || field.JSON {
			return nil, source.Errorf(source.Invalid, "source: column %q: these records are flat; neither `from: %s` nor `type: json` can be read from them", field.Name, path(field.From))
		}
		t, err := arrowio.ParseType(field.Type)
		if err != nil || !FromText(t) {
			return nil, source.Errorf(source.Invalid, "source: column %q: a %s cannot be read from text", field.Name, field.Type)
		}
		c := flatColumn{column: i, at: -1, cast: field.Cast, text: t.Kind == arrowio.String || t.Kind == arrowio.LargeString || t.Kind == arrowio.Dictionary}
		if n, ok := at[field.From[0].Key]; ok {
			c.at, used[field.From[0].Key] = n, true
		}
		f.columns = append(f.columns, c)
	}
	for _, n := range names {
		if l.Rest == Refuse && !used[n] {
			f.unused = append(f.unused, n)
		}
	}
	return f, nil
}

// Unused says which names no column takes, where the layout refuses that; empty where all is well.
func (f *Flat) Unused() error {
	if len(f.unused) == 0 {
		return nil
	}
	return fmt.Errorf("no column takes %s; name it under `columns` or `drop`", strings.Join(f.unused, ", "))
}

// Missing are the columns whose names the records do not have, and that have no default.
func (f *Flat) Missing(l *Layout) []string {
	var out []string
	for _, c := range f.columns {
		if c.at < 0 && len(l.Fields[c.column].Default) == 0 {
			out = append(out, path(l.Fields[c.column].From))
		}
	}
	return out
}

// Put gives the columns a record's values; nil is a null. Valid says that they are known to be UTF-8. An error is the reason to refuse the record.
func (f *Flat) Put(s *Sink, values [][]byte, valid bool) error {
	for _, c := range f.columns {
		if c.at < 0 || c.at >= len(values) || values[c.at] == nil {
			if err := s.Absent(c.column); err != nil {
				return err
			}
			continue
		}
		if err := c.put(s, values[c.at], valid); err != nil {
			return err
		}
	}
	return nil
}

func (c flatColumn) put(s *Sink, v []byte, valid bool) error {
	b := s.Column(c.column)
	if c.text && valid {
		b.Binary(v)
		return nil
	}
	if c.text {
		text, err := s.Text(v)
		if err != nil {
			return fmt.Errorf("column %q: %w", b.Field().Name, err)
		}
		b.Binary(text)
		return nil
	}
	if k := b.Field().Type.Kind; !c.cast && (k == arrowio.Int64 || k == arrowio.Float64 || k == arrowio.Bool) {
		return appendLiteral(b, v)
	}
	return AppendText(b, v)
}
