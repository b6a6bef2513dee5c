// Package hosttest does for one service of a test what a host does for those of a process: it gives it what it is made from, runs it, and serves its calls. It
// has no health, no metrics endpoint and no order of stopping: a test of those opens a host.
package hosttest

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/host"
)

// Version is the program's, as Deps say it.
const Version = "test"

// Deps are those of a service on a bus: quiet, with a registry of its own.
func Deps(id string, b *bus.Bus) host.Deps {
	return host.Deps{
		ID: id, Version: Version, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Tracer: noop.NewTracerProvider(), Bus: b, NATS: bus.DefaultConfig(),
	}
}

// Run runs a service until stop is called, or the test ends. That it ends with an error fails the test. Stop may be called more than once, by any goroutine.
func Run(t testing.TB, run func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// Ready waits until services can take work.
func Ready(t testing.TB, services ...interface{ Ready() error }) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(30 * time.Second)
	for _, s := range services {
		for s.Ready() != nil {
			select {
			case <-tick.C:
			case <-late:
				t.Fatalf("not ready within half a minute: %v", s.Ready())
			}
		}
	}
}

// Serve serves the calls of services on a free port of this machine for the length of the test, with errors as a host renders them, and connects to it.
func Serve(t testing.TB, services ...func(grpc.ServiceRegistrar)) *grpc.ClientConn {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			out, err := next(ctx, req)
			return out, errs.GRPC(err)
		}),
		grpc.StreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			return errs.GRPC(next(srv, ss))
		}))
	for _, register := range services {
		register(s)
	}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	c, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}
