package gateway

import (
	"context"
	"errors"

	"github.com/leathq/leat/pkg/jobs"
	"github.com/leathq/leat/services/gateway/internal/batch"
)

// batchJobs runs the requests of batches as bulk jobs.
type batchJobs struct {
	client *jobs.Client
	limit  int64 // bytes of an answer
}

// kindOf is the kind of a batch's jobs.
func kindOf(endpoint string) string {
	for kind, path := range jobPaths {
		if path == endpoint {
			return kind
		}
	}
	return ""
}

// submit queues a request; submitting it again changes nothing. jobs.ErrFull: later.
func (p *batchJobs) submit(ctx context.Context, b *batch.Record, l *batch.Line) error {
	_, err := p.client.Submit(ctx, &jobs.Job{ID: jobOf(b, l.Index), Class: jobs.Bulk, Tenant: b.Tenant, Kind: kindOf(b.Endpoint), Request: l.Body})
	return err
}

// answer is a request's result, nil while there is none.
func (p *batchJobs) answer(ctx context.Context, b *batch.Record, index int) (*batch.Answer, error) {
	r, err := p.client.Result(ctx, kindOf(b.Endpoint), jobOf(b, index))
	if errors.Is(err, jobs.ErrNoResult) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if r.Status == jobs.StatusCancelled {
		return &batch.Answer{Code: "job_cancelled", Message: "The request was cancelled."}, nil
	}
	body, err := p.client.Response(ctx, r, p.limit)
	if err != nil {
		return nil, err
	}
	return &batch.Answer{Status: r.Status, RequestID: r.RequestID, Body: body}, nil
}

// cancel takes requests back that have no result yet.
func (p *batchJobs) cancel(ctx context.Context, b *batch.Record, indices []int) error {
	for _, i := range indices {
		if err := p.client.Cancel(ctx, b.Tenant, kindOf(b.Endpoint), jobOf(b, i)); err != nil && !errors.Is(err, jobs.ErrHasResult) {
			return err
		}
	}
	return nil
}
