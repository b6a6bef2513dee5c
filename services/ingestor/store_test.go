package ingestor_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/host/hosttest"
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
			i := ingestor.New(cfg, hosttest.Deps("i", bustest.Connect(t, bustest.Start(t), bus.Options{})))
			hosttest.Run(t, i.Run)
			s := ingestorv1.NewIngestorServiceClient(hosttest.Serve(t, i.Register))
			hosttest.Ready(t, i)
			_, err := s.Submit(t.Context(), &ingestorv1.SubmitRequest{Run: reading("r")})
			if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want UNAVAILABLE and what to do: %s", err, c.says)
			}
		})
	}
}
