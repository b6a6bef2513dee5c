package flow

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/events"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// FactsLost is the code of the trouble that EVENTS has dropped the plan of a run that is under way, with other facts of it: replicas that know the run go on with it, and
// those that start do not find it.
const FactsLost = "facts_lost"

// forgotten says of which runs under way that is so.
func (r *Runner) forgotten(ctx context.Context) {
	facts, err := r.Bus.JetStream().Stream(ctx, events.EventsStream)
	if err != nil {
		return // it is asked for again
	}
	for run, stage := range r.unfinished() {
		if _, err := facts.GetLastMsgForSubject(ctx, events.RunPlanned.Name(run)); !errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		r.warn(ctx, &datav1.StageTrouble{Run: run, Stage: stage, Trouble: &datav1.Trouble{Code: FactsLost, Message: fmt.Sprintf(
			"the stream %s, which keeps %d bytes for %s, has dropped the plan of run %s while it is under way: services that start now do not know the run. Give the stream more room (nats stream edit %s --max-bytes) for the next run, and do not restart services until this one has ended",
			events.EventsStream, facts.CachedInfo().Config.MaxBytes, facts.CachedInfo().Config.MaxAge, run, events.EventsStream)}})
	}
}

// unfinished are the runs under way, each with its first stage that is not finished.
func (r *Runner) unfinished() map[string]string {
	out := map[string]string{}
	r.board.each(func(id string, s *State) {
		if s.Over() {
			return
		}
		for _, stage := range s.planned.GetRun().GetStages() {
			if s.Finished(stage.GetName()) == nil {
				out[id] = stage.GetName()
				return
			}
		}
	})
	return out
}
