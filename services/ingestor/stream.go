package ingestor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/flow"
	"github.com/leathq/leat/services/ingestor/internal/source"
)

// pendingBytes is how much of refused records waits for the batch beside it.
const pendingBytes = 1 << 20

// place is where reading a partition goes on: a batch rarely ends where a chunk of the source does.
type place struct {
	At   source.Cursor `json:"at,omitempty"`   // between two chunks of the source
	Rows int           `json:"rows,omitempty"` // rows of the chunks from there on that are sent
	Said int           `json:"said,omitempty"` // chunks from there on whose refused records are sent
}

func readPlace(cursor json.RawMessage) (place, error) {
	var p place
	if len(cursor) == 0 {
		return p, nil
	}
	if err := json.Unmarshal(cursor, &p); err != nil || p.Rows < 0 || p.Said < 0 {
		return p, &flow.Error{Code: source.Malformed, Message: "the cursor of the partition is not one of this version; start a new run"}
	}
	return p, nil
}

// stream cuts the chunks of a source into batches of about one size, by the rows alone: it implements flow.Stream. What it holds between two calls is less
// than a batch, and pendingBytes of refused records beside one chunk's.
type stream struct {
	in    source.Stream
	cut   *arrowio.Rechunker
	tally func(rows, refused int)

	from    place         // of the first row that is held; of the next chunk where none is
	chunks  int           // read since from.At
	next    source.Cursor // the next chunk's
	skip    int           // rows that are sent already
	held    int           // rows
	refused []flow.Refusal
	size    int // bytes of refused
	ready   []*flow.Chunk
	over    bool
	failed  error // after what is ready
}

func newStream(in source.Stream, at place, bytes int64, tally func(rows, refused int)) *stream {
	return &stream{in: in, cut: arrowio.NewRechunker(bytes, max(bytes, arrowio.DefaultMost)), tally: tally, from: at, next: at.At, skip: at.Rows}
}

// Next implements flow.Stream.
func (s *stream) Next(ctx context.Context) (*flow.Chunk, error) {
	for len(s.ready) == 0 {
		switch {
		case s.failed != nil:
			return nil, s.failed
		case s.over:
			return nil, io.EOF
		}
		c, err := s.in.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			err = s.end()
		case err == nil:
			err = s.take(c)
		}
		if err != nil {
			if s.failed = carried(err); len(s.refused) == 0 {
				return nil, s.failed
			}
			if s.from.Said = s.chunks; s.send(nil, s.from) != nil { // what was refused is not lost for an error behind it
				return nil, s.failed
			}
		}
	}
	c := s.ready[0]
	s.ready = s.ready[1:]
	s.tally(int(c.Batch.Rows), len(c.Refused))
	return c, nil
}

// Close implements flow.Stream.
func (s *stream) Close() error { return s.in.Close() }

// take cuts a chunk.
func (s *stream) take(c *source.Chunk) error {
	begin := s.next
	s.chunks++
	s.refuse(c.Rejects)
	if err := s.rows(begin, c.Batch); err != nil {
		return err
	}
	s.next = c.After
	switch {
	case s.held == 0 && s.skip == 0:
		s.from, s.chunks = place{At: c.After}, 0
		if len(s.refused) > 0 {
			return s.send(nil, s.from)
		}
	case s.size > pendingBytes:
		s.from.Said = s.chunks
		return s.send(nil, s.from)
	}
	return nil
}

// refuse keeps the refused records of the chunk that was read last, unless they are sent.
func (s *stream) refuse(rejects []source.Reject) {
	if s.chunks <= s.from.Said {
		return
	}
	for _, r := range rejects {
		s.refused = append(s.refused, flow.Refusal{File: r.File, Line: r.Line, Reason: r.Reason, Raw: r.Raw})
		s.size += len(r.File) + len(r.Reason) + len(r.Raw)
	}
}

// rows cuts the rows of a chunk that begins at a cursor.
func (s *stream) rows(begin source.Cursor, b *arrowio.Batch) error {
	if b == nil {
		return nil
	}
	gone := min(s.skip, b.Rows())
	s.skip -= gone
	rest := b.Slice(gone, b.Rows())
	full, err := s.cut.Add(rest)
	if err != nil {
		return &flow.Error{Code: source.Schema, Message: err.Error()}
	}
	taken := -s.held // rows of this chunk that are sent: what was held goes first
	for _, f := range full {
		taken += f.Rows()
		s.from, s.chunks = place{At: begin, Rows: gone + taken, Said: 1}, 1
		if err := s.send(f, s.from); err != nil {
			return err
		}
	}
	s.held += rest.Rows()
	for _, f := range full {
		s.held -= f.Rows()
	}
	return nil
}

// end sends what is held.
func (s *stream) end() error {
	s.over = true
	last, err := s.cut.Flush()
	if err != nil {
		return err
	}
	switch {
	case len(last) > 0:
		return s.send(last[0], place{At: s.next})
	case len(s.refused) > 0:
		return s.send(nil, place{At: s.next})
	}
	return nil
}

// send makes a chunk of a batch, where there is one, and all refused records that wait.
func (s *stream) send(b *arrowio.Batch, after place) error {
	out := &flow.Chunk{Refused: s.refused}
	s.refused, s.size = nil, 0
	var err error
	if out.After, err = json.Marshal(after); err != nil {
		return fmt.Errorf("spell a cursor: %w", err)
	}
	if b != nil {
		data, err := arrowio.Encode(b)
		if err != nil {
			return err
		}
		out.Batch = flow.Batch{Data: data, Rows: uint64(b.Rows()), Schema: b.Schema().Fingerprint()}
	}
	s.ready = append(s.ready, out)
	return nil
}
