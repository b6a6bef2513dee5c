package ingestor

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/dataset"
	"github.com/leathq/leat/pkg/flow"
	"github.com/leathq/leat/pkg/lineage"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// event is one of a run's, with what it reads.
func (i *Ingestor) event(t lineage.Type, at time.Time, f *datav1.RunPlanned, attempt uint32) *lineage.Event {
	run := f.GetRun()
	id := run.GetId()
	if attempt > 0 { // a run that is resumed has ended before, and is another one to who hears of it
		id = fmt.Sprintf("%s.%d", id, attempt)
	}
	e := lineage.New(t, at, id, lineage.Job{Namespace: cmp.Or(run.GetTenant(), tenant), Name: cmp.Or(run.GetName(), run.GetId())})
	for n, s := range sourcesOf(f) {
		s.Digest = f.GetPartitions()[n].GetKey() // not in manifests: the same rows are the same version, by whatever path they were read
		in := lineage.Input(s)
		if in.Namespace == "file" && !slices.Contains(i.files, s.Kind) {
			in.Namespace = s.Kind // what is no URL is a path in files alone
		}
		e.Inputs = append(e.Inputs, in)
	}
	return e
}

// started sends the START of an attempt at a run.
func (i *Ingestor) started(ctx context.Context, f *datav1.RunPlanned, attempt uint32, at time.Time) error {
	return i.send(ctx, f.GetRun().GetId(), i.event(lineage.Start, at, f, attempt))
}

// ending sends the COMPLETE, FAIL or ABORT of an attempt at a run.
func (i *Ingestor) ending(ctx context.Context, store *blob.Store, s flow.Summary, f *datav1.RunEnded) error {
	t := lineage.Complete
	switch f.GetOutcome() {
	case datav1.Outcome_OUTCOME_FAILED:
		t = lineage.Fail
	case datav1.Outcome_OUTCOME_CANCELLED:
		t = lineage.Abort
	}
	e := i.event(t, time.Unix(0, f.GetUnixNanos()), s.Planned, f.GetAttempt())
	e.Code(i.deps.Version)
	if troubles := f.GetTroubles(); len(troubles) > 0 {
		e.Error(troubles[0].GetMessage())
	}
	if f.GetVersion() != "" {
		m, err := dataset.New(store).Get(ctx, s.Planned.GetRun().GetTarget().GetDataset(), f.GetVersion())
		if err != nil {
			return err
		}
		e.Outputs = append(e.Outputs, lineage.Output(i.cfg.Blob.URL, m))
	}
	return i.send(ctx, s.Planned.GetRun().GetId(), e)
}

// send keeps an event among the facts, once.
func (i *Ingestor) send(ctx context.Context, run string, e *lineage.Event) error {
	if err := e.Check(); err != nil {
		return err
	}
	data, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("spell a lineage event: %w", err)
	}
	_, err = i.deps.Bus.JetStream().PublishMsg(ctx, &nats.Msg{Subject: lineage.Subject(run), Data: data, Header: nats.Header{
		jetstream.MsgIDHeader: {e.MessageID()}, "content-type": {"application/json"},
	}})
	if err != nil {
		return fmt.Errorf("publish %s: %w", lineage.Subject(run), err)
	}
	return nil
}
