package validator

import (
	"context"
	"errors"
	"io"
	"path"
	"strings"

	"google.golang.org/grpc"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/dataset"
	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/flow"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	validatorv1 "github.com/leathq/leat/proto/gen/leat/validator/v1"
	"github.com/leathq/leat/services/validator/check"
)

// api serves leat.validator.v1.
type api struct {
	validatorv1.UnimplementedValidatorServiceServer
	v *Validator
}

// Validate holds batches of one schema against a suite.
func (a *api) Validate(in grpc.ClientStreamingServer[validatorv1.ValidateRequest, validatorv1.ValidateResponse]) error {
	first, err := in.Recv()
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	o := first.GetOptions()
	if o == nil {
		return errs.Field("options", "invalid_request", "options: the first message must have them, with the suite")
	}
	var plan *check.Plan
	var state *check.State
	for n := 0; ; n++ {
		m, err := in.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		b, err := arrowio.Decode(m.GetBatch(), arrowio.DefaultLimits())
		if err != nil {
			return errs.Field("batch", "invalid_batch", "batch %d: %v", n, err)
		}
		if plan == nil {
			if plan, err = a.compile(o, b.Schema()); err != nil {
				return err
			}
			state = plan.NewState()
			defer func() { _ = state.Close() }()
		}
		if _, err := state.Add(b); err != nil {
			return errs.Field("batch", "invalid_batch", "batch %d: %v", n, err)
		}
	}
	if plan == nil { // expectations about columns that are not there fail as they should
		if plan, err = a.compile(o, &arrowio.Schema{}); err != nil {
			return err
		}
		state = plan.NewState()
		defer func() { _ = state.Close() }()
	}
	result, err := plan.Result(state)
	if err != nil {
		return err
	}
	text, err := result.MarshalJSON()
	if err != nil {
		return err
	}
	return in.SendAndClose(&validatorv1.ValidateResponse{Success: result.Success, Result: text})
}

func (a *api) compile(o *validatorv1.ValidateOptions, schema *arrowio.Schema) (*check.Plan, error) {
	plan, err := check.Compile(o.GetSuite(), schema, check.Options{
		ResultFormat: o.GetResultFormat(), Parameters: o.GetParameters(), Memory: int64(a.v.cfg.Memory), Scratch: scratch(a.v.cfg),
		SQL: o.GetSql(), Tables: o.GetTables(), SQLBytes: int64(a.v.cfg.SQL), Raise: raiseSQL,
	})
	if err != nil {
		return nil, errs.Field("options", "invalid_suite", "options: %v", err)
	}
	return plan, nil
}

// Suggest looks at batches of one schema and answers with a suite that they meet.
func (a *api) Suggest(in grpc.ClientStreamingServer[validatorv1.SuggestRequest, validatorv1.SuggestResponse]) error {
	var seen *check.Profile
	for n := 0; ; n++ {
		m, err := in.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		b, err := arrowio.Decode(m.GetBatch(), arrowio.DefaultLimits())
		if err == nil && seen == nil {
			seen, err = check.NewProfile(b.Schema())
		}
		if err == nil {
			err = seen.Add(b)
		}
		if err != nil {
			return errs.Field("batch", "invalid_batch", "batch %d: %v", n, err)
		}
	}
	if seen == nil {
		return errs.Field("batch", "invalid_request", "batch: nothing was sent, and nothing suggests no suite; send at least one batch")
	}
	suite, err := check.Suggest("suggested", seen.Summary())
	if err != nil {
		return err
	}
	return in.SendAndClose(&validatorv1.SuggestResponse{Suite: suite})
}

// GetReport returns what a stage of a run was judged by.
func (a *api) GetReport(ctx context.Context, req *validatorv1.GetReportRequest) (*validatorv1.GetReportResponse, error) {
	if err := a.v.carrier.Held(); err != nil {
		return nil, errs.New(errs.Unavailable, "held_up", "no data runs: %v", err)
	}
	if err := a.v.Ready(); err != nil {
		return nil, errs.New(errs.Unavailable, "not_ready", "the validator is not ready: %v; try again in a moment", err)
	}
	kind := map[string]string{"": "application/json", "json": "application/json", "html": "text/html"}[req.GetFormat()]
	if kind == "" {
		return nil, errs.Field("format", "invalid_format", "format: %q is neither json nor html", req.GetFormat())
	}
	r := a.v.carrier.Runner()
	f, err := judgedStage(ctx, r, req.GetRun(), req.GetStage())
	if err != nil {
		return nil, err
	}
	out := &validatorv1.GetReportResponse{ContentType: kind, Verdicts: f.GetVerdicts(), Counts: f.GetCounts()}
	for _, o := range f.GetObjects() {
		if o.GetRole() == "report" && strings.HasSuffix(kind, strings.TrimPrefix(path.Ext(o.GetKey()), ".")) {
			in, err := dataset.New(r.Blob).Open(ctx, o.GetKey(), o.GetDigest())
			if err != nil {
				return nil, errs.New(errs.Unavailable, "no_report", "the report of run %q cannot be read: %v", req.GetRun(), err)
			}
			out.Report, err = io.ReadAll(in)
			_ = in.Close()
			return out, err
		}
	}
	return nil, errs.New(errs.NotFound, "no_report", "stage %s of run %q has no report: it has no suite", f.GetStage(), req.GetRun())
}

// judgedStage is how a stage of a run was judged: the one that is named, or the only one that validates.
func judgedStage(ctx context.Context, r *flow.Runner, run, stage string) (f *datav1.StageFinished, err error) {
	notFound := func(format string, args ...any) error {
		return errs.New(errs.NotFound, "report_not_found", format, args...)
	}
	var problem error
	err = r.State(ctx, run, func(s *flow.State) {
		if s == nil {
			problem = notFound("there is no run %q in the last 30 days", run)
			return
		}
		var names []string
		for _, x := range s.Planned().GetRun().GetStages() {
			if x.GetKind() == Kind && (stage == "" || x.GetName() == stage) {
				names = append(names, x.GetName())
			}
		}
		switch {
		case len(names) == 0:
			problem = notFound("run %q has no stage%s that validates", run, strings.TrimSuffix(" "+stage, " "))
		case len(names) > 1:
			problem = errs.Field("stage", "ambiguous_stage", "stage: run %q validates in %s; say which", run, strings.Join(names, ", "))
		default:
			if f = s.Finished(names[0]); f == nil {
				problem = notFound("stage %s of run %q is not judged yet", names[0], run)
			}
		}
	})
	if err != nil {
		return nil, errs.New(errs.Unavailable, "no_facts", "the facts of run %q cannot be read from NATS; try again in a moment", run).Because(err)
	}
	return f, problem
}
