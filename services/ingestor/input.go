package ingestor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/leathq/leat/pkg/flow"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	"github.com/leathq/leat/services/ingestor/internal/source"
)

// Kind is that of stages that read a source.
const Kind = "ingest"

// input does the stages of kind ingest. It implements flow.Source.
type input struct {
	sources *source.Registry
	deps    source.Deps
	metrics *metrics
	batch   int64 // Arrow bytes, where a run does not say
	earlier func(tenant, name string) source.Watermark
}

var _ flow.Source = (*input)(nil)

// spec is that of an ingest stage.
type spec struct {
	Source json.RawMessage `json:"source"`
}

// Kind implements flow.Source.
func (*input) Kind() string { return Kind }

// Check implements flow.Source.
func (n *input) Check(raw []byte) error {
	_, _, err := n.make(raw)
	return err
}

// make makes the source of a stage's spec, and says which type it is.
func (n *input) make(raw []byte) (source.Source, string, error) {
	var s spec
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return nil, "", source.Errorf(source.Invalid, "it is not {\"source\": {\"type\": …}} in JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, "", source.Errorf(source.Invalid, "something stands behind the JSON object of the spec; take it away")
	}
	if len(s.Source) == 0 {
		return nil, "", source.Errorf(source.Invalid, "`source` is missing: a mapping with `type` and what that type takes")
	}
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(s.Source, &head); err != nil {
		return nil, "", source.Errorf(source.Invalid, "source: it is no mapping with a `type`: %w", err)
	}
	made, err := n.sources.Make(s.Source, n.deps)
	return made, head.Type, err
}

// Plan implements flow.Source.
func (n *input) Plan(ctx context.Context, r *datav1.Run, s *datav1.Stage) (*flow.Plan, error) {
	src, kind, err := n.make(s.GetSpec())
	if err != nil {
		return nil, carried(err)
	}
	since, err := bound(src, kind, r.GetSince())
	if err != nil {
		return nil, carried(err)
	}
	if since == nil && !r.GetFull() {
		since = n.earlier(r.GetTenant(), r.GetName())
	}
	p, err := src.Plan(ctx, since)
	if err != nil {
		return nil, carried(err)
	}
	for _, note := range p.Notes {
		n.deps.Log.Info("source planned", "run", r.GetId(), "note", note)
	}
	schema, err := json.Marshal(p.Schema)
	if err != nil {
		return nil, fmt.Errorf("spell the schema: %w", err)
	}
	return &flow.Plan{Partitions: partitions(p.Parts), Schema: schema, Watermark: p.Next, Known: uint64(max(p.Seen, 0))}, nil
}

func partitions(parts []source.Part) []*datav1.Partition {
	out := make([]*datav1.Partition, len(parts))
	for i, p := range parts {
		out[i] = &datav1.Partition{
			Number: uint32(i), Key: p.ID, Title: p.Name, Spec: p.Spec, Bytes: uint64(max(p.Bytes, 0)), Rows: uint64(max(p.Rows, 0)),
		}
	}
	return out
}

// Open implements flow.Source.
func (n *input) Open(ctx context.Context, p flow.Place, cursor json.RawMessage) (flow.Stream, error) {
	src, kind, err := n.make(p.Stage.GetSpec())
	if err != nil {
		return nil, carried(err)
	}
	at, err := readPlace(cursor)
	if err != nil {
		return nil, err
	}
	d := p.Partition
	in, err := src.Open(ctx, source.Part{ID: d.GetKey(), Name: d.GetTitle(), Bytes: int64(d.GetBytes()), Rows: int64(d.GetRows()), Spec: d.GetSpec()}, at.At)
	if err != nil {
		return nil, carried(err)
	}
	bytes := int64(p.Run.GetLimits().GetBatchBytes())
	if bytes == 0 {
		bytes = n.batch
	}
	return newStream(in, at, bytes, func(rows, refused int) { n.metrics.read(kind, rows, refused) }), nil
}

// carried is an error of a source as pkg/flow knows it: one that another try would not mend stays one.
func carried(err error) error {
	var e *source.Error
	if errors.As(err, &e) {
		return &flow.Error{Code: e.Code, Message: err.Error()}
	}
	return err
}
