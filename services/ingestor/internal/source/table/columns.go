package table

import (
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
