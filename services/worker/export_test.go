package worker

import (
	"context"

	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/services/worker/internal/engine"
)

// NewWith makes a worker around an engine of the test's own.
func NewWith(cfg Config, deps host.Deps, open func(engine.Steps) (engine.Engine, error)) *Worker {
	return newWorker(cfg, deps, func(_ context.Context, _ Config, _ host.Deps, steps engine.Steps) (engine.Engine, error) {
		return open(steps)
	})
}
