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
	runs     int
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

// work carries one run after another until ctx ends, and cancels the last.
func (q *quarry) work(ctx context.Context) error {
	c := ingestorv1.NewIngestorServiceClient(q.conn(q.ingestor))
	suite := `{"suite": {"name": "s", "expectations": [
		{"type": "expect_column_values_to_be_unique", "kwargs": {"column": "id"}},
		{"type": "expect_column_value_lengths_to_be_between", "kwargs": {"column": "text", "min_value": 1, "max_value": 5000}},
		{"type": "expect_column_values_to_match_regex", "kwargs": {"column": "text", "regex": "^Stones"}}]}}`
	for ctx.Err() == nil {
		q.runs++
		run := &datav1.Run{Id: fmt.Sprint("beside-", q.runs), Full: true, Stages: []*datav1.Stage{
			{Name: "read", Kind: "ingest", Spec: []byte(`{"source": {"type": "jsonl", "path": "*.jsonl"}}`)},
			{Name: "validate", Kind: "validate", From: "read", Spec: []byte(suite)},
		}}
		whole := context.WithoutCancel(ctx)
		if _, err := c.Submit(whole, &ingestorv1.SubmitRequest{Run: run}); err != nil {
			return err
		}
		stop := context.AfterFunc(ctx, func() {
			_, _ = c.Cancel(whole, &ingestorv1.CancelRequest{Run: run.GetId()}) // it may have ended
		})
		err := q.follow(whole, c, run.GetId())
		stop()
		if err != nil {
			return err
		}
	}
	return nil
}

func (q *quarry) follow(ctx context.Context, c ingestorv1.IngestorServiceClient, run string) error {
	w, err := c.WatchRun(ctx, &ingestorv1.WatchRunRequest{Run: run})
	if err != nil {
		return err
	}
	for phase, troubles := "", []*datav1.Trouble(nil); ; {
		m, err := w.Recv()
		switch {
		case errors.Is(err, io.EOF) && (phase == "complete" || phase == "cancelled"):
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
// connection of their own, and its processes the lower priority. What is printed is the figure; what fails is what fails beside bulk jobs.
func TestDataRunsGiveWay(t *testing.T) {
	l := &labour{fleet: newFleet(t, 1, 2, ""), t: t}
	for i := range 3 {
		l.worker(fmt.Sprintf("w%d", i), "sim", "--engine", "sim", "--slots", "16", "--sim-step-base", "25ms")
	}
	l.serving("sim", 3)
	q := l.quarry()
	var without, with []*outcome
	for turn := range uint64(2) { // in turns, so that what else the machine does falls on both
		without = append(without, l.online(*onlineFor/2, turn)...)
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan error, 1)
		go func() { over <- q.work(ctx) }()
		before := q.rows.Load()
		procs.Within(t, 30*time.Second, "a run has ended", func() bool { return q.rows.Load() > before })
		with = append(with, l.online(*onlineFor/2, turn)...)
		cancel()
		if err := <-over; err != nil {
			t.Fatal(err)
		}
	}
	l.givesWay(fmt.Sprintf("data runs of %d rows", q.rows.Load()), without, with)
}
