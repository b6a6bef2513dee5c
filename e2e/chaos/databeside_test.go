package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leathq/leat/e2e/driver/procs"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
)

// quarry is an ingestor and a validator of a fleet, and what they read.
type quarry struct {
	*fleet
	ingestor *procs.Process
	rows     atomic.Uint64 // of runs that have ended
}

func (f *fleet) quarry() *quarry {
	f.t.Helper()
	dir := filepath.Join(f.dir, "input")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		f.t.Fatal(err)
	}
	for part := range 4 {
		var b strings.Builder
		for i := range 40000 {
			fmt.Fprintf(&b, "{\"id\": %d, \"text\": %q}\n", part*40000+i, strings.Repeat("Stones are counted once. ", 4+i%20))
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("part-%d.jsonl", part)), []byte(b.String()), 0o600); err != nil {
			f.t.Fatal(err)
		}
	}
	store := "file://" + filepath.Join(f.dir, "store")
	q := &quarry{fleet: f, ingestor: f.service("ingestor", "ingestor", "--store", store, "--source-dir", dir)}
	f.service("validator", "validator", "--store", store)
	return q
}

// work carries one run after another until ctx ends.
func (q *quarry) work(ctx context.Context) error {
	c := ingestorv1.NewIngestorServiceClient(q.conn(q.ingestor))
	suite := `{"suite": {"name": "s", "expectations": [
		{"type": "expect_column_values_to_be_unique", "kwargs": {"column": "id"}},
		{"type": "expect_column_value_lengths_to_be_between", "kwargs": {"column": "text", "min_value": 1, "max_value": 5000}},
		{"type": "expect_column_values_to_match_regex", "kwargs": {"column": "text", "regex": "^Stones"}}]}}`
	for n := 0; ctx.Err() == nil; n++ {
		run := &datav1.Run{Id: fmt.Sprint("beside-", n), Full: true, Stages: []*datav1.Stage{
			{Name: "read", Kind: "ingest", Spec: []byte(`{"source": {"type": "jsonl", "path": "*.jsonl"}}`)},
			{Name: "validate", Kind: "validate", From: "read", Spec: []byte(suite)},
		}}
		if _, err := c.Submit(ctx, &ingestorv1.SubmitRequest{Run: run}); err != nil {
			return gone(ctx, err)
		}
		if err := q.follow(ctx, c, run.GetId()); err != nil {
			return gone(ctx, err)
		}
	}
	return nil
}

// gone is nil where an error is that of a context that has ended.
func gone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (q *quarry) follow(ctx context.Context, c ingestorv1.IngestorServiceClient, run string) error {
	w, err := c.WatchRun(ctx, &ingestorv1.WatchRunRequest{Run: run})
	if err != nil {
		return err
	}
	for phase, troubles := "", []*datav1.Trouble(nil); ; {
		m, err := w.Recv()
		switch {
		case errors.Is(err, io.EOF) && phase == "complete":
			return nil
		case errors.Is(err, io.EOF):
			return fmt.Errorf("run %s is %s: %v", run, phase, troubles)
		case err != nil:
			return err
		}
		if phase, troubles = m.GetState().GetPhase(), m.GetState().GetTroubles(); m.GetState().GetEndedUnixNanos() != 0 {
			q.rows.Add(m.GetState().GetCounts().GetRowsIn())
		}
	}
}

// A data run beside inference, on the same machine and through the same NATS server, leaves people's time to first token about what it is without: its batches have a
// connection of their own. What is printed is the figure; what fails is what fails beside bulk jobs.
func TestDataRunsGiveWay(t *testing.T) {
	l := &labour{fleet: newFleet(t, 1, 2, ""), t: t}
	for i := range 3 {
		l.worker(fmt.Sprintf("w%d", i), "sim", "--engine", "sim", "--slots", "16", "--sim-step-base", "25ms")
	}
	l.serving("sim", 3)
	q := l.quarry()
	during := *onlineFor
	without := l.online(during, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	over := make(chan error, 1)
	go func() { over <- q.work(ctx) }()
	within(t, 30*time.Second, "a run is complete", func() bool { return q.rows.Load() > 0 })
	before := q.rows.Load()
	with := l.online(during, 1)
	moved := q.rows.Load() - before
	cancel()
	if err := <-over; err != nil {
		t.Fatal(err)
	}
	l.givesWay(fmt.Sprintf("data runs of %d rows", moved), without, with)
	if moved == 0 {
		t.Error("no data run came to its end meanwhile")
	}
}
