package table

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source"
)

// Sink collects rows and refused records until there are enough for a chunk. It is used by one goroutine. A reader gives every column that is of the
// record its value through Column, then calls Done; or Reject, which takes back what it gave.
type Sink struct {
	layout   *Layout
	schema   *arrowio.Schema
	builder  *arrowio.Builder
	fixed    []fixed // columns that are not of the record
	defaults []any   // by column; nil: none
	file     string
	limits   Limits
	rejects  []source.Reject
	kept     int64 // bytes of rejects
	rows     int
	taken    int64 // bytes of records since the size was looked at
	bytes    int64
	pieces   []*arrowio.Batch // rows that came in columns
}

// Limits of a chunk and a record, in bytes.
type Limits struct{ Batch, Record int64 }

type fixed struct {
	column int
	value  any
	key    string // of the file's, else empty
}

// maxKept is how many bytes of refused records a chunk has at most, and one record more.
const maxKept = 256 << 10

// NewSink makes rows of a layout.
func NewSink(l *Layout, limits Limits) (*Sink, error) {
	s := &Sink{layout: l, schema: l.Schema(), limits: limits, defaults: make([]any, len(l.Fields))}
	s.builder = arrowio.NewBuilder(s.schema)
	for i := range l.Fields {
		f := &l.Fields[i]
		v, err := f.value(f.Const)
		if err != nil {
			return nil, source.Errorf(source.Malformed, "the partition's column %q: %w", f.Name, err)
		}
		if s.defaults[i], err = f.value(f.Default); err != nil {
			return nil, source.Errorf(source.Malformed, "the partition's column %q: %w", f.Name, err)
		}
		switch {
		case len(f.From) == 0:
			s.fixed = append(s.fixed, fixed{column: i, value: v})
		case f.Implicit:
			s.fixed = append(s.fixed, fixed{column: i, key: f.From[0].Key})
		}
	}
	return s, nil
}

// FileName is what the name of their file is called among what records have beside their own.
const FileName = "_file"

// File says which file comes next, and what its records have from it beside its name. Values are text, nil a null.
func (s *Sink) File(name string, implicit map[string]*string) error {
	s.file = name
	probe := arrowio.NewBuilder(s.schema)
	for i := range s.fixed {
		f := &s.fixed[i]
		if f.key == "" {
			continue
		}
		text := implicit[f.key]
		if f.key == FileName {
			text = &name
		}
		v, err := s.implicit(probe.Column(f.column), f.column, text)
		if err != nil {
			return source.Errorf(source.Schema, "%s: %w", name, err)
		}
		f.value = v
	}
	return nil
}

func (s *Sink) implicit(c *arrowio.ColumnBuilder, i int, text *string) (any, error) {
	switch {
	case text != nil:
		if err := AppendText(c, []byte(*text)); err != nil {
			return nil, err
		}
		return *text, nil
	case s.defaults[i] != nil:
		return s.defaults[i], nil
	case !c.Field().Nullable:
		return nil, fmt.Errorf("column %q must not be null, and the file has no %q", c.Field().Name, path(s.layout.Fields[i].From))
	}
	return nil, nil
}

// Layout is what NewSink was given.
func (s *Sink) Layout() *Layout { return s.layout }

// Column is the builder of column i.
func (s *Sink) Column(i int) *arrowio.ColumnBuilder { return s.builder.Column(i) }

// Absent gives column i what stands for a null or a value that is not there: the default, or a null. An error is the reason to refuse the record.
func (s *Sink) Absent(i int) error { return s.absent(i, s.builder.Column(i)) }

func (s *Sink) absent(i int, c *arrowio.ColumnBuilder) error {
	switch {
	case s.defaults[i] != nil:
		return AppendValue(c, s.defaults[i], true)
	case !s.schema.Fields[i].Nullable:
		return fmt.Errorf("column %q must not be null", s.schema.Fields[i].Name)
	}
	c.Null()
	return nil
}

// Done ends a row that took size bytes of the input. An error is the reason for which it was refused after all.
func (s *Sink) Done(size int) error {
	for _, f := range s.fixed {
		if f.value == nil {
			s.builder.Column(f.column).Null()
			continue
		}
		if err := AppendValue(s.builder.Column(f.column), f.value, true); err != nil {
			return err
		}
	}
	s.rows++
	s.taken += int64(size)
	return nil
}

// Reject refuses a record, and takes back what its columns were given.
func (s *Sink) Reject(line int64, reason string, raw []byte) {
	s.builder.Truncate(s.rows)
	s.rejects = append(s.rejects, source.Refuse(s.file, line, reason, raw))
	s.kept += int64(min(len(raw), source.MaxRaw) + len(reason))
}

// Full says whether it is time for Chunk. The answer depends on the records since the last one alone.
func (s *Sink) Full() bool {
	if s.kept >= maxKept || len(s.rejects) >= 4096 {
		return true
	}
	if len(s.pieces) > 0 {
		return s.bytes >= s.limits.Batch/2
	}
	if s.taken < s.limits.Batch/16 && s.rows&63 != 0 {
		return false
	}
	s.taken, s.bytes = 0, s.builder.Bytes()
	return s.bytes >= s.limits.Batch
}

// Limits are those that NewSink was given.
func (s *Sink) Limits() Limits { return s.limits }

// Chunk is what was collected, without a cursor, and the sink is empty again; nil where there is nothing.
func (s *Sink) Chunk() (*source.Chunk, error) {
	if s.rows == 0 && len(s.rejects) == 0 && len(s.pieces) == 0 {
		return nil, nil
	}
	if err := s.builder.Err(); err != nil {
		return nil, source.Errorf(source.TooLarge, "%s: %w", s.file, err)
	}
	c := &source.Chunk{Rejects: s.rejects}
	switch {
	case s.rows > 0:
		c.Batch = s.builder.Batch()
	case len(s.pieces) > 0:
		var err error
		if c.Batch, err = arrowio.Concat(s.pieces...); err != nil {
			return nil, fmt.Errorf("%s: %w", s.file, err)
		}
	}
	s.rejects, s.pieces, s.kept, s.rows, s.taken, s.bytes = nil, nil, 0, 0, 0, 0
	return c, nil
}

// Text is a text as columns may have it: s itself where it is UTF-8, a copy with U+FFFD where the layout replaces what is not; else an error, the
// reason to refuse the record.
func (s *Sink) Text(b []byte) ([]byte, error) {
	if utf8.Valid(b) {
		return b, nil
	}
	if s.layout.UTF8 == Replace {
		return bytes.ToValidUTF8(b, []byte("\uFFFD")), nil
	}
	return nil, fmt.Errorf("byte %d is not UTF-8 (`invalid_utf8: replace` takes such records with U+FFFD)", invalidAt(b))
}

// invalidAt is where b stops to be UTF-8, from 1.
func invalidAt(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n <= 1 {
			return i + 1
		}
		i += n
	}
	return len(b)
}

// FirstReject is the first record that was refused since the last chunk.
func (s *Sink) FirstReject() (source.Reject, bool) {
	if len(s.rejects) == 0 {
		return source.Reject{}, false
	}
	return s.rejects[0], true
}
