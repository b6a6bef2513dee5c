package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leathq/leat/pkg/events"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// Cancel ends a run at its next batch. One that is over stays as it is, with an *Error of code run_over; one that nobody knows has code run_not_found.
func (r *Runner) Cancel(ctx context.Context, run, reason string) error {
	f := &datav1.RunCancelled{Run: run, Reason: reason, UnixNanos: time.Now().UnixNano()}
	var err error
	gone := r.State(ctx, run, func(s *State) {
		switch {
		case s == nil:
			err = &Error{Code: "run_not_found", Message: fmt.Sprintf("there is no run %s", run)}
		case s.Over():
			err = &Error{Code: "run_over", Message: fmt.Sprintf("run %s has ended already", run)}
		default:
			f.Attempt = s.Attempt()
		}
	})
	if err := errors.Join(gone, err); err != nil {
		return err
	}
	return r.say(ctx, events.RunCancelled.Name(run), fmt.Sprintf("%s.cancelled.%d", events.DataLease(run), f.GetAttempt()), f)
}

// Resume takes a failed or cancelled run up where it stood, and says which try that is. One that runs or is complete has an *Error.
func (r *Runner) Resume(ctx context.Context, run string) (attempt uint32, err error) {
	var plan *datav1.RunPlanned
	gone := r.State(ctx, run, func(s *State) {
		if s == nil {
			err = &Error{Code: "run_not_found", Message: fmt.Sprintf("there is no run %s", run)}
			return
		}
		plan, attempt = s.planned, s.Attempt()+1
		if o := s.Ended().GetOutcome(); o != datav1.Outcome_OUTCOME_FAILED && o != datav1.Outcome_OUTCOME_CANCELLED {
			err = &Error{Code: "run_not_ended", Message: fmt.Sprintf("run %s has neither failed nor been cancelled; only those can be resumed", run)}
		}
	})
	if err := errors.Join(gone, err); err != nil {
		return 0, err
	}
	if err := r.consumers(ctx, plan); err != nil {
		return 0, err
	}
	f := &datav1.RunResumed{Run: run, Attempt: attempt, UnixNanos: time.Now().UnixNano()}
	if err := r.started(ctx, plan, attempt, f.GetUnixNanos()); err != nil {
		return 0, err
	}
	if err := r.say(ctx, events.RunResumed.Name(run), fmt.Sprintf("%s.resumed.%d", events.DataLease(run), attempt), f); err != nil {
		return 0, err
	}
	return attempt, r.board.current(ctx, r.Bus.JetStream(), run)
}

// Look calls f with the state of a run, which must not be kept; nil where nothing is known of it, or where it has ended and was forgotten (State finds it).
func (r *Runner) Look(run string, f func(*State)) { r.board.look(run, f) }

// Each calls f with every run that is under way and the last ones that have ended, in no order, and its state, which must not be kept.
func (r *Runner) Each(f func(run string, s *State)) { r.board.each(f) }

// Changed is closed at the next change of any run. Ask for it before looking.
func (r *Runner) Changed() <-chan struct{} { return r.board.wait() }
