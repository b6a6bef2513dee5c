// Package data_test carries data runs by real processes: a nats-server with its streams in files, ingestors, and validators; kills them in mid-work, and looks at every
// byte that comes out. Everything runs on the loopback interface.
package data_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/leathq/leat/e2e/driver/procs"
	"github.com/leathq/leat/e2e/driver/programs"
	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/flow"
	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
)

// fleet is a nats-server, ingestors and validators, all processes of their own, around one store.
type fleet struct {
	t          *testing.T
	dir        string
	input      string   // directory of what is read
	settings   []string // flags of all services
	nats       *procs.Server
	ingestors  []*procs.Process
	validators []*procs.Process
	config     flow.Config // of all services
	watcher    *flow.Runner
	store      *blob.Store
}

func newFleet(t *testing.T, input string, replicas int, config flow.Config) *fleet {
	t.Helper()
	f := &fleet{t: t, dir: t.TempDir(), input: input, config: config,
		nats: procs.NewServer(t, "GOMEMLIMIT=256MiB")} // as NATS's own chart has it, at four fifths of the limit
	url := "file://" + filepath.Join(f.dir, "store")
	f.settings = append([]string{"--nats", f.nats.NATS, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--pprof", "--store", url},
		"--data-segment-bytes", fmt.Sprint(int64(config.SegmentBytes)), "--data-batch-bytes", fmt.Sprint(int64(config.BatchBytes)), "--data-max-bytes", fmt.Sprint(int64(config.MaxBytes)))
	for range replicas {
		f.ingestors = append(f.ingestors, f.ingestor())
		f.validators = append(f.validators, f.validator())
	}
	var err error
	if f.store, err = blob.Open(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	f.watch()
	return f
}

func (f *fleet) ingestor() *procs.Process {
	f.t.Helper()
	return procs.Run(f.t, procs.Log(f.t, "ingestor", 8), programs.Ours(f.t, "ingestor"), append([]string{"--source-dir", f.input}, f.settings...)...)
}

func (f *fleet) validator() *procs.Process {
	f.t.Helper()
	return procs.Run(f.t, procs.Log(f.t, "validator", 8), programs.Ours(f.t, "validator"), f.settings...)
}

// watch folds the facts in this process, as a replica does that works on nothing.
func (f *fleet) watch() {
	f.t.Helper()
	cfg := bus.DefaultConfig()
	cfg.URL = f.nats.NATS
	b, err := bus.Connect(f.t.Context(), cfg, bus.Options{Name: "watcher"})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = b.Close(context.Background()) })
	procs.AwaitStream(f.t, b.JetStream(), "EVENTS")
	f.watcher = flow.New(flow.Deps{ID: "watcher", Log: slog.New(slog.DiscardHandler), Bus: b, NATS: cfg, Blob: f.store}, f.config, nil)
	ctx, cancel := context.WithCancel(f.t.Context())
	over := make(chan error, 1)
	go func() { over <- f.watcher.Run(ctx) }()
	f.t.Cleanup(func() {
		cancel()
		if err := <-over; err != nil {
			f.t.Error(err)
		}
	})
	<-f.watcher.Ready()
}

// submit starts a run by any ingestor that takes it.
func (f *fleet) submit(req *ingestorv1.SubmitRequest) {
	f.t.Helper()
	var last error
	procs.Within(f.t, 30*time.Second, "an ingestor takes the run", func() bool {
		c, err := grpc.NewClient(f.ingestors[0].GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			f.t.Fatal(err)
		}
		defer c.Close()
		ctx, cancel := context.WithTimeout(f.t.Context(), 10*time.Second)
		defer cancel()
		_, err = ingestorv1.NewIngestorServiceClient(c).Submit(ctx, req)
		if err != nil && (last == nil || err.Error() != last.Error()) {
			f.t.Log(err)
		}
		last = err
		return err == nil
	})
}
