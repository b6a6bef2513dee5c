package worker

import (
	"context"
	"time"

	"github.com/leathq/leat/pkg/errs"
	workerv1 "github.com/leathq/leat/proto/gen/leat/worker/v1"
)

// api is leat.worker.v1.
type api struct {
	workerv1.UnimplementedWorkerServiceServer
	worker *Worker
}

var errNotThere = errs.New(errs.Unavailable, "worker_not_ready", "The worker is not in the fleet: its engine is loading, or it has left.")

// GetStatus implements workerv1.WorkerServiceServer.
func (a api) GetStatus(context.Context, *workerv1.GetStatusRequest) (*workerv1.GetStatusResponse, error) {
	m := a.worker.member.Load()
	if m == nil {
		return nil, errNotThere
	}
	return &workerv1.GetStatusResponse{Report: m.snapshot(), Description: m.identity.get().description}, nil
}

// Drain implements workerv1.WorkerServiceServer. It returns at once.
func (a api) Drain(_ context.Context, req *workerv1.DrainRequest) (*workerv1.DrainResponse, error) {
	if req.GetGraceMs() < 0 {
		return nil, errs.Field("grace_ms", "invalid_value", "grace_ms is %d; give 0 for the worker's own setting, or more.", req.GetGraceMs())
	}
	a.worker.drain(time.Duration(req.GetGraceMs()) * time.Millisecond)
	return &workerv1.DrainResponse{}, nil
}
