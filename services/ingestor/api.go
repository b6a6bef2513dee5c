package ingestor

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/dataset"
	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/flow"
	"github.com/leathq/leat/pkg/jobs"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
	"github.com/leathq/leat/services/ingestor/internal/source"
)

const (
	watchEvery = 250 * time.Millisecond // between two states of a watched run
	listed     = 50                     // runs, where the caller does not say
	mostBatch  = 64 << 20               // Arrow bytes of a batch that a run may ask for: a partition holds one
)

// api serves leat.ingestor.v1 from the fold of the runs' facts.
type api struct {
	ingestorv1.UnimplementedIngestorServiceServer
	i *Ingestor
}

// runner is what carries runs, once its streams are open.
func (a *api) runner() (*flow.Runner, error) {
	if err := a.i.carrier.Held(); err != nil {
		return nil, errs.New(errs.Unavailable, "held_up", "no data runs: %v", err)
	}
	if err := a.i.Ready(); err != nil {
		return nil, errs.New(errs.Unavailable, "not_ready", "the ingestor is not ready: %v; try again in a moment", err)
	}
	return a.i.carrier.Runner(), nil
}

// Submit plans a run and starts it.
func (a *api) Submit(ctx context.Context, req *ingestorv1.SubmitRequest) (*ingestorv1.SubmitResponse, error) {
	r, err := a.runner()
	if err != nil {
		return nil, err
	}
	run := req.GetRun()
	if run == nil {
		return nil, errs.Field("run", "invalid_run", "run: it is missing")
	}
	if run.GetId() == "" {
		run.Id = nuid.Next()
	}
	class := cmp.Or(req.GetClass(), jobs.Bulk)
	run.Tenant = cmp.Or(run.GetTenant(), tenant)
	if err := a.i.accept(run, class); err != nil {
		return nil, err
	}
	if req.GetJob() {
		return &ingestorv1.SubmitResponse{Run: run.GetId()}, a.submit(ctx, r, run, class)
	}
	if err := r.Start(ctx, run, class); err != nil {
		return nil, public(err)
	}
	return &ingestorv1.SubmitResponse{Run: run.GetId()}, settled(ctx, r, run.GetId())
}

// accept refuses what a run may ask for by its description, but which is not done.
func (i *Ingestor) accept(run *datav1.Run, class string) error {
	switch {
	case class != jobs.High && class != jobs.Normal && class != jobs.Bulk:
		return errs.Field("class", "invalid_run", "class: %q is not high, normal or bulk", class)
	case run.GetLimits().GetBatchBytes() > mostBatch:
		return errs.Field("run.limits.batch_bytes", "invalid_run", "limits.batch_bytes: %d is more than %d", run.GetLimits().GetBatchBytes(), mostBatch)
	case run.GetTarget() != nil && dataset.CheckName(run.GetTarget().GetDataset()) != nil:
		return errs.Field("run.target.dataset", "invalid_run", "target.dataset: %v", dataset.CheckName(run.GetTarget().GetDataset()))
	case run.GetTarget() != nil && !keeps(run):
		return errs.Field("run.target", "invalid_run", "target: a dataset is made of what the last stage keeps, and that one must be of kind %s; add one, without a suite where nothing is to be checked", kindValidate)
	}
	if err := i.checkSince(run); err != nil {
		return errs.Field("run.since", "invalid_run", "%v", err)
	}
	for n, s := range run.GetStages() {
		if !slices.Contains(i.kinds, s.GetKind()) {
			return errs.Field(fmt.Sprintf("run.stages[%d].kind", n), "invalid_run", "stages[%d].kind: no service does stages of kind %q; there are %s",
				n, s.GetKind(), strings.Join(i.kinds, ", "))
		}
	}
	return nil
}

// settled returns when a run that was started is in the fold, so that whoever asks next finds it.
func settled(ctx context.Context, r *flow.Runner, run string) error {
	for {
		changed, there := r.Changed(), false
		r.Look(run, func(s *flow.State) { there = s != nil && s.Planned() != nil })
		if there {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return errs.New(errs.Timeout, "not_settled", "run %s is started, but its first fact has not come back yet; ask for it again", run).Because(ctx.Err())
		}
	}
}

// state is a run's; NOT_FOUND where there is none.
func (a *api) state(ctx context.Context, r *flow.Runner, run string) (out *ingestorv1.RunState, err error) {
	err = r.State(ctx, run, func(s *flow.State) {
		if s != nil {
			out = view(s, true)
		}
	})
	if err != nil {
		return nil, errs.New(errs.Unavailable, "no_facts", "the facts of run %q cannot be read from NATS; try again in a moment", run).Because(err)
	}
	if out == nil {
		out, err = a.i.queue.state(ctx, run)
	}
	if out == nil && err == nil {
		err = errs.New(errs.NotFound, "run_not_found", "there is no run %q in the last 30 days%s", run, source.Suggest(run, a.runs(r)))
	}
	return out, err
}

// GetRun returns the state of a run.
func (a *api) GetRun(ctx context.Context, req *ingestorv1.GetRunRequest) (*ingestorv1.GetRunResponse, error) {
	r, err := a.runner()
	if err != nil {
		return nil, err
	}
	s, err := a.state(ctx, r, req.GetRun())
	return &ingestorv1.GetRunResponse{State: s}, err
}

// runs are the ids of those that this process remembers.
func (*api) runs(r *flow.Runner) (out []string) {
	r.Each(func(run string, _ *flow.State) { out = append(out, run) })
	return out
}

// ListRuns returns runs that wait or are under way and the last that have ended, the newest first.
func (a *api) ListRuns(ctx context.Context, req *ingestorv1.ListRunsRequest) (*ingestorv1.ListRunsResponse, error) {
	r, err := a.runner()
	if err != nil {
		return nil, err
	}
	out, planned := &ingestorv1.ListRunsResponse{}, map[string]bool{}
	r.Each(func(run string, s *flow.State) {
		planned[run] = true
		if req.GetName() == "" || s.Planned().GetRun().GetName() == req.GetName() {
			out.States = append(out.States, view(s, false))
		}
	})
	slices.SortFunc(out.GetStates(), func(x, y *ingestorv1.RunState) int {
		return cmp.Or(cmp.Compare(y.GetPlannedUnixNanos(), x.GetPlannedUnixNanos()), cmp.Compare(x.GetRun().GetId(), y.GetRun().GetId()))
	})
	waiting, err := a.i.queue.waiting(ctx, req.GetName(), planned)
	if err != nil {
		return nil, err
	}
	out.States = append(waiting, out.GetStates()...)
	out.States = out.GetStates()[:min(len(out.GetStates()), int(cmp.Or(req.GetLimit(), listed)))]
	return out, nil
}

// WatchRun sends the state of a run at its changes, until it has ended.
func (a *api) WatchRun(req *ingestorv1.WatchRunRequest, to grpc.ServerStreamingServer[ingestorv1.WatchRunResponse]) error {
	r, err := a.runner()
	if err != nil {
		return err
	}
	ctx, last := to.Context(), (*ingestorv1.RunState)(nil)
	for {
		changed := r.Changed()
		s, err := a.state(ctx, r, req.GetRun())
		if err != nil {
			return err
		}
		if !proto.Equal(s, last) {
			if err := to.Send(&ingestorv1.WatchRunResponse{State: s}); err != nil {
				return err
			}
		}
		if last = s; s.GetEndedUnixNanos() != 0 {
			return nil
		}
		if !next(ctx, changed, s.GetPlannedUnixNanos() == 0) {
			return errs.New(errs.Canceled, "left", "the caller left").Because(ctx.Err())
		}
	}
}

// next waits until a run may have another state, and false where ctx ended. What happens to a run that waits as a job is no change of the fold.
func next(ctx context.Context, changed <-chan struct{}, queued bool) bool {
	pause := after(ctx, watchEvery)
	if !queued {
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
	<-pause
	return ctx.Err() == nil
}

// after is closed after a while, or when ctx ends.
func after(ctx context.Context, d time.Duration) <-chan struct{} {
	ctx, cancel := context.WithTimeout(ctx, d)
	context.AfterFunc(ctx, cancel)
	return ctx.Done()
}

// Cancel ends a run.
func (a *api) Cancel(ctx context.Context, req *ingestorv1.CancelRequest) (*ingestorv1.CancelResponse, error) {
	r, err := a.runner()
	if err != nil {
		return nil, err
	}
	err = r.Cancel(ctx, req.GetRun(), req.GetReason())
	if unknown(err) {
		var there bool
		if there, err = a.i.queue.cancel(ctx, req.GetRun()); err == nil && !there {
			_, err = a.state(ctx, r, req.GetRun())
			err = cmp.Or(err, error(&flow.Error{Code: "run_over", Message: fmt.Sprintf("run %s was never begun: see its status", req.GetRun())}))
		}
	}
	return &ingestorv1.CancelResponse{}, public(err)
}

// Resume takes a run up where it stood.
func (a *api) Resume(ctx context.Context, req *ingestorv1.ResumeRequest) (*ingestorv1.ResumeResponse, error) {
	r, err := a.runner()
	if err != nil {
		return nil, err
	}
	n, err := r.Resume(ctx, req.GetRun())
	if unknown(err) {
		_, err = a.state(ctx, r, req.GetRun())
		err = cmp.Or(err, error(&flow.Error{Code: "run_not_ended", Message: fmt.Sprintf("run %s was never begun: submit it anew", req.GetRun())}))
	}
	return &ingestorv1.ResumeResponse{Attempt: n}, public(err)
}

// Inspect plans a source, from its beginning.
func (a *api) Inspect(ctx context.Context, req *ingestorv1.InspectRequest) (*ingestorv1.InspectResponse, error) {
	src, _, err := a.i.input.make(req.GetSpec())
	if err != nil {
		return nil, public(carried(err))
	}
	p, err := src.Plan(ctx, nil)
	if err != nil {
		return nil, public(carried(err))
	}
	schema, err := json.Marshal(p.Schema)
	if err != nil {
		return nil, err
	}
	return &ingestorv1.InspectResponse{Schema: schema, Partitions: partitions(p.Parts), Notes: p.Notes}, nil
}

// unknown says whether an error is that nothing is known of a run.
func unknown(err error) bool {
	var e *flow.Error
	return errors.As(err, &e) && e.Code == "run_not_found"
}

// public is an error as callers see it.
func public(err error) error {
	var e *flow.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code {
	case "run_not_found":
		return errs.New(errs.NotFound, e.Code, "%s", e.Message)
	case "run_over", "run_not_ended":
		return status.Error(codes.FailedPrecondition, e.Message)
	case source.Denied:
		return errs.New(errs.Forbidden, e.Code, "%s", e.Message)
	}
	return errs.New(errs.Invalid, e.Code, "%s", e.Message)
}
