package csv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/files"
	"github.com/leathq/leat/services/ingestor/internal/source/lines"
	"github.com/leathq/leat/services/ingestor/internal/source/table"
)

// Format is that of delimited text, with the options, checked, that it is read by. It implements files.Format.
type Format struct{ Options }

var _ files.Format = Format{}

// Takes implements files.Format.
func (f Format) Takes(name string) bool {
	if f.Type == "tsv" {
		return files.Ending(name, ".tsv", ".tab")
	}
	return files.Ending(name, ".csv")
}

// open reads a file's records from a place on; its beginning is the first record, header or not.
func (f Format) open(file files.File, name string, at files.Place) (*records, io.Closer, error) {
	in, err := files.Unpack(file, name, at.Offset, 0)
	if err != nil {
		return nil, nil, err
	}
	r := &records{cutter: newCutter(&f.Options), Reader: lines.NewReader(in, at.Offset, at.Line, f.Record), name: name, longest: f.Record}
	if at != (files.Place{}) {
		return r, in, nil
	}
	for range f.Skip {
		if _, _, err := r.Next(); err != nil && !errors.Is(err, io.EOF) {
			return nil, nil, errors.Join(err, in.Close())
		}
	}
	return r, in, nil
}

// names are those of a file's columns; nil where the file has no record at all.
func (f Format) names(file files.File, name string) ([]string, error) {
	if len(f.Header.names) > 0 {
		return f.Header.names, nil
	}
	r, end, err := f.open(file, name, files.Place{})
	if err != nil {
		return nil, err
	}
	defer end.Close()
	fields, number, _, err := r.filled()
	var b *bad
	switch {
	case errors.Is(err, io.EOF):
		return nil, nil
	case errors.As(err, &b):
		return nil, source.Errorf(source.Malformed, "%s, line %d: the header cannot be read: %s", name, number, b.reason)
	case err != nil:
		return nil, err
	}
	out := make([]string, len(fields))
	for i, v := range fields {
		if out[i] = strings.TrimSpace(string(v)); f.Header.absent {
			out[i] = fmt.Sprintf("c%d", i)
		}
		if out[i] == "" {
			return nil, source.Errorf(source.Malformed, "%s, line %d: column %d of the header has no name; give the names with `header: [a, b]` and `skip_lines: %d`", name, number, i+1, number)
		}
		if slices.Contains(out[:i], out[i]) {
			return nil, source.Errorf(source.Schema, "%s, line %d: the header has %q twice; give the names with `header: [a, b]` and `skip_lines: %d`", name, number, out[i], number)
		}
	}
	return out, nil
}

// filled is next without blank lines.
func (r *records) filled() (fields [][]byte, number int64, raw []byte, err error) {
	for {
		if fields, number, raw, err = r.next(); err != nil || len(raw) > 0 {
			return fields, number, raw, err
		}
	}
}

// body is open behind the header.
func (f Format) body(file files.File, name string, at files.Place) (*records, io.Closer, error) {
	r, end, err := f.open(file, name, at)
	if err != nil || at != (files.Place{}) || f.Header.absent {
		return r, end, err
	}
	if _, _, _, err := r.filled(); err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, errors.Join(err, end.Close())
	}
	return r, end, nil
}

// Fields implements files.Format: columns in the order of the first file, types of the first records.
func (f Format) Fields(ctx context.Context, t files.Tree, in []files.Input) ([]arrowio.Field, []string, error) {
	shape, left, n := &table.Shape{}, f.Sample, 0
	for _, e := range in {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		if left == 0 || e.Size == 0 {
			continue
		}
		n++
		if err := f.sample(ctx, t, e, shape, &left); err != nil {
			return nil, nil, err
		}
	}
	fields, err := shape.Fields(nil)
	switch {
	case err != nil:
		return nil, nil, err
	case len(fields) == 0:
		return nil, nil, source.Errorf(source.Schema, "there is no record in %s, so there is no schema to infer; are the files empty?", in[0].Name)
	}
	s := arrowio.Schema{Fields: fields}
	return fields, []string{fmt.Sprintf("schema inferred from %d records of %d file(s): %s", f.Sample-left, n, s.String())}, nil
}

// sample notes the types of the first records of a file. Those that are bad are left for the reading, which refuses them one by one.
func (f Format) sample(ctx context.Context, t files.Tree, e files.Input, shape *table.Shape, left *int) error {
	file, err := t.Open(ctx, e.Name)
	if err != nil {
		return err
	}
	defer file.Close()
	names, err := f.names(file, e.Name)
	if err != nil || names == nil {
		return err
	}
	for _, n := range names {
		shape.Field(n)
	}
	r, end, err := f.body(file, e.Name, files.Place{})
	if err != nil {
		return err
	}
	defer end.Close()
	for tries := 10 * f.Sample; *left > 0 && tries > 0; tries-- {
		fields, number, _, err := r.filled()
		var b *bad
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &b) || err == nil && len(fields) != len(names):
			continue
		case err != nil:
			return err
		}
		see(shape, names, fields, fmt.Sprintf("%s, line %d", e.Name, number))
		*left--
	}
	return nil
}

func see(shape *table.Shape, names []string, fields [][]byte, where string) {
	for i, v := range fields {
		if v != nil {
			shape.Field(names[i]).Widen(table.Literal(v), where)
		}
	}
}

// Units implements files.Format: a file is never split, as only reading it tells a line end from one inside quotes.
func (f Format) Units(_ context.Context, in files.Input, file files.File, l *table.Layout, _ int64) ([]files.Unit, error) {
	names, err := f.names(file, in.Name)
	if err != nil || names == nil {
		return nil, err
	}
	if _, err := f.flat(in.Name, names, l); err != nil {
		return nil, err
	}
	return []files.Unit{{Bytes: in.Size}}, nil
}

// flat pairs a file's columns with the layout's.
func (f Format) flat(file string, names []string, l *table.Layout) (*table.Flat, error) {
	flat, err := table.NewFlat(l, names)
	if err != nil {
		return nil, err
	}
	if err := flat.Unused(); err != nil {
		return nil, source.Errorf(source.Schema, "%s: %w", file, err)
	}
	if m := flat.Missing(l); len(m) > 0 {
		return nil, source.Errorf(source.Schema, "%s has no column %q%s; it has %s. Give the column a `default`, or leave the file out",
			file, m[0], source.Suggest(m[0], names), strings.Join(names, ", "))
	}
	return flat, nil
}

// Open implements files.Format.
func (f Format) Open(_ context.Context, file files.File, u files.Unit, at files.Place, s *table.Sink) (files.Reader, error) {
	names, err := f.names(file, u.File)
	if err != nil {
		return nil, err
	}
	flat, err := f.flat(u.File, names, s.Layout())
	if err != nil {
		return nil, err
	}
	r, end, err := f.body(file, u.File, at)
	if err != nil {
		return nil, err
	}
	return &reader{records: r, Closer: end, flat: flat, names: names, place: files.Place{Offset: r.Offset(), Line: r.Number()}}, nil
}

type reader struct {
	*records
	io.Closer
	flat  *table.Flat
	names []string
	place files.Place // where the record begins that comes next
}

// Place implements files.Reader.
func (r *reader) Place() files.Place { return r.place }

// Fill implements files.Reader.
func (r *reader) Fill(_ context.Context, s *table.Sink) error {
	for !s.Full() {
		fields, number, raw, err := r.filled()
		var b *bad
		if err != nil && !errors.As(err, &b) {
			return err
		}
		r.place = files.Place{Offset: r.Offset(), Line: r.Number()}
		switch {
		case b != nil:
			s.Reject(number, b.reason, raw)
			continue
		case len(fields) != len(r.names):
			s.Reject(number, fmt.Sprintf("has %d fields, and there are %d columns", len(fields), len(r.names)), raw)
			continue
		}
		if err = r.flat.Put(s, fields, utf8.Valid(raw)); err == nil {
			err = s.Done(len(raw))
		}
		if err != nil {
			s.Reject(number, err.Error(), raw)
		}
	}
	return nil
}
