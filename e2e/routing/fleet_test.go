package routing_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/pkg/pool"
	routerv1 "github.com/leathq/leat/proto/gen/leat/router/v1"
	"github.com/leathq/leat/services/gateway"
	"github.com/leathq/leat/services/router"
	"github.com/leathq/leat/services/worker"
)

// engines is the size of the fleet.
const engines = 6

// fleet is a running platform.
type fleet struct {
	client *http.Client
	router routerv1.RouterServiceServer
	kill   map[string]func() // by worker: ends it without a word
}

// start runs a gateway, a router with the policy, and six workers whose engines hold 32 Ki tokens of KV cache; the last
// one is slower by a factor. The workers start at one moment, so in virtual time they report at one moment. It stops
// with the test. tune may change the workers' settings.
func start(t *testing.T, w wires, policy string, slower float64, tune ...func(i int, cfg *worker.Config)) *fleet {
	t.Helper()
	return startPool(t, w, pool.Config{Policy: policy}, slower, tune...)
}

// startPool is start with more of a pool's settings than the policy.
func startPool(t *testing.T, w wires, cfg pool.Config, slower float64, tune ...func(i int, cfg *worker.Config)) *fleet {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	run := func(ctx context.Context, name string, serve func(context.Context) error) {
		running.Go(func() {
			if err := serve(ctx); err != nil && context.Cause(ctx) != errKilled {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	pools := pool.Set{"default": cfg}
	rcfg := router.DefaultConfig()
	rcfg.Pools = pools
	r := router.New(rcfg, deps(t, w, "router"))
	run(ctx, "router", r.Run)
	kill := map[string]func(){}
	for i := range engines {
		cfg := worker.DefaultConfig()
		cfg.Engine, cfg.Model, cfg.Grace = "sim", "sim", time.Millisecond
		cfg.Name = fmt.Sprintf("worker-%d", i)
		cfg.Sim.Cost.KVBlocks = 2048
		if i == engines-1 {
			cfg.Sim.Cost = cfg.Sim.Cost.Slower(slower)
		}
		for _, f := range tune {
			f(i, &cfg)
		}
		d := deps(t, w, cfg.Name)
		own, end := context.WithCancelCause(ctx)
		kill[cfg.Name] = func() {
			end(errKilled)
			_ = d.Bus.Close(own) // own is over: nothing that waits to be sent is
		}
		run(own, cfg.Name, worker.New(cfg, d).Run)
	}
	gcfg := gateway.DefaultConfig()
	gcfg.Pools = pools
	g := gateway.New(gcfg, deps(t, w, "gateway"))
	run(ctx, "gateway", g.Run)
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	f := serve(t, w, g.HTTP())
	f.kill = kill
	r.Register(f)
	f.await(t)
	return f
}

// errKilled is why a worker ends that was killed.
var errKilled = errors.New("killed")

// RegisterService takes the router's own service, of those that it has, so that a test may call it without a socket.
func (f *fleet) RegisterService(_ *grpc.ServiceDesc, service any) {
	if r, ok := service.(routerv1.RouterServiceServer); ok {
		f.router = r
	}
}

// explain is the router's last picks, newest first.
func (f *fleet) explain(t *testing.T, limit uint32) []*routerv1.Pick {
	t.Helper()
	got, err := f.router.Explain(t.Context(), &routerv1.ExplainRequest{Pool: "sim", Limit: limit})
	if err != nil {
		t.Fatal(err)
	}
	return got.GetPicks()
}

func deps(t *testing.T, w wires, id string) host.Deps {
	return host.Deps{
		ID: id, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Tracer: noop.NewTracerProvider(),
		Bus: bustest.Connect(t, w.nats, bus.Options{Name: id}), NATS: bus.DefaultConfig(), DrainTimeout: 5 * time.Second,
	}
}

// serve gives the platform its HTTP face and clients that reach it.
func serve(t *testing.T, w wires, face http.Handler) *fleet {
	web := &http.Server{Handler: face}
	var running sync.WaitGroup
	running.Go(func() {
		if err := web.Serve(w.http); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve HTTP: %v", err)
		}
	})
	transport := &http.Transport{DialContext: w.dial, MaxIdleConnsPerHost: 1000}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		web.Close()
		running.Wait()
	})
	return &fleet{client: &http.Client{Transport: transport}}
}

// await returns once every worker has answered something.
func (f *fleet) await(t *testing.T) {
	t.Helper()
	seen := map[string]bool{}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); len(seen) < engines; <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("only %v answer", seen)
		}
		resp, err := f.post(t.Context(), "", `{"model":"sim","prompt":"hello","max_tokens":1}`)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode == http.StatusOK {
			seen[resp.Header.Get("X-Leat-Worker")] = true
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
}
