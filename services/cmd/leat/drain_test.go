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

// simWorker runs a worker called w1 on a bus and returns a tool's connection to it once it has joined.
func simWorker(t *testing.T) *bus.Bus {
	t.Helper()
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
	t.Cleanup(func() { stop(); running.Wait() })
	for end := time.Now().Add(10 * time.Second); w.Ready() != nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(w.Ready())
		}
	}
	return bustest.Connect(t, srv, bus.Options{Name: "tool"})
}

// A worker that is told to leave leaves; nobody of that name is said to be there afterwards.
func TestDrainMakesAWorkerLeave(t *testing.T) {
	b := simWorker(t)
	if err := main.AskToLeave(t.Context(), b, "w1", time.Second); err != nil {
		t.Fatal(err)
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

// What the tools say of a cordon is what the worker said.
func TestCordonSaysWhatIsSo(t *testing.T) {
	b := simWorker(t)
	said := func(worker string, on bool) string {
		t.Helper()
		s, err := main.SetCordon(t.Context(), b, worker, on)
		if err != nil {
			return err.Error()
		}
		return s
	}
	if s := said("w1", true); !strings.Contains(s, "takes nothing new") {
		t.Errorf("cordoned: %s", s)
	}
	if s := said("w1", false); !strings.Contains(s, "takes work again") {
		t.Errorf("uncordoned: %s", s)
	}
	if s := said("w2", true); !strings.Contains(s, "no worker named w2") {
		t.Errorf("another: %s", s)
	}
}

// A worker is named by a flag or a word, and only one is.
func TestWhichWorkerIsMeant(t *testing.T) {
	for name, c := range map[string]struct {
		flag  string
		words []string
		want  string
	}{
		"a flag": {"w1", nil, "w1"}, "a word": {"", []string{"w2"}, "w2"},
		"none": {}, "both": {"w1", []string{"w2"}, ""}, "two": {"", []string{"w1", "w2"}, ""},
	} {
		got, err := main.OneWorker("leat cordon", c.flag, c.words)
		if got != c.want || (err == nil) != (c.want != "") || err != nil && host.ExitCode(err) != host.ExitUsage {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
