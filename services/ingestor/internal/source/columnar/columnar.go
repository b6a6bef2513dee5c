// Package columnar reads files that hold Arrow's columns already: Parquet, and Arrow's IPC files and streams (Feather v2 is one). Columns that are as the
// plan wants them are passed on without a copy.
package columnar

import (
	"context"
	"errors"
	"fmt"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/file"
	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/files"
	"github.com/leathq/leat/services/ingestor/internal/source/table"
)

// Options is `type: parquet` and `type: arrow`.
type Options struct {
	files.Options `yaml:",inline"`
}

// New is a source.Maker.
func New(spec []byte, d source.Deps) (source.Source, error) {
	var o Options
	if err := source.Decode(spec, &o); err != nil {
		return nil, err
	}
	if err := o.Check(); err != nil {
		return nil, err
	}
	f := Parquet(o.Options.Options)
	if o.Type != "parquet" {
		f = Arrow(o.Options.Options)
	}
	return &files.Source{Tree: files.On(d), Format: f, Options: o.Options}, nil
}

// format is that of one kind of file. It implements files.Format.
type format struct {
	table.Options
	endings []string
	open    func(f files.File, o file.Options) (opened, error)
}

// opened is a file's reader and the pieces that can be read alone; nil where there are none.
type opened struct {
	file.Reader
	groups []file.RowGroup
}

// Parquet is the Format of Parquet files: their row groups can be read alone.
func Parquet(o table.Options) files.Format {
	return &format{o, []string{".parquet", ".pq", ".parq"}, func(f files.File, o file.Options) (opened, error) {
		r, err := file.OpenParquet(f, f.Size(), o)
		if err != nil {
			return opened{}, err
		}
		return opened{r, r.RowGroups()}, nil
	}}
}

// Arrow is the Format of Arrow's IPC files and streams.
func Arrow(o table.Options) files.Format {
	return &format{o, []string{".arrow", ".arrows", ".feather", ".ipc"}, func(f files.File, o file.Options) (opened, error) {
		r, err := file.OpenIPC(f, f.Size(), o)
		return opened{Reader: r}, err
	}}
}

// Takes implements files.Format.
func (f *format) Takes(name string) bool { return files.Ending(name, f.endings...) }

// options read columns up to the length of a record; nil are all.
func (f *format) options(columns []string) file.Options {
	l := file.DefaultLimits()
	l.MaxString = f.Record
	return file.Options{Columns: columns, Limits: l}
}

// Fields implements files.Format: those of the first file that has any; the others are held to them when they are cut into units.
func (f *format) Fields(ctx context.Context, t files.Tree, in []files.Input) ([]arrowio.Field, []string, error) {
	for _, e := range in {
		if e.Size == 0 {
			continue
		}
		o, err := t.Open(ctx, e.Name)
		if err != nil {
			return nil, nil, err
		}
		defer o.Close()
		r, err := f.open(o, f.options(nil))
		if err != nil {
			return nil, nil, explain(e.Name, o, err)
		}
		defer r.Close() //nolint:errcheck // only read
		s := r.Schema()
		return s.Fields, []string{fmt.Sprintf("schema of %s: %s", e.Name, s.String())}, nil
	}
	return nil, nil, source.Errorf(source.Missing, "all files are empty, so there is no schema; is whoever writes %s done?", in[0].Name)
}

// explain names the file, and says which errors another try would not mend.
func explain(name string, f files.File, err error) error {
	var limit *arrowio.LimitError
	var bad *arrowio.MalformedError
	switch {
	case errors.As(err, &limit):
		return source.Errorf(source.TooLarge, "%s: %w", name, err)
	case errors.As(err, &bad) && cut(f):
		return source.Errorf(source.Truncated, "%s: %w", name, err)
	case errors.As(err, &bad):
		return source.Errorf(source.Malformed, "%s: %w", name, err)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// cut says whether a Parquet or IPC file begins as one and does not end as one.
func cut(f files.File) bool {
	head, tail := make([]byte, 6), make([]byte, 6)
	if f.Size() < 12 {
		return f.Size() > 0
	}
	if _, err := f.ReadAt(head, 0); err != nil {
		return false
	}
	if _, err := f.ReadAt(tail, f.Size()-6); err != nil {
		return false
	}
	return string(head[:4]) == "PAR1" && string(tail[2:]) != "PAR1" || string(head) == "ARROW1" && string(tail) != "ARROW1"
}

// Units implements files.Format.
func (f *format) Units(_ context.Context, in files.Input, o files.File, l *table.Layout, size int64) ([]files.Unit, error) {
	r, err := f.open(o, f.options(nil))
	if err != nil {
		return nil, explain(in.Name, o, err)
	}
	defer r.Close() //nolint:errcheck // only read
	if _, err := table.NewColumns(l, r.Schema()); err != nil {
		return nil, source.Errorf(source.CodeOf(err), "%s: %w", in.Name, err)
	}
	if r.groups == nil {
		return []files.Unit{{Bytes: in.Size}}, nil
	}
	return units(r.groups, in.Size, size), nil
}

// units puts neighbouring row groups together, to about size bytes of the file each. What a group takes in the file is taken to be in proportion to
// what it says it takes in memory.
func units(groups []file.RowGroup, bytes, size int64) []files.Unit {
	total := int64(0)
	for _, g := range groups {
		total += max(g.Bytes, 1)
	}
	var out []files.Unit
	row := int64(0)
	for i, g := range groups {
		if len(out) == 0 || out[len(out)-1].Bytes >= size {
			out = append(out, files.Unit{Row: row})
		}
		u := &out[len(out)-1]
		u.Groups = append(u.Groups, i)
		u.Rows += g.Rows
		u.Bytes += max(int64(float64(bytes)*float64(max(g.Bytes, 1))/float64(total)), 1)
		row += g.Rows
	}
	return out
}
