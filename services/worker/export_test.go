package worker

import (
	"github.com/nats-io/nats.go"

	"context"

	"github.com/leathq/leat/pkg/host"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/gpu"
)

// Hooks are what an engine tells its worker beside the deltas.
type Hooks = hooks

// NewWith makes a worker around an engine of the test's own, and a driver of its own where that is not nil.
func NewWith(cfg Config, deps host.Deps, open func(context.Context, Hooks) (engine.Engine, error), gpus func() (gpu.Library, error)) *Worker {
	return newWorker(cfg, deps, outside{gpus: gpus, engine: func(ctx context.Context, _ Config, _ host.Deps, hooks hooks) (engine.Engine, error) {
		return open(ctx, hooks)
	}})
}

// NewGroupWith makes several workers around engines of the test's own.
func NewGroupWith(s Setup, deps host.Deps, open func(ctx context.Context, cfg Config, hooks Hooks) (engine.Engine, error), gpus func() (gpu.Library, error)) *Group {
	return newGroup(s, deps, outside{gpus: gpus, engine: func(ctx context.Context, cfg Config, _ host.Deps, hooks hooks) (engine.Engine, error) {
		return open(ctx, cfg, hooks)
	}})
}

// Arrive hands a worker that has joined a message as if it came from the bus.
func (w *Worker) Arrive(msg *nats.Msg) {
	w.member.Load().arrive(msg)
}

// Ask hands it a question.
func (w *Worker) Ask(data []byte) { _, _ = w.member.Load().think(context.Background(), data) }

// Snapshot is the report that would be sent now.
func (w *Worker) Snapshot() *inferv1.Report { return w.member.Load().snapshot() }
