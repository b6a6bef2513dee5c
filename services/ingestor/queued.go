package ingestor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/flow"
	"github.com/leathq/leat/pkg/jobs"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
	"github.com/leathq/leat/services/ingestor/runfile"
)

const (
	mostID     = 128  // bytes of a run's id: it is its job's, which stands in subjects
	mostQueued = 1000 // jobs that are looked through for one
)

// submit publishes a run as a job. What is wrong with its description is said at once.
func (a *api) submit(ctx context.Context, r *flow.Runner, run *datav1.Run, class string) error {
	if len(run.GetId()) > mostID {
		return errs.Field("run.id", "invalid_run", "id: it has %d bytes, and %d are the most", len(run.GetId()), mostID)
	}
	if err := r.CheckRun(run); err != nil {
		return public(err)
	}
	data, err := protojson.Marshal(run)
	if err != nil {
		return fmt.Errorf("spell run %s: %w", run.GetId(), err)
	}
	_, err = a.i.queue.client.Submit(ctx, &jobs.Job{
		ID: run.GetId(), Class: class, Tenant: run.GetTenant(), Kind: jobs.Data, Request: data, Trace: run.GetTraceparent(),
	})
	if errors.Is(err, jobs.ErrFull) {
		return errs.New(errs.Unavailable, "queue_full", "too many runs of tenant %s wait in class %s; submit it again later", run.GetTenant(), class).Because(err)
	}
	return err
}

// state is that of a run that waits as a job, or whose job ended before there was a run; nil where there is neither.
func (q *queue) state(ctx context.Context, run string) (*ingestorv1.RunState, error) {
	r, err := q.client.Result(ctx, jobs.Data, run)
	if err == nil {
		return stillborn(r), nil
	}
	if !errors.Is(err, jobs.ErrNoResult) {
		return nil, unread(run, err)
	}
	j, err := q.find(ctx, run)
	if err != nil || j == nil {
		return nil, err
	}
	return queued(j), nil
}

func unread(run string, err error) error {
	return errs.New(errs.Unavailable, "no_jobs", "the job of run %q cannot be looked up in NATS; try again in a moment", run).Because(err)
}

// find is a job that waits, or nil.
func (q *queue) find(ctx context.Context, run string) (found *jobs.Job, err error) {
	left := mostQueued
	err = q.client.Waiting(ctx, jobs.Data, func(j *jobs.Job) bool {
		if j.ID == run {
			found = j
		}
		left--
		return found == nil && left > 0
	})
	if err != nil {
		return nil, unread(run, err)
	}
	return found, nil
}

// waiting are the runs of a name, or with "" all, that wait as jobs, the newest first.
func (q *queue) waiting(ctx context.Context, name string, planned map[string]bool) (out []*ingestorv1.RunState, err error) {
	left := mostQueued
	err = q.client.Waiting(ctx, jobs.Data, func(j *jobs.Job) bool {
		if s := queued(j); !planned[j.ID] && (name == "" || s.GetRun().GetName() == name) {
			out = append([]*ingestorv1.RunState{s}, out...)
		}
		left--
		return left > 0
	})
	if err != nil {
		return nil, errs.New(errs.Unavailable, "no_jobs", "the queue of jobs cannot be read from NATS; try again in a moment").Because(err)
	}
	return out, nil
}

// cancel cancels the job of a run that is not planned; there is false where there is none that waits.
func (q *queue) cancel(ctx context.Context, run string) (there bool, err error) {
	j, err := q.find(ctx, run)
	if err != nil || j == nil {
		return false, err
	}
	err = q.client.Cancel(ctx, j.Tenant, jobs.Data, j.ID)
	if errors.Is(err, jobs.ErrHasResult) {
		return false, nil
	}
	return true, err
}

// queued is a run that waits.
func queued(j *jobs.Job) *ingestorv1.RunState {
	run, err := runfile.FromJSON(j.Request)
	if err != nil || j.File != "" { // whoever takes it says so
		run = &datav1.Run{}
	}
	run.Id, run.Tenant = j.ID, j.Tenant
	return &ingestorv1.RunState{Run: run, Phase: "queued", Class: j.Class, Counts: &datav1.Counts{}}
}

// stillborn is what a job's result says of a run that there is not.
func stillborn(r *jobs.Result) *ingestorv1.RunState {
	out := &ingestorv1.RunState{
		Run: &datav1.Run{Id: r.Job, Tenant: r.Tenant}, Phase: "failed", Class: r.Class, Counts: &datav1.Counts{}, EndedUnixNanos: r.Finished.UnixNano(),
	}
	if r.Status == jobs.StatusCancelled {
		out.Phase = "cancelled"
		return out
	}
	var said struct {
		Error struct{ Code, Message string }
	}
	if err := json.Unmarshal(r.Response, &said); err != nil || said.Error.Message == "" {
		said.Error.Code, said.Error.Message = "unknown", "its facts are gone; its job's result is shown by leat jobs get --kind data "+r.Job
	}
	out.Troubles = []*datav1.Trouble{{Code: said.Error.Code, Message: said.Error.Message}}
	return out
}
