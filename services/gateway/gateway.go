// Package gateway is the edge: OpenAI's HTTP API and leat.gateway.v1 over gRPC, both thin over one domain call.
//
// A call becomes one sequence per choice. Sequences go to the router that owns their pool's partition and come back as
// frames from whichever worker runs them; package flight keeps their books. The gateway holds no durable state: any
// number of them may run, and each may die at any time.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/files"
	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/pkg/jobs"
	"github.com/leathq/leat/pkg/obs"
	"github.com/leathq/leat/pkg/pace"
	"github.com/leathq/leat/pkg/pool"
	gatewayv1 "github.com/leathq/leat/proto/gen/leat/gateway/v1"
	"github.com/leathq/leat/services/gateway/internal/flight"
)

// maxAnswer bounds an answer that lies in a file.
const maxAnswer = 256 << 20

// Gateway is the service. Make it with New.
type Gateway struct {
	cfg       Config
	pools     pool.Set
	deps      host.Deps
	id        string
	log       *slog.Logger
	metrics   *metrics
	table     *flight.Table
	directory *directory
	dormitory *dormitory
	link      *link
	files     *files.Store
	batches   *batchStore
	runner    *jobRunner
	jobs      *batchJobs
	pumps     pumps
	mirrors   mirrors
	hedgers   hedgers
	pace      *pace.Pace // of the sweeping, which rests while there is no sequence
	tracing   bool
}

// New makes a gateway; it opens nothing. deps.Bus must be connected by the time Run is called.
func New(cfg Config, deps host.Deps) *Gateway {
	g := &Gateway{
		cfg: cfg, pools: cfg.Pools, deps: deps, id: bus.Token(deps.ID), log: deps.Log,
		table: flight.NewTable(), directory: newDirectory(), tracing: obs.On(deps.Tracer), pumps: newPumps(),
		pace: pace.New(sweepEvery, 0), mirrors: mirrors{due: make(chan *copied, cfg.Mirrors)},
	}
	g.metrics = newMetrics(deps.Metrics, g)
	g.files = files.New(deps.Bus, files.Config{MaxBytes: int64(cfg.FileStore), Replicas: cfg.Jobs.Replicas, Flag: jobs.Replicas})
	g.batches = &batchStore{bus: deps.Bus, replicas: cfg.Jobs.Replicas}
	g.runner = newJobRunner(g)
	g.jobs = &batchJobs{client: g.runner.client, limit: maxAnswer}
	g.dormitory = newDormitory(g)
	g.link = newLink(g)
	g.link.out.init()
	return g
}

// Name is the service's name.
func (g *Gateway) Name() string { return "gateway" }

// Register adds the gRPC API.
func (g *Gateway) Register(r grpc.ServiceRegistrar) {
	gatewayv1.RegisterGatewayServiceServer(r, &api{g: g})
}

// Ready says whether requests can be taken: the bus must be up, and what it keeps in JetStream opened or at least tried. Workers may
// come and go.
func (g *Gateway) Ready() error {
	if err := g.deps.Bus.Up(); err != nil {
		return err
	}
	if !g.dormitory.opened.Load() {
		return errors.New("the store of sleeping pools is being opened")
	}
	if g.cfg.RunJobs && !g.runner.opened.Load() {
		return errors.New("the streams of jobs are being opened")
	}
	return nil
}

// Run serves until ctx ends. By then the host has let every call in flight finish.
func (g *Gateway) Run(ctx context.Context) error {
	unsubscribe, err := g.link.subscribe()
	if err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	defer unsubscribe()
	stopped := make(chan struct{})
	var loops sync.WaitGroup
	loops.Go(func() { g.link.flushLoop(stopped) })
	loops.Go(func() { g.pumps.run(stopped) })
	work, end := context.WithCancel(ctx)
	defer end()
	loops.Go(func() { g.dormitory.run(work) })
	if g.cfg.RunJobs {
		loops.Go(func() { g.runBatches(work) })
		loops.Go(func() {
			if err := g.runner.run(work); err != nil {
				g.log.Error("jobs are not run", "error", err)
			}
		})
	}
	copies, end := context.WithCancel(ctx)
	var mirrors sync.WaitGroup
	mirrors.Go(func() { g.runMirrors(copies) })
	defer func() {
		end()
		mirrors.Wait() // what they take back goes with the last messages
		close(stopped)
		loops.Wait()
	}()
	defer g.pace.Stop()
	beat := time.NewTicker(time.Second)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-g.pace.C:
			g.link.sweep()
			g.pace.Next(now, func(time.Time) bool { return g.table.Len() == 0 })
		case <-beat.C:
			g.directory.sweep(g.link.now())
			if err := g.link.heartbeat(); err != nil {
				g.log.Warn("heartbeat not sent", "error", err)
			}
		}
	}
}
