package validator

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/leathq/leat/pkg/dataset"
	"github.com/leathq/leat/pkg/flow"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	"github.com/leathq/leat/services/validator/internal/gates"
	"github.com/leathq/leat/services/validator/internal/gx"
)

// scratch is where scratch files go.
func scratch(cfg Config) string { return cmp.Or(cfg.Scratch, os.TempDir()) }

// judging is a stage whose partitions are all done.
type judging struct {
	*compiled
	in    flow.Finishing
	sets  *dataset.Datasets
	total *gx.State
	stats []dataset.Column // of the valid rows
	rows  int64            // that arrived
	away  int64            // of them, in quarantine
	now   time.Time        // when the run was planned: whoever judges says the same
}

// Finish implements flow.Handler: it merges what is known of the segments, and judges.
func (s *stage) Finish(ctx context.Context, in flow.Finishing) (*datav1.StageFinished, error) {
	c, err := s.compile(in.Stage.GetSpec(), in.Schema)
	if err != nil {
		return nil, err
	}
	j := &judging{compiled: c, in: in, sets: dataset.New(in.Blob), total: c.plan.NewState(), now: in.Planned}
	defer func() { _ = j.total.Close() }()
	for _, partition := range in.Segments {
		for _, segment := range partition {
			if err := j.merge(ctx, segment); err != nil {
				return nil, err
			}
		}
	}
	if j.total.Len() != j.rows {
		return nil, &flow.Error{Code: "books", Message: fmt.Sprintf("the checks of stage %s saw %d rows of %d: please report this", in.Stage.GetName(), j.total.Len(), j.rows)}
	}
	result, err := c.plan.ResultOf(j.total, j.arrived(ctx))
	if err != nil {
		return nil, err
	}
	verdicts, err := j.gates(ctx, result)
	if err != nil {
		return nil, err
	}
	out := &datav1.StageFinished{Success: gates.Overall(verdicts) != gates.Fail}
	for _, v := range verdicts {
		out.Verdicts = append(out.Verdicts, &datav1.Verdict{Gate: v.Gate, Status: string(v.Status), Reason: v.Reason})
	}
	out.Objects, err = j.keep(ctx, result, verdicts)
	return out, err
}

// merge takes in a segment, in its turn.
func (j *judging) merge(ctx context.Context, segment *datav1.SegmentDone) error {
	j.rows += int64(segment.GetCounts().GetRowsIn())
	j.away += int64(segment.GetCounts().GetQuarantined())
	for _, o := range segment.GetObjects() {
		switch o.GetRole() {
		case "state":
			data, err := j.read(ctx, o)
			if err != nil {
				return err
			}
			state, err := j.plan.LoadState(data)
			if err != nil {
				return fmt.Errorf("read %s: %w", o.GetKey(), err)
			}
			if err := j.total.Merge(state); err != nil {
				return fmt.Errorf("merge %s: %w", o.GetKey(), err)
			}
		case "statistics":
			data, err := j.read(ctx, o)
			if err != nil {
				return err
			}
			var columns []dataset.Column
			if err := json.Unmarshal(data, &columns); err != nil {
				return fmt.Errorf("read %s: %w", o.GetKey(), err)
			}
			j.stats = dataset.MergeColumns(j.schema, j.stats, columns)
		}
	}
	return nil
}

func (j *judging) read(ctx context.Context, o *datav1.Object) ([]byte, error) {
	r, err := j.sets.Open(ctx, o.GetKey(), o.GetDigest())
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	_ = r.Close()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", o.GetKey(), err)
	}
	return data, nil
}

// keep writes the report for programs and for people, and the suite as it was given.
func (j *judging) keep(ctx context.Context, result *gx.SuiteResult, verdicts []gates.Verdict) ([]*datav1.Object, error) {
	if j.spec.suite == nil {
		return nil, nil
	}
	var out []*datav1.Object
	for _, file := range []struct {
		role, extension string
		text            func() ([]byte, error)
	}{
		{"report", "json", result.MarshalJSON},
		{"report", "html", func() ([]byte, error) { return j.page(ctx, result, verdicts) }},
		{"suite", "json", func() ([]byte, error) { return j.spec.Suite, nil }},
	} {
		text, err := file.text()
		if err != nil {
			return nil, fmt.Errorf("write the %s: %w", file.role, err)
		}
		s, err := j.sets.Write(ctx, file.extension, func(w io.Writer) error { _, err := io.Copy(w, bytes.NewReader(text)); return err })
		if err != nil {
			return nil, err
		}
		out = append(out, object(file.role, s))
	}
	return out, nil
}

// shards are the valid ones, in order.
func shards(segments [][]*datav1.SegmentDone) []dataset.Shard { return kept(segments, "valid") }

// kept are the shards of a role, in order.
func kept(segments [][]*datav1.SegmentDone, role string) (out []dataset.Shard) {
	for p, partition := range segments {
		for _, s := range partition {
			for _, o := range s.GetObjects() {
				if o.GetRole() == role {
					out = append(out, dataset.Shard{Digest: o.GetDigest(), Path: o.GetKey(), Rows: int64(o.GetRows()), Bytes: int64(o.GetBytes()), Partition: p, Number: int(s.GetSegment())})
				}
			}
		}
	}
	return out
}

// earlier are the versions of the run's dataset that were found fit, the newest first.
func (j *judging) earlier(ctx context.Context) ([]*dataset.Manifest, error) {
	name := j.in.Run.GetTarget().GetDataset()
	if name == "" {
		return nil, nil
	}
	all, err := j.sets.Versions(ctx, name)
	if err != nil && !isNotFound(err) {
		return nil, err
	}
	var out []*dataset.Manifest
	for _, m := range all {
		if fit(m) && m.Run != j.in.Run.GetId() {
			out = append(out, m)
		}
	}
	return out, nil
}

// fit says whether a version is one to follow: no gate failed it, the suite's or another. Those that one did are kept aside, and what failed once must not be the measure of what comes next.
func fit(m *dataset.Manifest) bool {
	failed := func(v dataset.Verdict) bool { return v.Status == string(gates.Fail) }
	return (m.Suite == nil || m.Suite.Success) && !slices.ContainsFunc(m.Verdicts, failed)
}
