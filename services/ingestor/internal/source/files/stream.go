package files

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/table"
)

// cursor is a place between two chunks of a partition.
type cursor struct {
	Unit  int      `json:"unit"`
	At    Place    `json:"at"`
	Rows  int64    `json:"rows"`            // so far
	Bad   int64    `json:"bad,omitempty"`   // refused so far
	First []string `json:"first,omitempty"` // the first reasons
}

// Open implements source.Source.
func (s *Source) Open(_ context.Context, p source.Part, c source.Cursor) (source.Stream, error) {
	var spec partSpec
	if err := json.Unmarshal(p.Spec, &spec); err != nil || spec.Layout == nil {
		return nil, source.Errorf(source.Malformed, "partition %q is not one of files; plan the run again", p.Name)
	}
	if err := spec.Layout.Check(); err != nil {
		return nil, err
	}
	out := &stream{source: s, spec: spec, name: p.Name}
	if len(c) > 0 {
		if err := json.Unmarshal(c, &out.at); err != nil || out.at.Unit < 0 {
			return nil, source.Errorf(source.Malformed, "partition %q: the cursor is not one of files; plan the run again", p.Name)
		}
	}
	var err error
	out.sink, err = table.NewSink(spec.Layout, table.Limits{Batch: s.Batch, Record: s.Record})
	return out, err
}

// stream reads the units of a partition one after the other, and cuts chunks without regard to where units end.
type stream struct {
	source *Source
	spec   partSpec
	name   string
	at     cursor
	sink   *table.Sink
	file   File
	reader Reader
	failed error
}

// Next implements source.Stream.
func (s *stream) Next(ctx context.Context) (*source.Chunk, error) {
	for s.failed == nil && s.at.Unit < len(s.spec.Units) && !s.sink.Full() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s.failed = s.fill(ctx)
	}
	if err := s.strict(); err != nil {
		return nil, err
	}
	c, err := s.chunk() // what was read before an error is not lost
	if c != nil || err != nil {
		return c, err
	}
	if s.failed != nil {
		return nil, s.failed
	}
	if s.source.MaxBad.Exceeded(s.at.Bad, s.at.Rows+s.at.Bad, true) {
		return nil, s.tooMany()
	}
	return nil, io.EOF
}

// strict is the error of a run that stops at the first bad record.
func (s *stream) strict() error {
	if s.source.OnBad != table.Fail {
		return nil
	}
	if r, ok := s.sink.FirstReject(); ok {
		return source.Errorf(source.TooMany, "%s, line %d: %s; mend it, or say `on_bad_record: reject`", r.File, r.Line, r.Reason)
	}
	return nil
}

// fill reads on in the unit at hand.
func (s *stream) fill(ctx context.Context) error {
	if s.reader == nil {
		if err := s.open(ctx); err != nil {
			return err
		}
	}
	err := s.reader.Fill(ctx, s.sink)
	s.at.At = s.reader.Place()
	if !errors.Is(err, io.EOF) {
		return err
	}
	u := s.spec.Units[s.at.Unit]
	e, err := s.source.Tree.Stat(ctx, u.File)
	if err != nil {
		return err
	}
	if err := unchanged(u, e); err != nil {
		return err
	}
	s.at.Unit, s.at.At = s.at.Unit+1, Place{}
	return s.Close()
}

func (s *stream) open(ctx context.Context) error {
	u := s.spec.Units[s.at.Unit]
	e, err := s.source.Tree.Stat(ctx, u.File)
	if err != nil {
		return err
	}
	if err := unchanged(u, e); err != nil {
		return err
	}
	if err := s.sink.File(u.File, u.Implicit); err != nil {
		return err
	}
	if s.file, err = s.source.Tree.Open(ctx, u.File); err != nil {
		return err
	}
	s.reader, err = s.source.Format.Open(ctx, s.file, u, s.at.At, s.sink)
	return err
}

// chunk is what the sink holds, nil where that is nothing.
func (s *stream) chunk() (*source.Chunk, error) {
	c, err := s.sink.Chunk()
	if c == nil || err != nil {
		return nil, err
	}
	if c.Batch != nil {
		s.at.Rows += int64(c.Batch.Rows())
	}
	s.at.Bad += int64(len(c.Rejects))
	const reasons = 3
	for _, r := range c.Rejects[:min(len(c.Rejects), max(reasons-len(s.at.First), 0))] {
		s.at.First = append(s.at.First, fmt.Sprintf("%s, line %d: %.200s", r.File, r.Line, r.Reason))
	}
	if s.source.MaxBad.Exceeded(s.at.Bad, s.at.Rows+s.at.Bad, false) && s.failed == nil {
		s.failed = s.tooMany()
	}
	c.After, err = json.Marshal(s.at)
	return c, err
}

func (s *stream) tooMany() error {
	return source.Errorf(source.TooMany, "partition %q: %d of %d records are bad, and `max_bad` is %s; the first: %s. Mend the input or the columns' types, or allow more",
		s.name, s.at.Bad, s.at.Rows+s.at.Bad, s.source.MaxBad, strings.Join(s.at.First, "; "))
}

// Close implements source.Stream.
func (s *stream) Close() error {
	var err error
	if s.reader != nil {
		err = s.reader.Close()
		s.reader = nil
	}
	if s.file != nil {
		err = errors.Join(err, s.file.Close())
		s.file = nil
	}
	return err
}
