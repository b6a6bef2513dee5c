package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/events"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// MaxPartitions is how many partitions a run has at most: each has a consumer per stage.
const MaxPartitions = 256

// keepConsumers is how long a consumer stays that nobody reads: longer than EVENTS keeps the facts of its run. Without it DATA would drop what is sent to a partition, and one
// may wait long until it is begun.
const keepConsumers = keepPlans

// Summary is a run whose stages have all finished.
type Summary struct {
	Planned  *datav1.RunPlanned
	Finished map[string]*datav1.StageFinished
	Segments map[string][][]*datav1.SegmentDone    // by stage and partition
	Reads    map[string][][]*datav1.SourceProgress // by stage and partition
	Success  bool                                  // whether all checks hold
	Counts   *datav1.Counts
}

// Start plans a run, makes its consumers and says so, once, whoever else does the same. A run that is planned already stays as it is.
func (r *Runner) Start(ctx context.Context, run *datav1.Run, class string) error {
	if err := r.CheckRun(run); err != nil {
		return err
	}
	planned := false
	if err := r.State(ctx, run.GetId(), func(s *State) { planned = s != nil }); err != nil || planned {
		return err
	}
	first := run.GetStages()[0]
	plan, err := r.sources[first.GetKind()].Plan(ctx, run, first)
	if err != nil {
		return err
	}
	if n := len(plan.Partitions); n > MaxPartitions {
		return &Error{Code: "too_many_partitions", Message: fmt.Sprintf("the source of run %s makes %d partitions; %d are the most", run.GetId(), n, MaxPartitions)}
	}
	for i, p := range plan.Partitions {
		p.Number = uint32(i)
	}
	if run, err = r.pinned(run); err != nil {
		return err
	}
	f := &datav1.RunPlanned{
		Run: run, Partitions: plan.Partitions, Schema: plan.Schema, UnixNanos: time.Now().UnixNano(), Class: class, Watermark: plan.Watermark, Known: plan.Known,
	}
	said, err := r.claimed(ctx, f)
	if err != nil {
		return err
	}
	if err := r.consumers(ctx, f); err != nil {
		return err
	}
	if err := r.started(ctx, f, 0, f.GetUnixNanos()); err != nil {
		return err
	}
	return r.create(ctx, events.RunPlanned.Name(run.GetId()), said)
}

// started tells of the start of an attempt at a run.
func (r *Runner) started(ctx context.Context, f *datav1.RunPlanned, attempt uint32, nanos int64) error {
	if r.Started == nil {
		return nil
	}
	if err := r.Started(ctx, f, attempt, time.Unix(0, nanos)); err != nil {
		return fmt.Errorf("tell of the start of run %s: %w", f.GetRun().GetId(), err)
	}
	return nil
}

// pinned is a run with the size of its segments, so that all replicas agree on it, and how much of it may be on its way.
func (r *Runner) pinned(run *datav1.Run) (*datav1.Run, error) {
	run = proto.CloneOf(run)
	if run.GetLimits() == nil {
		run.Limits = &datav1.Limits{}
	}
	run.Limits.SegmentBytes = r.cfg.segment(run)
	if n := r.cfg.weight(run); n > uint64(r.cfg.MaxBytes) {
		return nil, &Error{Code: "no_room", Message: fmt.Sprintf("one partition of run %s takes up to %d bytes on its way between stages, and data.max_bytes is %d: raise that, or lower limits.segment_bytes",
			run.GetId(), n, r.cfg.MaxBytes)}
	}
	return run, nil
}

// create stores a fact as the first of its subject; where there is one already that is fine.
func (r *Runner) create(ctx context.Context, subject string, m proto.Message) error {
	data, err := proto.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode %s: %w", subject, err)
	}
	msg := &nats.Msg{Subject: subject, Data: data, Header: nats.Header{jetstream.MsgIDHeader: {subject}, "ce-source": {r.id}}}
	_, err = r.Bus.JetStream().PublishMsg(ctx, msg, jetstream.WithExpectLastSequencePerSubject(0))
	var refused *jetstream.APIError
	if errors.As(err, &refused) && refused.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		return nil
	}
	if err != nil {
		return fmt.Errorf("publish %s: %w", subject, err)
	}
	return nil
}

// CheckRun refuses a run that cannot be carried; the errors name the field. Specs of kinds that other services do are theirs to check.
func (r *Runner) CheckRun(run *datav1.Run) error {
	if id := run.GetId(); id == "" || bus.Token(id) != id {
		return &Error{Code: "invalid_run", Message: fmt.Sprintf("id: %.80q is no token of letters, digits, - and _", id)}
	}
	seen := map[string]bool{}
	for i, s := range run.GetStages() {
		where := fmt.Sprintf("stages[%d]", i)
		switch name := s.GetName(); {
		case name == "" || bus.Token(name) != name:
			return &Error{Code: "invalid_run", Message: fmt.Sprintf("%s.name: %.80q is no token of letters, digits, - and _", where, name)}
		case seen[name]:
			return &Error{Code: "invalid_run", Message: fmt.Sprintf("%s.name: there is a stage %q already", where, name)}
		case i == 0 && (s.GetFrom() != "" || r.sources[s.GetKind()] == nil):
			return &Error{Code: "invalid_run", Message: where + ": the first stage must be a source, of kind ingest and without from"}
		case i > 0 && !seen[s.GetFrom()]:
			return &Error{Code: "invalid_run", Message: fmt.Sprintf("%s.from: %q is no stage before it", where, s.GetFrom())}
		}
		seen[s.GetName()] = true
		if err := r.checkSpec(s); err != nil {
			return &Error{Code: "invalid_run", Message: fmt.Sprintf("%s.spec: %v", where, err)}
		}
	}
	if len(seen) == 0 {
		return &Error{Code: "invalid_run", Message: "stages: there are none"}
	}
	return nil
}

func (r *Runner) checkSpec(s *datav1.Stage) error {
	if x := r.sources[s.GetKind()]; x != nil {
		return x.Check(s.GetSpec())
	}
	if x := r.handlers[s.GetKind()]; x != nil {
		return x.Check(s.GetSpec())
	}
	return nil
}

// consumers makes those of all stages, so that DATA keeps what they have not read.
func (r *Runner) consumers(ctx context.Context, f *datav1.RunPlanned) error {
	run := f.GetRun()
	for _, stage := range run.GetStages() {
		if stage.GetFrom() == "" {
			continue
		}
		for _, p := range f.GetPartitions() {
			_, err := r.Bus.JetStream().CreateOrUpdateConsumer(ctx, events.DataStream, jetstream.ConsumerConfig{
				Durable:       consumerName(run.GetId(), stage.GetName(), p.GetNumber()),
				FilterSubject: events.Data.Name(run.GetId(), stage.GetFrom(), fmt.Sprint(p.GetNumber())), AckPolicy: jetstream.AckExplicitPolicy,
				AckWait: ackWait, MaxDeliver: -1, MaxAckPending: int(2*r.cfg.perSegment()) + fetchMost, InactiveThreshold: keepConsumers,
			})
			if err != nil {
				return fmt.Errorf("make the consumer of partition %d for stage %s: %w", p.GetNumber(), stage.GetName(), err)
			}
		}
	}
	return nil
}
