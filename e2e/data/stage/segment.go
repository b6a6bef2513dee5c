package stage

import (
	"context"
	"errors"
	"io"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/dataset"
	"github.com/leathq/leat/pkg/flow"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	"github.com/leathq/leat/services/validator/check"
)

// segment is a stage's work on a segment. It implements flow.Segment.
type segment struct {
	c           *checking
	place       flow.Place
	plan        *check.Plan
	state       *check.State
	valid, away *dataset.RowWriter
	counts      *datav1.Counts
}

// Add implements flow.Segment.
func (s *segment) Add(_ context.Context, _ uint64, b flow.Batch) (flow.Batch, error) {
	rows, err := arrowio.Decode(b.Data, arrowio.DefaultLimits())
	if err != nil {
		return flow.Batch{}, &flow.Undecodable{Err: err}
	}
	if s.state == nil {
		if err := s.begin(rows.Schema()); err != nil {
			return flow.Batch{}, err
		}
	}
	failed, err := s.state.Add(rows)
	if err != nil {
		return flow.Batch{}, &flow.Error{Code: "schema_changed", Message: err.Error()}
	}
	s.counts.RowsIn += uint64(rows.Rows())
	if failed == nil || len(failed.Failed) == 0 {
		s.counts.Valid += uint64(rows.Rows())
		return b, s.valid.Add(rows)
	}
	return s.split(rows, failed)
}

func (s *segment) begin(schema *arrowio.Schema) (err error) {
	if s.plan, err = s.c.plan(s.place.Stage.GetSpec(), schema); err != nil {
		return err
	}
	s.state = s.plan.NewState()
	if s.valid, err = s.c.datasets.NewRowWriter(schema); err != nil {
		return err
	}
	s.away, err = s.c.datasets.NewRowWriter(schema)
	return err
}

// split keeps rows that fail apart, and passes the others on.
func (s *segment) split(rows *arrowio.Batch, failed *check.Rows) (flow.Batch, error) {
	good, bad := arrowio.NewBitmap(rows.Rows()), arrowio.NewBitmap(rows.Rows())
	for i := range rows.Rows() {
		fails := false
		for _, f := range failed.Failed {
			fails = fails || f.Rows.Get(i)
		}
		if fails {
			bad.Set(i)
		} else {
			good.Set(i)
		}
	}
	keep, err := rows.Filter(good)
	if err != nil {
		return flow.Batch{}, err
	}
	drop, err := rows.Filter(bad)
	if err != nil {
		return flow.Batch{}, err
	}
	s.counts.Valid += uint64(keep.Rows())
	s.counts.Quarantined += uint64(drop.Rows())
	if err := errors.Join(s.valid.Add(keep), s.away.Add(drop)); err != nil || keep.Rows() == 0 {
		return flow.Batch{}, err
	}
	data, err := arrowio.Encode(keep)
	return flow.Batch{Data: data, Rows: uint64(keep.Rows()), Schema: keep.Schema().Fingerprint()}, err
}

// Close implements flow.Segment.
func (s *segment) Close(ctx context.Context) (*datav1.Counts, []*datav1.Object, error) {
	if s.state == nil {
		return s.counts, nil, nil
	}
	var out []*datav1.Object
	valid, _, err := s.valid.Close(ctx)
	away, _, err2 := s.away.Close(ctx)
	if err := errors.Join(err, err2); err != nil {
		return nil, nil, err
	}
	data, err := s.state.MarshalBinary()
	if err != nil {
		return nil, nil, err
	}
	state, err := s.c.datasets.Write(ctx, "state", func(w io.Writer) error { _, err := w.Write(data); return err })
	if err != nil {
		return nil, nil, err
	}
	for _, x := range []struct {
		role string
		of   dataset.Shard
	}{{"valid", valid}, {"quarantine", away}, {"state", state}} {
		if x.of.Digest != "" {
			out = append(out, &datav1.Object{Role: x.role, Key: x.of.Path, Digest: x.of.Digest, Bytes: uint64(x.of.Bytes), Rows: uint64(x.of.Rows)})
		}
	}
	return s.counts, out, nil
}

// Discard implements flow.Segment.
func (s *segment) Discard() {
	for _, w := range []*dataset.RowWriter{s.valid, s.away} {
		if w != nil {
			_ = w.Discard() // a temporary file of this machine
		}
	}
}
