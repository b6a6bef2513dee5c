// Package ingestor plans data runs, reads their sources into Arrow batches, ends them, and answers for them.
//
// Any number of ingestors share the runs. The package refuses to know what later stages do with batches, and to keep state: what it knows of runs is the
// fold of their facts (pkg/flow).
package ingestor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/flow"
	"github.com/leathq/leat/pkg/host"
	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
	"github.com/leathq/leat/services/ingestor/internal/source"
)

// Ingestor is the service. Make it with New, run it once.
type Ingestor struct {
	cfg     Config
	deps    host.Deps
	id      string
	kinds   []string // of stages that any service does: a run with another would wait for ever
	metrics *metrics
	input   *input
	queue   *queue
	runner  atomic.Pointer[flow.Runner] // nil until the store is open
	trouble atomic.Pointer[error]       // why the store cannot be opened, while that is so
}

// New makes an ingestor. It opens nothing.
func New(cfg Config, deps host.Deps) *Ingestor {
	i := &Ingestor{cfg: cfg, deps: deps, id: bus.Token(deps.ID), kinds: append([]string{Kind}, cfg.Stages...)}
	i.metrics = newMetrics(deps.Metrics, i)
	i.queue = newQueue(i)
	i.input = &input{
		sources: sources(), deps: source.Deps{Dir: cfg.Dir, Getenv: os.Getenv, Log: deps.Log}, metrics: i.metrics, batch: int64(cfg.Data.BatchBytes),
		earlier: i.watermark,
	}
	return i
}

// sources are the types that this program can read.
func sources() *source.Registry { return FileSources() }

// Name is ingestor.
func (i *Ingestor) Name() string { return "ingestor" }

// Register serves leat.ingestor.v1.
func (i *Ingestor) Register(s grpc.ServiceRegistrar) {
	ingestorv1.RegisterIngestorServiceServer(s, &api{i: i})
}

// storeMost is the longest wait between two tries to open the store.
const storeMost = 30 * time.Second

// held is why no run can be carried, where that was tried and cannot be told to pass soon: a store or a stream that cannot be opened.
func (i *Ingestor) held() error {
	if r := i.runner.Load(); r != nil {
		return r.Trouble()
	}
	if err := i.trouble.Load(); err != nil {
		return *err
	}
	return nil
}

// Ready is nil once the streams are open and the bus is up. It is nil, too, while the store or the streams cannot be opened: calls are then refused with
// the reason, and other services of the process have no need of them.
func (i *Ingestor) Ready() error {
	if i.held() != nil {
		return i.deps.Bus.Up()
	}
	r := i.runner.Load()
	if r == nil {
		return errors.New("the store is not open yet")
	}
	select {
	case <-r.Ready():
		return i.deps.Bus.Up()
	default:
		return errors.New("the streams of data runs are not open yet")
	}
}

// Banner says what the ingestor reads and where it keeps things.
func (i *Ingestor) Banner() []string {
	return []string{"reads sources as " + i.id}
}

// Run works on runs until ctx ends, lets go of what it holds and returns nil.
func (i *Ingestor) Run(ctx context.Context) error {
	store := i.open(ctx)
	if store == nil {
		return nil
	}
	r := flow.New(flow.Deps{ID: i.id, Log: i.deps.Log, Bus: i.deps.Bus, NATS: i.deps.NATS, Blob: store}, i.cfg.Data, []flow.Source{i.input})
	i.runner.Store(r)
	queue := make(chan error, 1)
	go func() { queue <- i.queue.run(ctx) }()
	return errors.Join(r.Run(ctx), <-queue, store.Close())
}

// open opens the store, trying again for as long as it takes; nil when ctx ends before.
func (i *Ingestor) open(ctx context.Context) *blob.Store {
	for wait := time.Second; ; wait = min(2*wait, storeMost) {
		store, err := blob.Open(ctx, i.cfg.Blob.URL)
		if err == nil {
			return store
		}
		err = fmt.Errorf("the store %s cannot be opened: %w; name another with --store (LEAT_STORE), or mend it: it is tried again", i.cfg.Blob.URL, err)
		i.trouble.Store(&err)
		i.deps.Log.Warn("no data runs", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// watermark is how far the last complete run of a tenant and name has read; nil where there is none.
func (i *Ingestor) watermark(tenant, name string) source.Watermark {
	if r := i.runner.Load(); r != nil {
		return r.Latest(tenant, name).GetWatermark()
	}
	return nil
}
