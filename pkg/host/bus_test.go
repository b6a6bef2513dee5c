package host_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/host"
)

func TestTheHostOpensWatchesAndClosesTheBus(t *testing.T) {
	server := bustest.Start(t)
	out := new(lines)
	args := []string{"--nats", strings.Replace(server.URL(), "://", "://me:hunter2@", 1), "--log-format=text"}
	h, err := host.Open(t.Context(), "test", args, nil, nil, host.Stderr(out))
	if err != nil {
		t.Fatal(err)
	}
	usedAtStop := make(chan error, 1)
	var leased atomic.Bool
	worker := &service{name: "worker"}
	worker.ready = func() error {
		if !leased.Load() {
			return errors.New("no leases yet")
		}
		return nil
	}
	worker.run = func(ctx context.Context) error {
		if _, err := h.Bus.Leases(ctx, h.NATS); err != nil {
			return err
		}
		leased.Store(true)
		<-ctx.Done()
		usedAtStop <- h.Bus.Up()
		return nil
	}
	ctx, stop := context.WithCancel(t.Context())
	s := &started{h, stop, make(chan error, 1), out}
	go func() { s.done <- h.Run(ctx, worker) }()
	eventually(t, "ready", func() bool { code, _ := s.get(t, "/ready"); return code == 200 })
	eventually(t, "streams are described", func() bool { return strings.Contains(out.String(), "stream KV_leases") })
	if err := s.result(t); err != nil {
		t.Error(err)
	}
	if err := <-usedAtStop; err != nil {
		t.Errorf("the bus was gone before the service had drained: %v", err)
	}
	if h.Bus.Up() == nil {
		t.Error("the bus is still open")
	}
	if strings.Contains(out.String(), "hunter2") {
		t.Errorf("the bus's password is shown:\n%s", out)
	}
}

func TestNotReadyWithoutTheBus(t *testing.T) {
	server := bustest.Start(t)
	h, err := host.Open(t.Context(), "test", []string{"--nats", server.URL()}, nil, nil, host.Stderr(io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	s := &started{h, stop, make(chan error, 1), nil}
	go func() { s.done <- h.Run(ctx) }()
	eventually(t, "ready", func() bool { code, _ := s.get(t, "/ready"); return code == 200 })
	server.Stop()
	eventually(t, "not ready", func() bool {
		code, body := s.get(t, "/ready")
		return code == 503 && strings.Contains(body, "bus: NATS")
	})
	if err := s.result(t); err != nil {
		t.Errorf("the stop without a bus: %v", err)
	}
}

func TestWithoutNATSOpenSaysWhatToDo(t *testing.T) {
	opened := false
	args := []string{"--nats", "nats://127.0.0.1:1", "--nats-connect-timeout=50ms"}
	_, err := host.Open(t.Context(), "test", args, nil, nil, host.Stderr(io.Discard))
	if err == nil || !strings.Contains(err.Error(), "--nats") {
		t.Errorf("got %v", err)
	}
	h, err := host.Open(t.Context(), "test", nil, nil, nil, host.Stderr(io.Discard),
		host.Bus(func(_ context.Context, h *host.Host) (*bus.Bus, error) {
			opened = h.Config().NATS.URL != ""
			return nil, nil
		}))
	if err != nil || !opened {
		t.Fatalf("own opener: %v, called: %v", err, opened)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}
