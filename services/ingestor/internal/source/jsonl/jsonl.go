// Package jsonl reads JSON Lines: one object a line, packed or not. Values go from the text straight into columns.
package jsonl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/files"
	"github.com/leathq/leat/services/ingestor/internal/source/lines"
	"github.com/leathq/leat/services/ingestor/internal/source/table"
)

// Options is `type: jsonl`.
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
	return &files.Source{Tree: files.On(d), Format: Format{o.Options.Options}, Options: o.Options}, nil
}

// Format is that of JSON Lines, with the options that its records are read by. It implements files.Format.
type Format struct{ table.Options }

var _ files.Format = Format{}

// Takes implements files.Format.
func (Format) Takes(name string) bool { return files.Ending(name, ".jsonl", ".ndjson", ".json") }

// Fields implements files.Format.
func (f Format) Fields(ctx context.Context, t files.Tree, in []files.Input) ([]arrowio.Field, []string, error) {
	shape, left, n := &table.Shape{}, f.Sample, 0
	for _, e := range in {
		if left == 0 {
			break
		}
		if e.Size == 0 {
			continue
		}
		before := left
		if err := f.sample(ctx, t, e, shape, &left); err != nil {
			return nil, nil, err
		}
		if left < before {
			n++
		}
	}
	fields, err := shape.Fields(f.Skips())
	if err != nil {
		return nil, nil, err
	}
	if f.Sample == left {
		return nil, nil, source.Errorf(source.Schema, "none of the records can be read, so there is no schema to infer; are these JSON Lines? The first file is %s", in[0].Name)
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
	r, err := files.Unpack(file, e.Name, 0, 0)
	if err != nil {
		return err
	}
	defer r.Close()
	l := lines.NewReader(r, 0, 0, f.Record)
	for bad := 0; *left > 0 && bad < f.Sample; {
		line, long, err := l.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if line, err = head(line, l.Number(), e.Name); err != nil {
			return err
		}
		if long || blank(line) {
			continue
		}
		if observe(shape, line, fmt.Sprintf("%s, line %d", e.Name, l.Number())) != nil {
			bad++
			continue
		}
		*left--
	}
	return nil
}

// head takes the byte order mark off a first line; that of UTF-16 is an error.
func head(line []byte, number int64, name string) ([]byte, error) {
	if number != 1 {
		return line, nil
	}
	return files.Begin(line, name)
}

func blank(line []byte) bool { return len(bytes.TrimSpace(line)) == 0 }

// Units implements files.Format: a plain file may be read from any line on.
func (Format) Units(ctx context.Context, in files.Input, f files.File, _ *table.Layout, size int64) ([]files.Unit, error) {
	return files.ByLines(ctx, in, f, size)
}

// Open implements files.Format.
func (f Format) Open(_ context.Context, file files.File, u files.Unit, at files.Place, s *table.Sink) (files.Reader, error) {
	lr, err := files.OpenLines(file, u, at, s.Limits().Record)
	if err != nil {
		return nil, err
	}
	return &reader{Lines: lr, name: u.File, p: newParser(s)}, nil
}

type reader struct {
	*files.Lines
	name string
	p    *parser
}

// Fill implements files.Reader.
func (r *reader) Fill(_ context.Context, s *table.Sink) error {
	for !s.Full() {
		line, long, err := r.Next()
		if err != nil {
			return err
		}
		if line, err = head(line, r.Number(), r.name); err != nil {
			return err
		}
		switch {
		case long:
			s.Reject(r.Number(), fmt.Sprintf("the line is longer than %d bytes (`max_record_bytes`)", s.Limits().Record), line)
		case blank(line):
		default:
			if err := r.p.record(line); err != nil {
				s.Reject(r.Number(), err.Error(), line)
			}
		}
	}
	return nil
}
