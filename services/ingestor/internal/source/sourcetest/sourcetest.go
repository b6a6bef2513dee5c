// Package sourcetest reads sources whole, for tests, and checks on the way what every source promises.
package sourcetest

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source"
)

// Result is all that a source gave.
type Result struct {
	Plan    *source.Plan
	Rows    []map[string]any
	Rejects []source.Reject
	Chunks  []*source.Chunk
	Err     error // of reading, when not the end
}

// Column is a column's values over all rows.
func (r *Result) Column(name string) []any {
	out := make([]any, len(r.Rows))
	for i, row := range r.Rows {
		out[i] = row[name]
	}
	return out
}

// Deps are what a source in a test is given: relative paths start from dir.
func Deps(dir string) source.Deps {
	return source.Deps{Dir: dir, Getenv: os.Getenv, Log: slog.New(slog.DiscardHandler)}
}

// Write puts files into a new directory, by name, and returns it.
func Write(tb testing.TB, content map[string]string) string {
	tb.Helper()
	dir := tb.TempDir()
	Put(tb, dir, content)
	return dir
}

// Put puts files into a directory, by name.
func Put(tb testing.TB, dir string, content map[string]string) {
	tb.Helper()
	for name, text := range content {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
}

// Read plans and reads all partitions. It fails the test where reading on from any cursor does not give the same rest, byte for byte.
func Read(tb testing.TB, s source.Source, since source.Watermark) *Result {
	tb.Helper()
	p, err := s.Plan(tb.Context(), since)
	if err != nil {
		return &Result{Err: err}
	}
	out := &Result{Plan: p}
	for _, part := range p.Parts {
		chunks, err := Chunks(tb, s, part, nil)
		out.Err = errors.Join(out.Err, err)
		for i, c := range chunks {
			rest, again := Chunks(tb, s, part, c.After)
			if text(again) != text(err) {
				tb.Fatalf("%s: the error after chunk %d is %v, and %v when read on from there", part.Name, i, err, again)
			}
			same(tb, chunks[i+1:], rest)
			out.add(c)
		}
	}
	return out
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Chunks reads a partition from a cursor on; an error comes with what was read before it.
func Chunks(tb testing.TB, s source.Source, p source.Part, c source.Cursor) ([]*source.Chunk, error) {
	tb.Helper()
	r, err := s.Open(tb.Context(), p, c)
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // nothing is written
	var out []*source.Chunk
	for {
		c, err := r.Next(tb.Context())
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, c)
	}
}

func same(tb testing.TB, want, got []*source.Chunk) {
	tb.Helper()
	if len(want) != len(got) {
		tb.Fatalf("read on from a cursor: %d chunks, not %d", len(got), len(want))
	}
	for i := range want {
		if w, g := Digest(tb, want[i]), Digest(tb, got[i]); w != g || string(want[i].After) != string(got[i].After) || len(want[i].Rejects) != len(got[i].Rejects) {
			tb.Fatalf("read on from a cursor: chunk %d differs: %s %s, not %s %s", i, g, got[i].After, w, want[i].After)
		}
	}
}

// Digest is that of a chunk's batch as it travels, empty without one.
func Digest(tb testing.TB, c *source.Chunk) string {
	tb.Helper()
	if c.Batch == nil {
		return ""
	}
	raw, err := arrowio.Encode(c.Batch)
	if err != nil {
		tb.Fatal(err)
	}
	return arrowio.Digest(raw)
}

func (r *Result) add(c *source.Chunk) {
	r.Chunks = append(r.Chunks, c)
	r.Rejects = append(r.Rejects, c.Rejects...)
	if c.Batch == nil {
		return
	}
	fields := c.Batch.Schema().Fields
	for i := range c.Batch.Rows() {
		row := map[string]any{}
		for j, f := range fields {
			row[f.Name] = c.Batch.Column(j).Value(i)
		}
		r.Rows = append(r.Rows, row)
	}
}
