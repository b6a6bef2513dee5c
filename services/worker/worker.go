// Package worker joins an inference engine to the fleet.
//
// A worker needs a NATS URL and an engine. It says on the bus what it serves and how busy it is, takes dispatches from
// routers, runs each as a sequence of its engine and sends the deltas to the gateway that asked.
//
// The package refuses to queue: a dispatch for which there is no slot goes back at once. It never retries, never picks
// another worker, and keeps nothing on disk.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/leathq/leat/pkg/host"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	workerv1 "github.com/leathq/leat/proto/gen/leat/worker/v1"
	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/gpu"
)

// Worker is the service. Make it with New.
type Worker struct {
	cfg        Config
	deps       host.Deps
	log        *slog.Logger
	name       string
	open       opener
	metrics    *metrics
	gpus       *gpu.Watcher
	sharesGPUs bool                   // somebody else samples and exports them
	member     atomic.Pointer[member] // nil while not in the fleet
	left       atomic.Bool            // it was in the fleet and is not any more
	leave      chan departure         // a drain was asked for
	notices    notices
	machine    *machine // nil where somebody else watches it
}

// opener starts the engine that a configuration names.
type opener func(ctx context.Context, cfg Config, deps host.Deps, hooks hooks) (engine.Engine, error)

// hooks are what an engine tells its worker beside the deltas.
type hooks struct {
	Steps engine.Steps
	Took  func(kind string, d time.Duration) // a step of a kind, and how long it took; must not block
}

// outside is what a worker opens of its machine.
type outside struct {
	engine opener
	gpus   func() (gpu.Library, error) // nil: the driver that is there
	shared *gpu.Watcher                // the process's, where that has several workers; nil: the worker's own
	// sharesMachine says that the process watches for the machine's end, for several workers.
	sharesMachine bool
}

// New makes a worker. It opens nothing; Run does.
func New(cfg Config, deps host.Deps) *Worker {
	return newWorker(cfg, deps, outside{engine: openEngine})
}

func newWorker(cfg Config, deps host.Deps, out outside) *Worker {
	w := &Worker{cfg: cfg, deps: deps, name: cfg.Name, open: out.engine, leave: make(chan departure, 1)}
	w.notices.taken = make(chan departure, 1)
	if w.name == "" {
		w.name = deps.ID
	}
	w.log = deps.Log.With("worker", w.name)
	w.metrics = newMetrics(deps.Metrics, &w.member)
	if w.gpus, w.sharesGPUs = out.shared, out.shared != nil; !w.sharesGPUs {
		w.gpus = newGPUs(w.log, out.gpus, cfg)
		deps.Metrics.MustRegister(gpu.NewCollector(w.gpus, nodeName()))
	}
	if !out.sharesMachine {
		w.machine = newMachine(cfg.Spot, deps, w)
	}
	return w
}

// Name is the service's name in logs and health.
func (w *Worker) Name() string { return "worker" }

// Register adds the gRPC service leat.worker.v1.
func (w *Worker) Register(r grpc.ServiceRegistrar) {
	workerv1.RegisterWorkerServiceServer(r, api{worker: w})
}

// Ready returns why the worker takes no work now, or nil.
func (w *Worker) Ready() error {
	m := w.member.Load()
	if m == nil && w.left.Load() {
		return errors.New("the worker has left the fleet; stop its process, or start it anew to join again")
	}
	if m == nil {
		return fmt.Errorf("the %s engine is loading", w.cfg.Engine)
	}
	if state, note := m.state(); state != inferv1.WorkerState_WORKER_STATE_READY {
		return fmt.Errorf("worker is %s: %s", stateName(state), note)
	}
	return nil
}

// Banner says what the worker computes with.
func (w *Worker) Banner() []string {
	return []string{fmt.Sprintf("engine %s, as %s", w.cfg.Engine, w.name)}
}

// Run starts the engine, joins the fleet and works until ctx ends, a drain is asked for, or the machine is to be taken
// away; it then lets running sequences finish within the grace period, hands back the others, says that it is gone and
// closes the engine. After a drain that was asked for it waits, idle and not ready, for ctx to end: the process may hold
// other services, and a supervisor that starts what exits would undo the drain. A machine that goes takes all of them: the
// whole process is asked to stop. An engine that cannot start is an error that says what to do.
func (w *Worker) Run(ctx context.Context) error {
	if w.machine != nil {
		defer w.machine.watch(ctx)()
	}
	defer w.watchGPUs(ctx)()
	m, err := w.join(ctx)
	if err != nil && ctx.Err() != nil {
		w.log.Info("stopped while the engine was loading", "engine", w.cfg.Engine)
		return nil // what the wish to stop interrupts has not failed
	}
	if err != nil {
		return err
	}
	d := departure{grace: w.cfg.Grace, note: leaving}
	select {
	case <-ctx.Done():
	case d = <-w.leave:
	case d = <-w.notices.taken:
	}
	if err := m.retire(ctx, d); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// farewell is what a drain needs beside the grace: the last frames and the last report.
const farewell = 3 * time.Second

// departure says how a worker leaves.
type departure struct {
	grace time.Duration // that running sequences get
	by    time.Time     // and no longer than until then; zero: that is not said
	note  string        // why, for who looks at the worker's state
}

// end is when the grace that begins now is over.
func (d departure) end() time.Time {
	end := time.Now().Add(d.grace)
	if !d.by.IsZero() && d.by.Before(end) {
		return d.by
	}
	return end
}

// leaving is the note of a departure that says no more.
const leaving = "leaving the fleet"

// drain asks Run to leave; only the first time counts. 0 is the configured grace.
func (w *Worker) drain(grace time.Duration) {
	if grace == 0 {
		grace = w.cfg.Grace
	}
	select {
	case w.leave <- departure{grace: grace, note: leaving}:
	default:
	}
}
