package validator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/dataset"
	"github.com/leathq/leat/pkg/flow"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	"github.com/leathq/leat/services/validator/internal/gx"
)

// Columns that a quarantined row has beside its own: why it failed (a JSON list of reasons), and where it stood.
const (
	reasonsColumn   = "_reasons"
	partitionColumn = "_partition"
	rowColumn       = "_row" // within the partition, from 0
)

// reason is an expectation that a row failed.
type reason struct {
	Ordinal int    `json:"expectation"` // its place in the suite, from 0
	Type    string `json:"type"`
	Column  string `json:"column,omitempty"`
}

// quarantineSchema is that of quarantined rows.
func quarantineSchema(s *arrowio.Schema) (*arrowio.Schema, error) {
	own := []arrowio.Field{
		{Name: reasonsColumn, Type: arrowio.Type{Kind: arrowio.String}}, {Name: partitionColumn, Type: arrowio.Type{Kind: arrowio.Uint32}},
		{Name: rowColumn, Type: arrowio.Type{Kind: arrowio.Uint64}},
	}
	for _, f := range own {
		if s.Index(f.Name) >= 0 {
			return nil, fmt.Errorf("the rows have a column %s, which quarantined rows get: give it another name in the source's columns", f.Name)
		}
	}
	return &arrowio.Schema{Fields: append(slices.Clone(s.Fields), own...)}, nil
}

// segment holds the batches of a segment against the suite. It implements flow.Segment.
type segment struct {
	stage    *stage
	c        *compiled
	place    flow.Place
	sets     *dataset.Datasets
	state    *gx.State
	valid    *dataset.RowWriter
	away     *dataset.RowWriter
	counts   datav1.Counts
	row      uint64 // of the partition, that comes next
	forwards bool   // a stage reads what this one lets through
}

// Add implements flow.Segment.
func (s *segment) Add(_ context.Context, _ uint64, b flow.Batch) (flow.Batch, error) {
	batch, err := arrowio.Decode(b.Data, arrowio.DefaultLimits())
	if err != nil {
		return flow.Batch{}, &flow.Undecodable{Err: err}
	}
	if got := batch.Schema().Fingerprint(); got != s.c.schema.Fingerprint() {
		return flow.Batch{}, &flow.Error{Code: "schema_changed", Message: fmt.Sprintf("a batch of partition %d has another schema than the run: %s",
			s.place.Partition.GetNumber(), difference(s.c.schema, batch.Schema()))}
	}
	rows, err := s.state.Add(batch)
	if err != nil {
		return flow.Batch{}, err
	}
	first := s.row
	s.row += uint64(batch.Rows())
	s.counts.RowsIn += uint64(batch.Rows())
	away := rows.Any()
	if away == nil {
		s.counts.Valid += uint64(batch.Rows())
		s.stage.metrics.held(batch.Rows(), 0)
		return b, s.valid.Add(batch)
	}
	return s.part(batch, rows, away, first)
}

// part keeps rows that pass and rows that fail apart.
func (s *segment) part(batch *arrowio.Batch, rows *gx.Rows, away *arrowio.Bitmap, first uint64) (flow.Batch, error) {
	keep := arrowio.NewBitmap(batch.Rows())
	var bad []int
	for i := range batch.Rows() {
		if away.Get(i) {
			bad = append(bad, i)
		} else {
			keep.Set(i)
		}
	}
	if s.c.spec.FailFast {
		return flow.Batch{}, &flow.Error{Code: "check_failed", Message: fmt.Sprintf("row %d of partition %d fails %s, and fail_fast is set",
			first+uint64(bad[0]), s.place.Partition.GetNumber(), s.reasonsOf(rows, bad[0]))}
	}
	good, err := batch.Filter(keep)
	if err != nil {
		return flow.Batch{}, err
	}
	if err := s.quarantine(batch, rows, bad, first); err != nil {
		return flow.Batch{}, err
	}
	s.counts.Valid += uint64(good.Rows())
	s.counts.Quarantined += uint64(len(bad))
	s.stage.metrics.held(good.Rows(), len(bad))
	if good.Rows() == 0 {
		return flow.Batch{}, nil
	}
	if err := s.valid.Add(good); err != nil || !s.forwards {
		return flow.Batch{Rows: uint64(good.Rows())}, err
	}
	data, err := arrowio.Encode(good)
	return flow.Batch{Data: data, Rows: uint64(good.Rows()), Schema: good.Schema().Fingerprint()}, err
}

// quarantine keeps rows with the reasons why.
func (s *segment) quarantine(batch *arrowio.Batch, rows *gx.Rows, bad []int, first uint64) error {
	out, err := batch.Take(bad)
	if err != nil {
		return err
	}
	added := arrowio.NewBuilder(&arrowio.Schema{Fields: s.c.away.Fields[len(s.c.schema.Fields):]})
	for _, i := range bad {
		added.Column(0).String(s.reasonsOf(rows, i))
		added.Column(1).Int64(int64(s.place.Partition.GetNumber()))
		added.Column(2).Uint64(first + uint64(i))
	}
	if err := added.Err(); err != nil {
		return err
	}
	own := added.Batch()
	for i, f := range own.Schema().Fields {
		if out, err = out.With(f, own.Column(i)); err != nil {
			return err
		}
	}
	return s.away.Add(out)
}

// reasonsOf is a JSON list of why a row failed.
func (s *segment) reasonsOf(rows *gx.Rows, row int) string {
	list := []json.RawMessage{}
	for _, f := range rows.Failed {
		if f.Rows.Get(row) {
			list = append(list, s.c.reasons[f.Ordinal])
		}
	}
	text, err := json.Marshal(list)
	if err != nil {
		panic("validator: a reason that is no JSON: " + err.Error())
	}
	return string(text)
}

// Close implements flow.Segment.
func (s *segment) Close(ctx context.Context) (*datav1.Counts, []*datav1.Object, error) {
	defer func() { _ = s.state.Close() }()
	valid, columns, err := s.valid.Close(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, s.away.Discard())
	}
	away, _, err := s.away.Close(ctx)
	if err != nil {
		return nil, nil, err
	}
	state, err := s.sets.Write(ctx, "state", func(w io.Writer) error {
		data, err := s.state.MarshalBinary()
		if err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	statistics, err := s.sets.Write(ctx, "json", func(w io.Writer) error { return json.NewEncoder(w).Encode(columns) })
	if err != nil {
		return nil, nil, err
	}
	var out []*datav1.Object
	for _, o := range []struct {
		role  string
		shard dataset.Shard
	}{{"valid", valid}, {"quarantine", away}, {"state", state}, {"statistics", statistics}} {
		if o.shard.Digest != "" {
			out = append(out, object(o.role, o.shard))
		}
	}
	return &s.counts, out, nil
}

// Discard implements flow.Segment.
func (s *segment) Discard() {
	for _, w := range []*dataset.RowWriter{s.valid, s.away} {
		if w != nil {
			_ = w.Discard()
		}
	}
	_ = s.state.Close()
}

func object(role string, s dataset.Shard) *datav1.Object {
	return &datav1.Object{Role: role, Key: s.Path, Digest: s.Digest, Bytes: uint64(s.Bytes), Rows: uint64(s.Rows)}
}

// difference is the first field in which two schemas are not the same.
func difference(want, got *arrowio.Schema) string {
	for i, f := range want.Fields {
		if i >= len(got.Fields) {
			return fmt.Sprintf("column %q is missing", f.Name)
		}
		if g := got.Fields[i]; g.Name != f.Name || g.Type.String() != f.Type.String() || g.Nullable != f.Nullable {
			return fmt.Sprintf("column %d is %q (%s), not %q (%s)", i, g.Name, g.Type, f.Name, f.Type)
		}
	}
	return fmt.Sprintf("it has %d columns, not %d", len(got.Fields), len(want.Fields))
}
