package ingestor_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/host"
	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
	"github.com/leathq/leat/services/ingestor"
)

// Without its store, or room for its stream, an ingestor serves nothing, says why and what to do, and keeps nobody else from being ready.
func TestWhatCannotBeOpenedIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, says string
		change     func(*ingestor.Config)
	}{
		{"store", "--store", func(c *ingestor.Config) { c.Blob.URL = "file://" + file + "/store" }},
		{"stream", "data.max_bytes", func(c *ingestor.Config) { c.Data.MaxBytes = 1 << 60 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := ingestor.DefaultConfig()
			cfg.Blob.URL = "file://" + t.TempDir()
			c.change(&cfg)
			i := ingestor.New(cfg, host.Deps{
				ID: "i", Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Tracer: noop.NewTracerProvider(),
				Bus: bustest.Connect(t, bustest.Start(t), bus.Options{}), NATS: bus.DefaultConfig(),
			})
			ctx, cancel := context.WithCancel(t.Context())
			over := make(chan error, 1)
			go func() { over <- i.Run(ctx) }()
			s := &site{IngestorServiceClient: dial(t, i)}
			s.ready(t, i)
			_, err := s.Submit(t.Context(), &ingestorv1.SubmitRequest{Run: reading("r")})
			if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want UNAVAILABLE and what to do: %s", err, c.says)
			}
			if cancel(); <-over != nil {
				t.Error("it does not stop cleanly")
			}
		})
	}
}
