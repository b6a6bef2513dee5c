package ingestor_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/flow"
	"github.com/leathq/leat/pkg/host/hosttest"
	"github.com/leathq/leat/pkg/jobs"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
	"github.com/leathq/leat/services/ingestor"
	"github.com/leathq/leat/services/ingestor/ingestortest"
)

// counting is a stage that counts rows, and waits at each batch for its gate.
type counting struct {
	gate func(context.Context) error // nil: none
}

func (*counting) Kind() string       { return "count" }
func (*counting) Check([]byte) error { return nil }

func (c *counting) Segment(context.Context, flow.Place) (flow.Segment, error) {
	return &counted{c: c, counts: &datav1.Counts{}}, nil
}

func (*counting) Finish(context.Context, flow.Finishing) (*datav1.StageFinished, error) {
	return &datav1.StageFinished{Success: true}, nil
}

type counted struct {
	c      *counting
	counts *datav1.Counts
}

func (s *counted) Add(ctx context.Context, _ uint64, b flow.Batch) (flow.Batch, error) {
	if s.c.gate != nil {
		if err := s.c.gate(ctx); err != nil {
			return flow.Batch{}, err
		}
	}
	rows, err := arrowio.Decode(b.Data, arrowio.DefaultLimits())
	if err != nil {
		return flow.Batch{}, &flow.Undecodable{Err: err}
	}
	s.counts.RowsIn += uint64(rows.Rows())
	s.counts.Valid += uint64(rows.Rows())
	return b, nil
}

func (s *counted) Close(context.Context) (*datav1.Counts, []*datav1.Object, error) {
	return s.counts, nil, nil
}

func (s *counted) Discard() {}

// site is an ingestor and a stage that counts, on a bus of their own.
type site struct {
	ingestorv1.IngestorServiceClient
	dir   string
	store *blob.Store
	bus   *bus.Bus
	cfg   ingestor.Config
	first func() // stops the ingestor
}

func start(t *testing.T, stage *counting, change ...func(*ingestor.Config)) *site {
	t.Helper()
	srv, dir := bustest.Start(t), t.TempDir()
	b := bustest.Connect(t, srv, bus.Options{})
	if err := jobs.Ensure(t.Context(), b, jobs.DefaultConfig()); err != nil {
		t.Fatal(err)
	}
	cfg := ingestor.DefaultConfig()
	cfg.Dir, cfg.Blob.URL, cfg.Stages = dir, "file://"+t.TempDir(), []string{"count"}
	for _, f := range change {
		f(&cfg)
	}
	store, err := blob.Open(t.Context(), cfg.Blob.URL)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{dir: dir, store: store, bus: b, cfg: cfg}
	carrier := flow.New(flow.Deps{ID: "s1", Log: slog.New(slog.DiscardHandler), Bus: b, NATS: bus.DefaultConfig(), Blob: store}, cfg.Data, nil, stage)
	hosttest.Run(t, carrier.Run)
	s.first = s.join(t, "i1")
	return s
}

// join starts an ingestor, which is asked from then on; stop stops it.
func (s *site) join(t *testing.T, id string) (stop func()) {
	t.Helper()
	i := ingestor.New(s.cfg, hosttest.Deps(id, s.bus))
	stop = hosttest.Run(t, i.Run)
	s.IngestorServiceClient = ingestorv1.NewIngestorServiceClient(hosttest.Serve(t, i.Register))
	hosttest.Ready(t, i)
	return stop
}

// file writes a file of n records, of which every hundredth, from line 50 on, is bad.
func (s *site) file(t *testing.T, name string, n int) {
	t.Helper()
	var b strings.Builder
	for i := 1; i <= n; i++ {
		if i%100 == 50 {
			b.WriteString("{\"id\": oops\n")
			continue
		}
		fmt.Fprintf(&b, "{\"id\": %d, \"text\": %q}\n", i, strings.Repeat("t", i%700))
	}
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// reading is a run of all files of the site's directory.
func reading(id string) *datav1.Run {
	return &datav1.Run{Id: id, Name: "docs", Stages: []*datav1.Stage{
		{Name: "read", Kind: "ingest", Spec: []byte(`{"source": {"type": "jsonl", "path": "*.jsonl", "partition_bytes": 400000, "max_bad": "2%"}}`)},
		{Name: "count", Kind: "count", From: "read"},
	}}
}

func (s *site) submit(t *testing.T, run *datav1.Run) {
	t.Helper()
	ingestortest.Submit(t, s, run)
}

// follow watches a run to its end.
func (s *site) follow(t *testing.T, run string) *ingestorv1.RunState {
	t.Helper()
	return ingestortest.Follow(t, s, run)
}
