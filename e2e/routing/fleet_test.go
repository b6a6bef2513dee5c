package routing_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/bus/embed"
	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/pkg/pool"
	"github.com/leathq/leat/services/gateway"
	"github.com/leathq/leat/services/router"
	"github.com/leathq/leat/services/worker"
)

// engines is the size of the fleet.
const engines = 6

// fleet is a running platform.
type fleet struct {
	url    string
	client *http.Client
}

// start runs a gateway, a router with the policy, and six workers whose engines hold 32 Ki tokens of KV cache; the
// last one is slower by a factor. It stops with the test.
func start(t *testing.T, policy string, slower float64) *fleet {
	t.Helper()
	srv := bustest.Start(t)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	run := func(name string, serve func(context.Context) error) {
		running.Go(func() {
			if err := serve(ctx); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	pools := pool.Set{"default": {Policy: policy}}
	rcfg := router.DefaultConfig()
	rcfg.Pools = pools
	run("router", router.New(rcfg, deps(t, srv, "router")).Run)
	for i := range engines {
		cfg := worker.DefaultConfig()
		cfg.Engine, cfg.Model, cfg.Grace = "sim", "sim", time.Millisecond
		cfg.Name = fmt.Sprintf("worker-%d", i)
		cfg.Sim.Cost.KVBlocks = 2048
		if i == engines-1 {
			cfg.Sim.Cost = cfg.Sim.Cost.Slower(slower)
		}
		run(cfg.Name, worker.New(cfg, deps(t, srv, cfg.Name)).Run)
	}
	gcfg := gateway.DefaultConfig()
	gcfg.Pools = pools
	g := gateway.New(gcfg, deps(t, srv, "gateway"))
	run("gateway", g.Run)
	web := httptest.NewServer(g.HTTP())
	t.Cleanup(func() {
		web.Close()
		stop()
		running.Wait()
	})
	f := &fleet{url: web.URL, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}}
	f.await(t)
	return f
}

func deps(t *testing.T, s *embed.Server, id string) host.Deps {
	return host.Deps{
		ID: id, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Tracer: noop.NewTracerProvider(),
		Bus: bustest.Connect(t, s, bus.Options{Name: id}), NATS: bus.DefaultConfig(), DrainTimeout: 5 * time.Second,
	}
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
		resp, err := f.post(t.Context(), `{"model":"sim","prompt":"hello","max_tokens":1}`)
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
