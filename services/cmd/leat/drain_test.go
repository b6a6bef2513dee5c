package main_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/host"
	main "github.com/leathq/leat/services/cmd/leat"
	"github.com/leathq/leat/services/worker"
)

// A worker that is told to leave leaves; nobody of that name is said to be there afterwards.
func TestDrainMakesAWorkerLeave(t *testing.T) {
	srv := bustest.Start(t)
	cfg := worker.DefaultConfig()
	cfg.Engine, cfg.Model, cfg.Name, cfg.Grace = "sim", "sim", "w1", time.Second
	w := worker.New(cfg, host.Deps{
		ID: "w1", Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Tracer: noop.NewTracerProvider(),
		Bus: bustest.Connect(t, srv, bus.Options{Name: "w1"}), NATS: bus.DefaultConfig(), DrainTimeout: 5 * time.Second,
	})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	defer running.Wait()
	defer stop()
	b := bustest.Connect(t, srv, bus.Options{Name: "tool"})
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := main.AskToLeave(t.Context(), b, "w1", time.Second)
		if err == nil {
			break
		}
		if !strings.Contains(err.Error(), "no worker named w1") || time.Now().After(end) {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := main.AskToLeave(t.Context(), b, "w1", 0)
		if err != nil && strings.Contains(err.Error(), "leat status") {
			return // it is gone
		}
		if time.Now().After(end) {
			t.Fatalf("the worker has not left: %v", err)
		}
	}
}
