package worker

import (
	"context"
	"time"

	"github.com/leathq/leat/pkg/errs"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	workerv1 "github.com/leathq/leat/proto/gen/leat/worker/v1"
)

// cordon keeps new work away, or lets it come again, and says whether that is so now: a worker that leaves does. What it holds
// goes on, what has not begun included: it was taken, and nothing speaks against the worker.
func (m *member) cordon(on bool) bool {
	m.status.Lock()
	was := m.status.cordoned != ""
	stays := !leaves(m.status.state)
	if stays && on != was {
		m.status.cordoned = ""
		if on {
			m.status.cordoned = "told to take nothing new at " + time.Now().UTC().Format(time.TimeOnly+" MST")
		}
		switch m.status.state { // with an engine that is not well, the next look at it says more
		case inferv1.WorkerState_WORKER_STATE_READY, inferv1.WorkerState_WORKER_STATE_CORDONED:
			m.becomeLocked(inferv1.WorkerState_WORKER_STATE_READY, m.worker.notices.said())
		}
	}
	m.status.Unlock()
	if stays && on != was {
		m.log.Info("cordon changed", "cordoned", on)
		m.kick()
	}
	return stays
}

// joined are two notes as one.
func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// Cordon implements workerv1.WorkerServiceServer.
func (a api) Cordon(context.Context, *workerv1.CordonRequest) (*workerv1.CordonResponse, error) {
	return &workerv1.CordonResponse{}, a.cordon(true)
}

// Uncordon implements workerv1.WorkerServiceServer.
func (a api) Uncordon(context.Context, *workerv1.UncordonRequest) (*workerv1.UncordonResponse, error) {
	return &workerv1.UncordonResponse{}, a.cordon(false)
}

var errLeaves = errs.New(errs.Unavailable, "worker_draining", "The worker is leaving the fleet; start its process anew to have it back.")

func (a api) cordon(on bool) error {
	m := a.worker.member.Load()
	switch {
	case m == nil:
		return errNotThere
	case !m.cordon(on):
		return errLeaves
	}
	return nil
}
