package flow

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/leathq/leat/pkg/events"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// order puts what was not tried, or longest ago, first, so that partitions to which nothing comes do not keep a stage from others; and forgets old tries.
func (r *Runner) order(byRun [][]job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := time.Now().Add(-2 * retryMost)
	for lease, at := range r.not {
		if at.Before(old) && r.active[lease] == nil {
			delete(r.not, lease)
			delete(r.tries, lease)
		}
	}
	for _, jobs := range byRun {
		slices.SortStableFunc(jobs, func(a, b job) int { return r.not[a.lease].Compare(r.not[b.lease]) })
	}
}

// jobs are what this replica could do for a run now, of the partitions that may be worked on.
func (r *Runner) jobs(s *State, admitted map[uint32]bool) []job {
	run := s.planned.GetRun()
	var out []job
	if len(r.sources) > 0 && s.Ended() == nil && (s.Cancelled() != nil || len(s.Failures()) > 0 || s.allFinished()) {
		out = append(out, job{lease: events.DataLease(run.GetId()), place: Place{Run: run}, do: r.end})
	}
	if s.Over() || len(s.Failures()) > 0 {
		return out
	}
	for _, stage := range run.GetStages() {
		do := r.doer(stage)
		if do == nil {
			continue
		}
		place := Place{Run: run, Stage: stage, Blob: r.Blob, Schema: s.planned.GetSchema()}
		if s.StageDone(stage.GetName()) && s.Finished(stage.GetName()) == nil {
			out = append(out, job{lease: events.DataLease(run.GetId(), stage.GetName()), place: place, do: r.finish})
		}
		for _, p := range s.planned.GetPartitions() {
			if admitted[p.GetNumber()] && s.todo(stage.GetName(), p.GetNumber()) {
				place.Partition = p
				lease := events.DataLease(run.GetId(), stage.GetName(), strconv.Itoa(int(p.GetNumber())))
				out = append(out, job{lease: lease, kind: stage.GetKind(), place: place, do: do})
			}
		}
	}
	return out
}

func (r *Runner) doer(s *datav1.Stage) func(context.Context, job) error {
	if r.sources[s.GetKind()] != nil {
		return r.read
	}
	if r.handlers[s.GetKind()] != nil {
		return r.carry
	}
	return nil
}

func (s *State) allFinished() bool {
	for _, stage := range s.planned.GetRun().GetStages() {
		if s.Finished(stage.GetName()) == nil {
			return false
		}
	}
	return true
}
