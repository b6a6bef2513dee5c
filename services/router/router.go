// Package router queues inference requests of model pools and gives each to the worker that should have it.
//
// Exactly one router owns a pool partition, by a lease with an epoch; any number of routers stand by. The package
// refuses to look into prompts and to store requests: what a dead router had queued, its gateways submit again.
package router

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/pkg/obs"
	"github.com/leathq/leat/pkg/pace"
	"github.com/leathq/leat/proto/gen/externalscaler"
	routerv1 "github.com/leathq/leat/proto/gen/leat/router/v1"
)

// tickEvery is how often time passes for the pools: queue time-outs, lost workers, trials.
const tickEvery = 50 * time.Millisecond

// restEvery is the same while nothing waits and every worker is heard of.
const restEvery = 250 * time.Millisecond

// sweepEvery is how often what is gone for good is forgotten.
const sweepEvery = time.Minute

// Router is the service. Make it with New, run it once.
type Router struct {
	cfg     Config
	id      string
	log     *slog.Logger
	bus     *bus.Bus
	nats    bus.Config
	metrics *metrics
	tracer  trace.Tracer // nil: off
	loaded  atomic.Bool  // the lease bucket was read once
	pace    *pace.Pace   // of the ticks

	mu       sync.RWMutex
	pools    map[string]*pool
	byWorker map[string]*pool
	broken   map[string]bool // pools that cannot be opened
	owners   *ownership

	facts  chan *routerv1.ScalingDecided // to be kept
	waking chan *pool                    // to be judged at once
	asleep asleep
}

// New makes a router. It opens nothing.
func New(cfg Config, deps host.Deps) *Router {
	r := &Router{
		cfg: cfg, id: bus.Token(deps.ID), log: deps.Log, bus: deps.Bus, nats: deps.NATS,
		pools: map[string]*pool{}, byWorker: map[string]*pool{}, broken: map[string]bool{},
		pace: pace.New(tickEvery, restEvery), facts: make(chan *routerv1.ScalingDecided, factsQueue), waking: make(chan *pool, wakingQueue),
	}
	if obs.On(deps.Tracer) {
		r.tracer = deps.Tracer.Tracer("github.com/leathq/leat/services/router")
	}
	r.metrics = newMetrics(deps.Metrics, r)
	deps.Metrics.MustRegister(newSizeMetrics(r))
	r.owners = newOwnership(r)
	r.asleep.names, r.asleep.others = cfg.Pools.Sleepers(), cfg.Pools.Of("default").Scaling.Sleeps()
	return r
}

// Name is router.
func (r *Router) Name() string { return "router" }

// Register serves leat.router.v1.
func (r *Router) Register(s grpc.ServiceRegistrar) {
	routerv1.RegisterRouterServiceServer(s, &api{r: r})
	externalscaler.RegisterExternalScalerServer(s, &keda{r: r})
}

// Ready is nil once the leases are known and the bus is up.
func (r *Router) Ready() error {
	if !r.loaded.Load() {
		return errors.New("the leases have not been read yet")
	}
	return r.bus.Up()
}

// Banner says what the router is called; pools come and go with their workers.
func (r *Router) Banner() []string {
	return []string{"owns pools as their workers report, as " + r.id + "; leases in KV " + bus.LeaseBucket + ", TTL " + bus.LeaseTTL.String()}
}

// Run works until ctx ends, then hands its partitions over and returns nil.
func (r *Router) Run(ctx context.Context) error {
	stop, err := r.subscribe()
	if err != nil {
		return err
	}
	defer stop()
	life, end := context.WithCancel(ctx)
	var sizes sync.WaitGroup
	sizes.Go(func() { r.judgeSizes(life) })
	sizes.Go(func() { r.keepFacts(life) })
	sizes.Go(func() { r.watchSleepers(life) })
	defer sizes.Wait()
	defer end()
	owning := make(chan error, 1)
	go func() { owning <- r.owners.run(ctx) }()
	defer r.pace.Stop()
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	for {
		select {
		case err := <-owning:
			return err
		case now := <-r.pace.C:
			for _, p := range r.allPools() {
				p.tick(now)
			}
			r.pace.Next(now, r.idle)
		case <-sweep.C:
			r.sweep()
		}
	}
}

// idle says whether time may pass slowly for all pools.
func (r *Router) idle(now time.Time) bool {
	for _, p := range r.allPools() {
		if !p.idle(now) {
			return false
		}
	}
	return true
}

// pool returns the pool of a name and makes it where it is new. It is nil where too many are known already.
func (r *Router) pool(name string) *pool {
	r.mu.RLock()
	p := r.pools[name]
	r.mu.RUnlock()
	if p != nil {
		return p
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if p = r.pools[name]; p != nil {
		return p
	}
	const most = 4096 // names come from the bus
	if len(r.pools) >= most || bus.Token(name) != name || r.broken[name] {
		return nil
	}
	p, err := newPool(r, name)
	if err != nil {
		r.broken[name] = true // its settings do not change, and its workers report four times a second
		r.log.Error("pool not opened", "pool", name, "error", err)
		return nil
	}
	r.pools[name] = p
	r.owners.watchPool(name, r.cfg.Pools.Of(name).Partitions)
	return p
}

// sweep forgets workers that have been gone for long, and pools without any.
func (r *Router) sweep() {
	for _, p := range r.allPools() {
		gone, empty := p.sweep()
		r.mu.Lock()
		for _, worker := range gone {
			if r.byWorker[worker] == p {
				delete(r.byWorker, worker)
			}
		}
		if empty {
			delete(r.pools, p.name)
		}
		r.mu.Unlock()
		if empty {
			r.owners.dropPool(p.name)
			r.log.Info("pool without workers forgotten", "pool", p.name)
		}
	}
}

// known returns the pool of a name, or nil.
func (r *Router) known(name string) *pool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.pools[name]
}

func (r *Router) allPools() []*pool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := make([]*pool, 0, len(r.pools))
	for _, p := range r.pools {
		out = append(out, p)
	}
	return out
}

// poolOf returns the pool of a worker that has reported, or nil.
func (r *Router) poolOf(worker string) *pool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.byWorker[worker]
}

func (r *Router) setPoolOf(worker string, p *pool) {
	if r.poolOf(worker) == p {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byWorker[worker] = p
}
