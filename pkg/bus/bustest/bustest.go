// Package bustest gives tests a real embedded JetStream, in real or in virtual time, and a network that loses, delays,
// doubles and reorders.
package bustest

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/embed"
)

// Start runs a NATS server with JetStream on a free loopback port for the length of the test.
func Start(t testing.TB) *embed.Server {
	t.Helper()
	return start(t, embed.Config{Listen: "127.0.0.1:0", Dir: t.TempDir(), Sync: time.Minute})
}

func start(t testing.TB, cfg embed.Config) *embed.Server {
	t.Helper()
	s, err := embed.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// StartWebSocket runs a NATS server that is reached by WebSocket, for the length of the test, and returns its URL.
func StartWebSocket(t testing.TB) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(),
		Websocket: server.WebsocketOpts{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoTLS: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server does not start")
	}
	return s.WebsocketURL()
}

// Connect opens a bus to s for the length of the test.
func Connect(t testing.TB, s *embed.Server, opts bus.Options) *bus.Bus {
	t.Helper()
	cfg := bus.DefaultConfig()
	if s.URL() != "" {
		cfg.URL = s.URL()
	} else {
		opts.InProcess = s
	}
	if opts.Name == "" {
		opts.Name = t.Name()
	}
	b, err := bus.Connect(context.Background(), cfg, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err := b.Close(ctx); err != nil {
			t.Logf("close bus: %v", err)
		}
	})
	return b
}
