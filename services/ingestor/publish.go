package ingestor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"path"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/dataset"
	"github.com/leathq/leat/pkg/flow"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// kindValidate is that of stages that keep rows, checked or not.
const kindValidate = "validate"

// keeps says whether a dataset can be made of a run's last stage.
func keeps(run *datav1.Run) bool {
	stages := run.GetStages()
	return len(stages) > 0 && stages[len(stages)-1].GetKind() == kindValidate
}

// publish makes a version of the run's dataset of what its facts name. What they say, and so the version, depends on the input alone. One whose checks
// do not hold is published, too, and the latest one stays where it was.
func (i *Ingestor) publish(ctx context.Context, store *blob.Store, s flow.Summary) (string, error) {
	run := s.Planned.GetRun()
	if run.GetTarget() == nil {
		return "", nil
	}
	m, err := manifest(ctx, store, s)
	if err != nil {
		return "", err
	}
	m.Code = i.deps.Version
	d := dataset.New(store)
	if !s.Success {
		return d.PublishAside(ctx, m)
	}
	return d.Publish(ctx, m)
}

// manifest gathers what a run has made.
func manifest(ctx context.Context, store *blob.Store, s flow.Summary) (*dataset.Manifest, error) {
	run := s.Planned.GetRun()
	stages := run.GetStages()
	last := stages[len(stages)-1].GetName()
	m := &dataset.Manifest{Name: run.GetTarget().GetDataset(), Run: run.GetId(), Sources: sourcesOf(s.Planned), Counts: books(s.Counts)}
	var schema arrowio.Schema
	if err := json.Unmarshal(s.Planned.GetSchema(), &schema); err != nil {
		return nil, fmt.Errorf("the schema of run %s: %w", run.GetId(), err)
	}
	for _, f := range schema.Fields {
		m.Schema = append(m.Schema, dataset.Field{Name: f.Name, Type: f.Type.String(), Nullable: f.Nullable})
	}
	for _, stage := range stages {
		for p, segments := range s.Segments[stage.GetName()] {
			for _, seg := range segments {
				if err := take(ctx, store, m, &schema, part{p, int(seg.GetSegment()), stage.GetName() == last}, seg.GetObjects()); err != nil {
					return nil, err
				}
			}
		}
		for p, reads := range s.Reads[stage.GetName()] {
			for _, r := range reads {
				if err := take(ctx, store, m, &schema, part{p, int(r.GetSegment()), false}, r.GetObjects()); err != nil {
					return nil, err
				}
			}
		}
		f := s.Finished[stage.GetName()]
		in := f.GetCounts()
		m.Lineage = append(m.Lineage, dataset.Step{
			Stage: stage.GetName(), Service: stage.GetKind(), Digest: digest(stage.GetSpec()), In: int64(in.GetRowsIn()), Out: int64(in.GetValid()),
		})
		if err := judged(ctx, store, m, stage, f); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// part is where objects belong.
type part struct {
	partition, number int
	kept              bool // by the stage of which the dataset is made
}

// take enters what was written of a part of the rows.
func take(ctx context.Context, store *blob.Store, m *dataset.Manifest, schema *arrowio.Schema, at part, objects []*datav1.Object) error {
	for _, o := range objects {
		s := dataset.Shard{
			Digest: o.GetDigest(), Path: o.GetKey(), Rows: int64(o.GetRows()), Bytes: int64(o.GetBytes()), Partition: at.partition, Number: at.number,
		}
		switch {
		case o.GetRole() == "valid" && at.kept:
			m.Shards = append(m.Shards, s)
		case o.GetRole() == "quarantine":
			m.Quarantine = append(m.Quarantine, s)
		case o.GetRole() == "refused":
			m.Rejects = append(m.Rejects, s)
		case o.GetRole() == "statistics" && at.kept:
			var columns []dataset.Column
			if err := readJSON(ctx, store, o, &columns); err != nil {
				return err
			}
			m.Statistics = dataset.MergeColumns(schema, m.Statistics, columns)
		}
	}
	return nil
}

// judged enters what a stage found of all rows.
func judged(ctx context.Context, store *blob.Store, m *dataset.Manifest, stage *datav1.Stage, f *datav1.StageFinished) error {
	for _, v := range f.GetVerdicts() {
		m.Verdicts = append(m.Verdicts, dataset.Verdict{Gate: v.GetGate(), Status: v.GetStatus(), Reason: v.GetReason()})
	}
	for _, o := range f.GetObjects() {
		name := map[string]string{"report": "report", "suite": "suite"}[o.GetRole()]
		if name == "" {
			continue
		}
		m.Files = append(m.Files, dataset.File{Name: stage.GetName() + "-" + name + path.Ext(o.GetKey()), Digest: o.GetDigest(), Path: o.GetKey(), Bytes: int64(o.GetBytes())})
		if o.GetRole() != "report" || path.Ext(o.GetKey()) != ".json" {
			continue
		}
		var r struct {
			Suite      string `json:"suite_name"`
			Success    bool   `json:"success"`
			Statistics struct {
				Met int `json:"successful_expectations"`
				Of  int `json:"evaluated_expectations"`
			} `json:"statistics"`
		}
		if err := readJSON(ctx, store, o, &r); err != nil {
			return err
		}
		m.Suite = &dataset.Suite{Name: r.Suite, Digest: suiteDigest(stage), Success: r.Success, Met: r.Statistics.Met, Of: r.Statistics.Of}
	}
	return nil
}

// suiteDigest is that of a stage's suite as its spec has it.
func suiteDigest(stage *datav1.Stage) string {
	var spec struct {
		Suite json.RawMessage `json:"suite"`
	}
	_ = json.Unmarshal(stage.GetSpec(), &spec) // it was checked when the run was started
	return digest(spec.Suite)
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func readJSON(ctx context.Context, store *blob.Store, o *datav1.Object, into any) error {
	r, err := dataset.New(store).Open(ctx, o.GetKey(), o.GetDigest())
	if err != nil {
		return err
	}
	data, err := io.ReadAll(r)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	_ = r.Close()
	if err != nil {
		return fmt.Errorf("read %s: %w", o.GetKey(), err)
	}
	return nil
}

func books(c *datav1.Counts) dataset.Counts {
	return dataset.Counts{In: int64(c.GetRowsIn()), Valid: int64(c.GetValid()), Quarantined: int64(c.GetQuarantined()), Refused: int64(c.GetRefused())}
}

// sourcesOf are the partitions of what was read.
func sourcesOf(f *datav1.RunPlanned) []dataset.Source {
	var spec struct {
		Source struct {
			Type string `json:"type"`
		} `json:"source"`
	}
	_ = json.Unmarshal(f.GetRun().GetStages()[0].GetSpec(), &spec) // it was checked when the run was started
	var out []dataset.Source
	for _, p := range f.GetPartitions() {
		out = append(out, dataset.Source{Kind: spec.Source.Type, Name: p.GetTitle(), Bytes: int64(p.GetBytes()), Rows: int64(p.GetRows())})
	}
	return out
}
