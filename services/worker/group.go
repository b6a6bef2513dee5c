package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/host"
	workerv1 "github.com/leathq/leat/proto/gen/leat/worker/v1"
	"github.com/leathq/leat/services/worker/internal/gpu"
)

// Group is several workers of one process. To the fleet each is a worker like any other; they share the process's
// connection, its GPUs' telemetry, the notices that its machine goes, and its end. Make it with Setup.Service.
type Group struct {
	log     *slog.Logger
	workers []*Worker
	gpus    *gpu.Watcher
	noGPU   bool
	machine *machine

	mu     sync.Mutex
	faults map[*Worker]error // why an engine is not there, until it is tried again
}

// A worker whose engine cannot start is tried again after retryFirst, doubling up to retryMost.
const (
	retryFirst = time.Second
	retryMost  = time.Minute
)

func newGroup(s Setup, deps host.Deps, out outside) *Group {
	engines := s.workers(deps.ID)
	g := &Group{log: deps.Log, noGPU: s.NoGPU, faults: map[*Worker]error{}}
	g.gpus = newGPUs(deps.Log, out.gpus, engines...)
	deps.Metrics.MustRegister(gpu.NewCollector(g.gpus, nodeName()))
	out.shared, out.sharesMachine = g.gpus, true
	registry := deps.Metrics
	for _, cfg := range engines {
		deps.Metrics = prometheus.WrapRegistererWith(prometheus.Labels{"worker": cfg.Name}, registry)
		g.workers = append(g.workers, newWorker(cfg, deps, out))
	}
	deps.Metrics = registry
	g.machine = newMachine(s.Spot, deps, g.workers...)
	return g
}

// Name is the service's name in logs and health.
func (g *Group) Name() string { return "worker" }

// Register adds the gRPC service leat.worker.v1, which drains and cordons them all; what is about one worker is asked for on the bus.
func (g *Group) Register(r grpc.ServiceRegistrar) {
	workerv1.RegisterWorkerServiceServer(r, groupAPI{group: g})
}

// Ready returns why one of the workers takes no work now, or nil.
func (g *Group) Ready() error {
	var out []error
	for _, w := range g.workers {
		err := w.Ready()
		g.mu.Lock()
		if fault := g.faults[w]; fault != nil {
			err = fmt.Errorf("the %s engine cannot start and is tried again: %w", w.cfg.Engine, fault)
		}
		g.mu.Unlock()
		if err != nil {
			out = append(out, fmt.Errorf("%s: %w", w.name, err))
		}
	}
	return errors.Join(out...)
}

// Banner says what each computes with.
func (g *Group) Banner() []string {
	var out []string
	for _, w := range g.workers {
		out = append(out, w.Banner()...)
	}
	return out
}

// Run runs all workers until ctx ends; then all drain at once, each within its own grace. An engine that cannot start does
// not keep the others from working: it is tried again, and the process is not ready meanwhile.
func (g *Group) Run(ctx context.Context) error {
	defer g.machine.watch(ctx)()
	if !g.noGPU {
		defer watchGPUs(ctx, g.gpus)()
	}
	ended := make([]error, len(g.workers))
	var running sync.WaitGroup
	for i, w := range g.workers {
		running.Go(func() { ended[i] = g.keep(ctx, w) })
	}
	running.Wait()
	return errors.Join(ended...)
}

// keep runs one worker, again and again until its engine has started.
func (g *Group) keep(ctx context.Context, w *Worker) error {
	for wait := retryFirst; ; wait = min(2*wait, retryMost) {
		err := g.run(ctx, w)
		if err == nil || ctx.Err() != nil || w.left.Load() {
			return err
		}
		g.fault(w, err)
		w.log.Error("worker cannot start, it is tried again", "engine", w.cfg.Engine, "in", wait.String(), "error", err.Error())
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		g.fault(w, nil)
	}
}

func (g *Group) fault(w *Worker, err error) {
	g.mu.Lock()
	g.faults[w] = err
	g.mu.Unlock()
}

// run is the worker's Run with a panic turned into an error, as the host does for services.
func (g *Group) run(ctx context.Context, w *Worker) (err error) {
	defer func() {
		if v := recover(); v != nil {
			w.metrics.panics.Inc()
			w.log.Error("panic in a worker", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return w.Run(ctx)
}

// groupAPI is leat.worker.v1 of a process with several workers.
type groupAPI struct {
	workerv1.UnimplementedWorkerServiceServer
	group *Group
}

var errSeveral = errs.New(errs.Invalid, "several_workers", "This process runs several workers: ask for one of them on the bus, as `leat status` and `leat adapter --worker NAME` do.")

// GetStatus implements workerv1.WorkerServiceServer.
func (groupAPI) GetStatus(context.Context, *workerv1.GetStatusRequest) (*workerv1.GetStatusResponse, error) {
	return nil, errSeveral
}

// LoadAdapter implements workerv1.WorkerServiceServer.
func (groupAPI) LoadAdapter(context.Context, *workerv1.LoadAdapterRequest) (*workerv1.LoadAdapterResponse, error) {
	return nil, errSeveral
}

// UnloadAdapter implements workerv1.WorkerServiceServer.
func (groupAPI) UnloadAdapter(context.Context, *workerv1.UnloadAdapterRequest) (*workerv1.UnloadAdapterResponse, error) {
	return nil, errSeveral
}

// ListAdapters implements workerv1.WorkerServiceServer.
func (groupAPI) ListAdapters(context.Context, *workerv1.ListAdaptersRequest) (*workerv1.ListAdaptersResponse, error) {
	return nil, errSeveral
}

// Drain implements workerv1.WorkerServiceServer: all workers of the process leave. It returns at once.
func (a groupAPI) Drain(ctx context.Context, req *workerv1.DrainRequest) (*workerv1.DrainResponse, error) {
	for _, w := range a.group.workers {
		if resp, err := (api{worker: w}).Drain(ctx, req); err != nil {
			return resp, err
		}
	}
	return &workerv1.DrainResponse{}, nil
}

// Cordon implements workerv1.WorkerServiceServer: all workers of the process take nothing new. An error is that of a worker that
// could not be told; the others were.
func (a groupAPI) Cordon(context.Context, *workerv1.CordonRequest) (*workerv1.CordonResponse, error) {
	return &workerv1.CordonResponse{}, a.cordon(true)
}

// Uncordon implements workerv1.WorkerServiceServer, for all workers likewise.
func (a groupAPI) Uncordon(context.Context, *workerv1.UncordonRequest) (*workerv1.UncordonResponse, error) {
	return &workerv1.UncordonResponse{}, a.cordon(false)
}

func (a groupAPI) cordon(on bool) (failed error) {
	for _, w := range a.group.workers {
		if err := (api{worker: w}).cordon(on); err != nil {
			failed = err
		}
	}
	return failed
}
