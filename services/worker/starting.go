package worker

import (
	"context"
	"strings"
	"time"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/events"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// announcement is a worker whose engine loads: the fleet sees it, but it serves nothing yet.
type announcement struct {
	worker  *Worker
	pool    string
	started time.Time
	number  uint64
	stop    context.CancelFunc
	done    chan struct{}
}

// announce reports that the worker starts until end is called. It says nothing where the pool depends on the engine.
func (w *Worker) announce(ctx context.Context) *announcement {
	a := &announcement{worker: w, pool: w.cfg.poolBefore(), started: time.Now(), done: make(chan struct{})}
	ctx, a.stop = context.WithCancel(ctx)
	go func() {
		defer close(a.done)
		tick := time.NewTicker(reportEvery)
		defer tick.Stop()
		for a.pool != "" {
			a.report(inferv1.WorkerState_WORKER_STATE_STARTING)
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return a
}

// end stops reporting; number is then that of the last report.
func (a *announcement) end() {
	a.stop()
	<-a.done
}

// gone says that the worker will not come. It says nothing where another worker has the name by now: it would be taken
// for gone.
func (a *announcement) gone(ctx context.Context) {
	if a.pool != "" && a.worker.alone(context.WithoutCancel(ctx)) == nil {
		a.report(inferv1.WorkerState_WORKER_STATE_GONE)
	}
}

func (a *announcement) report(state inferv1.WorkerState) {
	a.number++
	r := &inferv1.Report{
		Worker: a.worker.name, Pool: a.pool, Number: a.number, StartedUnixNanos: a.started.UnixNano(), State: state,
		StateNote: "the engine " + a.worker.cfg.Engine + " is loading", Engine: a.worker.cfg.Engine,
		Gpus: reportGPUs(a.worker.snapshotGPUs()),
	}
	if err := a.worker.deps.Bus.Publish(events.Reports.Lane, events.Reports.Name(a.pool, a.worker.name), "", r); err != nil {
		a.worker.log.Warn("report not sent", "error", err)
	}
}

// poolBefore is the pool as far as it is known before the engine runs, or empty.
func (c Config) poolBefore() string {
	model, _, _ := strings.Cut(c.Model, "=")
	switch {
	case c.Pool != "":
		return c.Pool
	case len(c.Names) > 0:
		return bus.Token(c.Names[0])
	case (c.Engine == "openai" || c.Engine == "anthropic") && model != "":
		return bus.Token(model)
	}
	return ""
}
