package process

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/wire"
)

// maxRejects and maxRaw bound what is held of refused records until a program says a place to read on from.
const (
	maxRejects = 10000
	maxRaw     = 16 << 20
)

// stream is a program in mode read.
type stream struct {
	s      *Source
	c      *child
	schema *arrowio.Schema
	counts wire.Line // of what came: Batches, Rows, Rejects
	raw    int       // bytes of the rejects at hand
	err    error     // of an earlier Next
}

// Open runs the program in mode read. It waits for more where nobody calls Next: its pipes are full then.
func (s *Source) Open(ctx context.Context, p source.Part, cursor source.Cursor) (source.Stream, error) {
	sp := spec{}
	if err := json.Unmarshal(p.Spec, &sp); err != nil || sp.Schema == nil {
		return nil, &source.Error{Code: "bad_part", Message: fmt.Sprintf("source program %s: the partition %q is not one of its plans", s.name, p.Name)}
	}
	schema, err := json.Marshal(sp.Schema)
	if err != nil {
		return nil, err
	}
	c, err := s.start(ctx, wire.Read, wire.Request{Protocol: wire.Version, Config: s.config, Part: sp.Spec, Cursor: cursor, Schema: schema})
	if err != nil {
		return nil, err
	}
	return &stream{s: s, c: c, schema: sp.Schema}, nil
}

// Next takes lines up to a batch.
func (st *stream) Next(ctx context.Context) (c *source.Chunk, err error) {
	if st.err != nil {
		return nil, st.err
	}
	defer func() { st.err = err }()
	c, st.raw = &source.Chunk{}, 0
	for {
		l, err := st.c.line(ctx)
		if err != nil {
			return nil, err
		}
		switch l.Type {
		case wire.Batch:
			return st.batch(ctx, c, l)
		case wire.Reject:
			if err := st.reject(c, l); err != nil {
				return nil, err
			}
		case wire.Done:
			return nil, st.done(c, l)
		default:
			if err := st.s.other(l, wire.Read); err != nil {
				return nil, err
			}
		}
	}
}

func (st *stream) reject(c *source.Chunk, l wire.Line) error {
	r := source.Refuse(l.File, l.Number, l.Reason, l.Raw)
	st.raw += len(r.Raw)
	if len(c.Rejects) == maxRejects || st.raw > maxRaw {
		return broken(st.s.name, "it rejected %d records without a place to read on from; it must say an empty batch with a cursor now and then", len(c.Rejects))
	}
	c.Rejects = append(c.Rejects, r)
	st.counts.Rejects++
	return nil
}

func (st *stream) batch(ctx context.Context, c *source.Chunk, l wire.Line) (*source.Chunk, error) {
	switch {
	case l.Number != st.counts.Batches:
		return nil, broken(st.s.name, "batch %d came where batch %d was due", l.Number, st.counts.Batches)
	case len(l.Cursor) == 0 || string(l.Cursor) == "null":
		return nil, broken(st.s.name, "batch %d has no cursor", l.Number)
	case l.Bytes < 0 || l.Bytes > st.s.limits.MaxBytes:
		return nil, broken(st.s.name, "batch %d has %d bytes, at most %d are taken; send fewer rows at once", l.Number, l.Bytes, st.s.limits.MaxBytes)
	}
	st.counts.Batches++
	c.After = l.Cursor
	if l.Bytes == 0 {
		return c, nil
	}
	data, err := st.c.bytes(ctx, l.Bytes)
	if err != nil {
		return nil, err
	}
	if c.Batch, err = arrowio.Decode(data, st.s.limits); err != nil {
		return nil, broken(st.s.name, "batch %d is no Arrow IPC stream with one batch: %v; nothing else may be printed on standard output%s", l.Number, err, st.c.said)
	}
	if int64(c.Batch.Rows()) != l.Rows {
		return nil, broken(st.s.name, "batch %d has %d rows, not the %d that it announced", l.Number, c.Batch.Rows(), l.Rows)
	}
	if d := st.schema.Difference(c.Batch.Schema()); d != "" {
		return nil, &source.Error{Code: "schema_changed", Message: fmt.Sprintf("source program %s: batch %d has not the schema of the plan: %s", st.s.name, l.Number, d)}
	}
	st.counts.Rows += l.Rows
	return c, nil
}

func (st *stream) done(c *source.Chunk, l wire.Line) error {
	if len(c.Rejects) > 0 {
		return broken(st.s.name, "it rejected records after its last batch; an empty batch with a cursor must follow them")
	}
	if n := st.counts; l.Batches != n.Batches || l.Rows != n.Rows || l.Rejects != n.Rejects {
		return broken(st.s.name, "it says that it sent %d batches, %d rows and %d rejects; %d, %d and %d came", l.Batches, l.Rows, l.Rejects, n.Batches, n.Rows, n.Rejects)
	}
	if err := st.c.finish(); err != nil {
		return err
	}
	return io.EOF
}

// Close ends the program, whatever it is doing, and everything that it started.
func (st *stream) Close() error { return st.c.stop() }
