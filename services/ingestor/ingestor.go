// Package ingestor plans data runs, reads their sources into Arrow batches, ends them, and answers for them.
//
// Any number of ingestors share the runs. The package refuses to know what later stages do with batches, and to keep state: what it knows of runs is the
// fold of their facts (pkg/flow).
package ingestor

import (
	"context"
	"errors"
	"os"

	"google.golang.org/grpc"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/flow"
	"github.com/leathq/leat/pkg/host"
	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/httpapi"
	"github.com/leathq/leat/services/ingestor/internal/source/process"
)

// Ingestor is the service. Make it with New, run it once.
type Ingestor struct {
	cfg     Config
	deps    host.Deps
	id      string
	kinds   []string // of stages that any service does: a run with another would wait for ever
	files   []string // types of sources that are files
	metrics *metrics
	input   *input
	queue   *queue
	carrier *flow.Carrier
}

// New makes an ingestor. It opens nothing.
func New(cfg Config, deps host.Deps) *Ingestor {
	i := &Ingestor{cfg: cfg, deps: deps, id: bus.Token(deps.ID), kinds: append([]string{Kind, kindValidate}, cfg.Stages...), files: FileSources().Kinds()}
	i.metrics = newMetrics(deps.Metrics, i)
	i.queue = newQueue(i)
	i.input = &input{
		sources: sources(cfg), deps: source.Deps{Dir: cfg.Dir, Getenv: os.Getenv, Log: deps.Log, Bounds: cfg.bounds()},
		metrics: i.metrics, batch: int64(cfg.Data.BatchBytes), earlier: i.watermark,
	}
	i.carrier = flow.NewCarrier(
		flow.Deps{ID: i.id, Log: deps.Log, Bus: deps.Bus, NATS: deps.NATS, Publish: i.publish, Started: i.started, Ending: i.ending},
		cfg.Data, cfg.Blob, []flow.Source{i.input})
	return i
}

// sources are the types that runs can read: what is linked, and programs by their names.
func sources(cfg Config) *source.Registry {
	r := FileSources()
	r.Add("http", httpapi.Make)
	r.Add("nats", NATS)
	r.Add("program", process.Make)
	r.Otherwise(process.Programs(cfg.Programs))
	return r
}

// Name is ingestor.
func (i *Ingestor) Name() string { return "ingestor" }

// Register serves leat.ingestor.v1.
func (i *Ingestor) Register(s grpc.ServiceRegistrar) {
	ingestorv1.RegisterIngestorServiceServer(s, &api{i: i})
}

// Ready is nil once data runs can be carried, and while it is known why they cannot.
func (i *Ingestor) Ready() error { return i.carrier.Ready() }

// Banner says what the ingestor reads and where it keeps things.
func (i *Ingestor) Banner() []string {
	return []string{"reads sources as " + i.id}
}

// Run works on runs until ctx ends, lets go of what it holds and returns nil.
func (i *Ingestor) Run(ctx context.Context) error {
	queue := make(chan error, 1)
	go func() { queue <- i.queue.run(ctx) }()
	return errors.Join(i.carrier.Run(ctx), <-queue)
}

// watermark is how far the last complete run of a tenant and name has read; nil where there is none.
func (i *Ingestor) watermark(tenant, name string) source.Watermark {
	if r := i.carrier.Runner(); r != nil {
		return r.Latest(tenant, name).GetWatermark()
	}
	return nil
}
