// Package data_test carries data runs by real processes: a nats-server with its streams in files, ingestors, and validators; kills them in mid-work, and looks at every
// byte that comes out. Everything runs on the loopback interface.
package data_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
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
	input      string // directory of what is read
	natsPort   string
	settings   []string // flags of all services
	nats       *procs.Process
	ingestors  []*procs.Process
	validators []*procs.Process
	config     flow.Config // of all services
	watcher    *flow.Runner
	store      *blob.Store
}

func newFleet(t *testing.T, input string, replicas int, config flow.Config) *fleet {
	t.Helper()
	f := &fleet{t: t, dir: t.TempDir(), input: input, natsPort: freePort(t), config: config}
	url := "file://" + filepath.Join(f.dir, "store")
	f.settings = append([]string{"--nats", "nats://127.0.0.1:" + f.natsPort, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--pprof", "--store", url},
		"--data-segment-bytes", fmt.Sprint(int64(config.SegmentBytes)), "--data-batch-bytes", fmt.Sprint(int64(config.BatchBytes)), "--data-max-bytes", fmt.Sprint(int64(config.MaxBytes)))
	f.startNATS()
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

func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// startNATS starts the server, or starts it again: the port and the store stay.
func (f *fleet) startNATS() {
	f.t.Helper()
	file := filepath.Join(f.dir, "nats.conf")
	conf := fmt.Sprintf("listen: \"127.0.0.1:%s\"\njetstream { store_dir: %q }\nno_fast_producer_stall: true\nping_interval: \"10s\"\nping_max: 2\nwrite_deadline: \"2s\"\n",
		f.natsPort, filepath.Join(f.dir, "nats"))
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		f.t.Fatal(err)
	}
	f.t.Setenv("GOMEMLIMIT", "256MiB") // as NATS's own chart has it, at four fifths of the limit; of the server alone
	defer func() { _ = os.Unsetenv("GOMEMLIMIT") }()
	f.nats = procs.Run(f.t, f.out("nats-server"), programs.Tool(f.t, "github.com/nats-io/nats-server/v2", "v2.15.2"), "-c", file)
}

// out is a log of its own, whose end is shown when the test fails.
func (f *fleet) out(name string) *procs.Output {
	o := &procs.Output{}
	f.t.Cleanup(func() {
		if f.t.Failed() {
			f.t.Logf("the last lines of %s:\n%s", name, o.Tail(8))
		}
	})
	return o
}

func (f *fleet) ingestor() *procs.Process {
	f.t.Helper()
	return procs.Run(f.t, f.out("ingestor"), programs.Ours(f.t, "ingestor"), append([]string{"--source-dir", f.input}, f.settings...)...)
}

func (f *fleet) validator() *procs.Process {
	f.t.Helper()
	return procs.Run(f.t, f.out("validator"), programs.Ours(f.t, "validator"), f.settings...)
}

// watch folds the facts in this process, as a replica does that works on nothing.
func (f *fleet) watch() {
	f.t.Helper()
	cfg := bus.DefaultConfig()
	cfg.URL = "nats://127.0.0.1:" + f.natsPort
	b, err := bus.Connect(f.t.Context(), cfg, bus.Options{Name: "watcher"})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = b.Close(context.Background()) })
	within(f.t, 20*time.Second, "the streams are there", func() bool {
		_, err := b.JetStream().Stream(f.t.Context(), "EVENTS")
		return err == nil
	})
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
	within(f.t, 30*time.Second, "an ingestor takes the run", func() bool {
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

// within polls a condition until it holds and returns how long that took; it fails the test after limit.
func within(t *testing.T, limit time.Duration, what string, holds func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		if time.Since(began) > limit {
			t.Fatalf("not within %v: %s", limit, what)
		}
		<-tick.C
	}
	return time.Since(began)
}
