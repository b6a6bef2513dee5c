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
	if r.Started != nil {
		if err := r.Started(ctx, f); err != nil {
			return fmt.Errorf("tell of the start of run %s: %w", run.GetId(), err)
		}
	}
	return r.create(ctx, events.RunPlanned.Name(run.GetId()), said)
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
				AckWait: ackWait, MaxDeliver: -1, MaxAckPending: int(2*r.cfg.perSegment()) + fetchMost, InactiveThreshold: 24 * time.Hour,
			})
			if err != nil {
				return fmt.Errorf("make the consumer of partition %d for stage %s: %w", p.GetNumber(), stage.GetName(), err)
			}
		}
	}
	return nil
}

// finish judges a stage.
func (r *Runner) finish(ctx context.Context, j job) error {
	run, stage := j.place.Run, j.place.Stage
	in := Finishing{Run: run, Stage: stage, Blob: r.Blob, Schema: j.place.Schema}
	var counts *datav1.Counts
	over := false
	r.board.look(run.GetId(), func(s *State) {
		in.Planned = time.Unix(0, s.Planned().GetUnixNanos())
		over, counts = s.Finished(stage.GetName()) != nil || s.Over(), s.StageCounts(stage.GetName())
		for _, p := range s.Planned().GetPartitions() {
			in.Segments = append(in.Segments, s.Segments(stage.GetName(), p.GetNumber()))
		}
	})
	if over {
		return nil
	}
	f := &datav1.StageFinished{Success: true}
	if h := r.handlers[stage.GetKind()]; h != nil {
		var err error
		if f, err = h.Finish(ctx, in); err != nil {
			return r.last(j, "not_judged", err)
		}
	}
	f.Run, f.Stage, f.Counts, f.Replica, f.UnixNanos = run.GetId(), stage.GetName(), counts, r.id, time.Now().UnixNano()
	if err := r.say(ctx, events.StageFinished.Name(f.GetRun()), j.lease+".finished", f); err != nil {
		return err
	}
	return r.board.current(ctx, r.Bus.JetStream(), f.GetRun())
}

// end ends a run: its books, its dataset, what is left of it on DATA, then its fact.
func (r *Runner) end(ctx context.Context, j job) error {
	id := j.place.Run.GetId()
	f := &datav1.RunEnded{Run: id, Outcome: datav1.Outcome_OUTCOME_CANCELLED}
	var sum Summary
	over := false
	r.board.look(id, func(s *State) {
		f.Attempt, over = s.Attempt(), s.Ended() != nil
		sum = s.summary()
		f.Counts = sum.Counts
		if s.Cancelled() != nil {
			return
		}
		for _, x := range s.Failures() {
			f.Troubles = append(f.Troubles, x.GetTrouble())
		}
		if len(f.GetTroubles()) == 0 {
			f.Troubles = s.books()
		}
		f.Outcome = datav1.Outcome_OUTCOME_FAILED
		if len(f.GetTroubles()) == 0 {
			f.Outcome = datav1.Outcome_OUTCOME_COMPLETE
		}
	})
	if over {
		return nil
	}
	if f.GetOutcome() == datav1.Outcome_OUTCOME_COMPLETE {
		if err := r.publish(ctx, sum, f); err != nil {
			final := (*Error)(nil)
			if err = r.last(j, "not_published", err); !errors.As(err, &final) {
				return err
			}
			f.Outcome, f.Version, f.Troubles = datav1.Outcome_OUTCOME_FAILED, "", []*datav1.Trouble{{Code: final.Code, Message: final.Message}}
		}
	}
	if err := r.tidy(ctx, sum.Planned); err != nil { // before the fact, as whoever resumes the run after it makes them anew
		return fmt.Errorf("remove what is left of run %s: %w", id, err)
	}
	f.UnixNanos = time.Now().UnixNano()
	if r.Ending != nil {
		if err := r.Ending(ctx, r.Blob, sum, f); err != nil {
			return fmt.Errorf("tell of the end of run %s: %w", id, err)
		}
	}
	if err := r.say(ctx, events.RunEnded.Name(id), fmt.Sprintf("%s.ended.%d", j.lease, f.GetAttempt()), f); err != nil {
		return err
	}
	return r.board.current(ctx, r.Bus.JetStream(), id)
}

func (r *Runner) publish(ctx context.Context, sum Summary, f *datav1.RunEnded) (err error) {
	switch {
	case !sum.Success:
		f.Outcome = datav1.Outcome_OUTCOME_INVALID
	case sum.skipped():
		f.Outcome = datav1.Outcome_OUTCOME_SKIPPED
		return nil
	}
	if r.Publish == nil {
		return nil
	}
	f.Version, err = r.Publish(ctx, r.Blob, sum)
	return err
}

// tidy removes the consumers of a run, what they did not read, and the batches that were too large for messages.
func (r *Runner) tidy(ctx context.Context, f *datav1.RunPlanned) error {
	run, js := f.GetRun(), r.Bus.JetStream()
	for _, stage := range run.GetStages() {
		for _, p := range f.GetPartitions() {
			if stage.GetFrom() == "" {
				continue
			}
			err := js.DeleteConsumer(ctx, events.DataStream, consumerName(run.GetId(), stage.GetName(), p.GetNumber()))
			if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
				return err
			}
		}
	}
	s, err := js.Stream(ctx, events.DataStream)
	if err != nil {
		return err
	}
	if err := s.Purge(ctx, jetstream.WithPurgeSubject(events.Data.Name(run.GetId(), "*", "*"))); err != nil {
		return err
	}
	for o, err := range r.Blob.List(ctx, largeBatches(run.GetId())) {
		if err != nil {
			return err
		}
		if err := r.Blob.Delete(ctx, o.Key); err != nil {
			return err
		}
	}
	return nil
}
