package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/events"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

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
	var f *datav1.RunEnded
	var sum Summary
	over := false
	r.board.look(id, func(s *State) {
		over, sum, f = s.Ended() != nil, s.summary(), s.outcome(id)
		f.Counts = sum.Counts
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

// outcome is how a run ends by what is known of it.
func (s *State) outcome(id string) *datav1.RunEnded {
	f := &datav1.RunEnded{Run: id, Attempt: s.Attempt(), Outcome: datav1.Outcome_OUTCOME_CANCELLED}
	if s.Cancelled() != nil {
		return f
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
	return f
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
