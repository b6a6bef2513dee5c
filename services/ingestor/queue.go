package ingestor

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/files"
	"github.com/leathq/leat/pkg/flow"
	"github.com/leathq/leat/pkg/jobs"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	"github.com/leathq/leat/services/ingestor/runfile"
)

const (
	// tenant is whose a run is that names none.
	tenant = "default"
	// cancelledEvery is how often a run's job is asked whether it was cancelled: that may have been said while NATS was away from this process.
	cancelledEvery = 5 * time.Second
)

// planDelays are the waits after a source that could not be planned; after the last the job is a dead letter.
var planDelays = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute}

// queue takes the jobs that are data runs. A job is held while its run is under way, by any ingestor; who holds it does not matter to the run.
type queue struct {
	i      *Ingestor
	client *jobs.Client
}

func newQueue(i *Ingestor) *queue {
	return &queue{i: i, client: jobs.New(i.deps.Bus, files.New(i.deps.Bus, files.Config{}), i.cfg.Jobs)}
}

func (q *queue) run(ctx context.Context) error {
	return q.client.Run(ctx, jobs.Work{
		Name: "ingestor", Kinds: []string{jobs.Data}, Lasting: true, Borrowed: true, Window: q.window, Do: q.do, Settled: q.settled, Opened: func() {}, Log: q.i.deps.Log,
	})
}

// window is how many runs of a class this process holds; none before it can carry them.
func (q *queue) window(string) int {
	if q.i.carrier.Held() != nil || q.i.Ready() != nil {
		return 0
	}
	return q.i.cfg.Runs
}

// do starts a job's run, unless it is started, and gives the job its result when the run has ended.
func (q *queue) do(ctx context.Context, d *jobs.Delivery) {
	started := time.Now()
	run, r := &datav1.Run{Id: d.ID}, q.i.carrier.Runner()
	planned, err := q.planned(ctx, d.ID)
	if err == nil && !planned {
		run, err = q.read(d.Job)
	}
	if err == nil && !planned {
		err = r.Start(ctx, run, d.Class)
	}
	if err != nil {
		q.unplanned(ctx, d, err)
		return
	}
	end, err := q.ended(ctx, d.ID)
	if err != nil {
		q.left(ctx, d)
		return
	}
	end.Started, end.Attempts = started, d.Delivered
	d.Done(ctx, end)
}

func (q *queue) planned(ctx context.Context, run string) (planned bool, err error) {
	err = q.i.carrier.Runner().State(ctx, run, func(s *flow.State) { planned = s != nil })
	return planned, err
}

// read makes a run of a job.
func (q *queue) read(j *jobs.Job) (*datav1.Run, error) {
	run, err := runfile.FromJSON(j.Request)
	if err != nil {
		return nil, &flow.Error{Code: "invalid_run", Message: err.Error()}
	}
	switch {
	case run.GetId() != "" && run.GetId() != j.ID:
		return nil, &flow.Error{Code: "invalid_run", Message: fmt.Sprintf("id: it is %q, and that of the job %q; leave it out", run.GetId(), j.ID)}
	case run.GetTenant() != "" && run.GetTenant() != j.Tenant:
		return nil, &flow.Error{Code: "invalid_run", Message: fmt.Sprintf("tenant: it is %q, and the job's subject says %q; leave it out", run.GetTenant(), j.Tenant)}
	}
	run.Id, run.Tenant, run.Traceparent = j.ID, j.Tenant, cmp.Or(run.GetTraceparent(), j.Trace)
	return run, q.i.accept(run, j.Class)
}

// unplanned is a job that did not become a run.
func (q *queue) unplanned(ctx context.Context, d *jobs.Delivery, err error) {
	var wrong *flow.Error
	var refused *errs.Error
	switch {
	case ctx.Err() != nil:
		q.left(ctx, d)
	case errors.As(err, &wrong):
		d.Dead(ctx, wrong.Code, wrong.Message, nil)
	case errors.As(err, &refused):
		d.Dead(ctx, refused.Code, refused.Message, nil)
	case !d.Failed(planDelays):
		d.Dead(ctx, "not_planned", fmt.Sprintf("The source could not be planned: %v. Mend that, and requeue it.", err), nil)
	default:
		q.i.deps.Log.Warn("a run cannot be planned; trying again", "run", d.ID, "error", err)
	}
}

// errCancelled says that a run's job was cancelled.
var errCancelled = errors.New("the job was cancelled")

// ended waits for a run's end.
func (q *queue) ended(ctx context.Context, run string) (*jobs.Result, error) {
	r := q.i.carrier.Runner()
	asked := time.NewTicker(cancelledEvery)
	defer asked.Stop()
	for {
		changed := r.Changed()
		var out *jobs.Result
		err := r.State(ctx, run, func(s *flow.State) {
			if s != nil && s.Ended() != nil {
				out = result(s)
			}
		})
		if out != nil {
			return out, nil
		}
		if err != nil && ctx.Err() == nil {
			q.i.deps.Log.Debug("state of a run not known", "run", run, "error", err)
		}
		select {
		case <-changed:
		case <-asked.C:
			if _, err := q.client.Result(ctx, jobs.Data, run); err == nil {
				return nil, errCancelled
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// left is a job that this process lets go of before its run has ended: it was cancelled, or the process stops.
func (q *queue) left(ctx context.Context, d *jobs.Delivery) {
	check, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	r, err := q.client.Result(check, jobs.Data, d.ID)
	if err != nil || q.settled(check, d.Job, r) != nil {
		d.Later(0)
		return
	}
	d.Done(check, r)
}

// settled cancels the run of a job that was cancelled. A run that was resumed meanwhile is no more the job's.
func (q *queue) settled(ctx context.Context, j *jobs.Job, r *jobs.Result) error {
	if r.Status != jobs.StatusCancelled {
		return nil
	}
	under := false
	flows := q.i.carrier.Runner()
	err := flows.State(ctx, j.ID, func(s *flow.State) { under = s != nil && !s.Over() && s.Attempt() == 0 })
	if err != nil || !under {
		return err
	}
	err = flows.Cancel(ctx, j.ID, "its job was cancelled")
	var over *flow.Error
	if errors.As(err, &over) {
		return nil
	}
	return err
}

// statuses of results, as HTTP has them, by how the run ended.
var statuses = map[datav1.Outcome]int{
	datav1.Outcome_OUTCOME_COMPLETE: 200, datav1.Outcome_OUTCOME_INVALID: 200, datav1.Outcome_OUTCOME_SKIPPED: 200,
	datav1.Outcome_OUTCOME_CANCELLED: jobs.StatusCancelled,
}

// result is that of a run's job.
func result(s *flow.State) *jobs.Result {
	run, end := s.Planned().GetRun(), s.Ended()
	type trouble struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	out := struct {
		Run      string            `json:"run"`
		Name     string            `json:"name,omitempty"`
		Outcome  string            `json:"outcome"`
		Dataset  string            `json:"dataset,omitempty"`
		Version  string            `json:"version,omitempty"`
		Counts   map[string]uint64 `json:"counts"`
		Troubles []trouble         `json:"troubles,omitempty"`
	}{
		Run: run.GetId(), Name: run.GetName(), Outcome: phase(s), Dataset: run.GetTarget().GetDataset(), Version: end.GetVersion(), Counts: map[string]uint64{
			"rows_in": end.GetCounts().GetRowsIn(), "valid": end.GetCounts().GetValid(), "quarantined": end.GetCounts().GetQuarantined(), "refused": end.GetCounts().GetRefused(),
		},
	}
	for _, t := range end.GetTroubles() {
		out.Troubles = append(out.Troubles, trouble{t.GetCode(), t.GetMessage()})
	}
	var body strings.Builder
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false)
	if err := e.Encode(out); err != nil {
		panic(err) // strings and numbers can be spelled
	}
	return &jobs.Result{Status: cmp.Or(statuses[end.GetOutcome()], 500), Response: json.RawMessage(body.String())}
}
