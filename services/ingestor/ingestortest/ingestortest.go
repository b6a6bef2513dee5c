// Package ingestortest is what tests of data runs share, whatever services they run: it follows a run to its end, and reads what was said of it to catalogues.
package ingestortest

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/events"
	"github.com/leathq/leat/pkg/lineage"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
)

// patience is how long a run of a test may take.
const patience = time.Minute

// Submit submits a run.
func Submit(t testing.TB, c ingestorv1.IngestorServiceClient, run *datav1.Run) {
	t.Helper()
	if _, err := c.Submit(t.Context(), &ingestorv1.SubmitRequest{Run: run}); err != nil {
		t.Fatal(err)
	}
}

// Follow watches a run to its end.
func Follow(t testing.TB, c ingestorv1.IngestorServiceClient, run string) *ingestorv1.RunState {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	w, err := c.WatchRun(ctx, &ingestorv1.WatchRunRequest{Run: run})
	if err != nil {
		t.Fatal(err)
	}
	for {
		m, err := w.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if m.GetState().GetEndedUnixNanos() != 0 {
			return m.GetState()
		}
	}
}

// Lineage are the OpenLineage events of a run, in the order in which they were sent, as whoever hears them gets them: facets are what their JSON says.
func Lineage(t testing.TB, b *bus.Bus, run string) (out []lineage.Event) {
	t.Helper()
	s, err := b.JetStream().Stream(t.Context(), events.EventsStream)
	if err != nil {
		t.Fatal(err)
	}
	for from := uint64(1); ; {
		m, err := s.GetMsg(t.Context(), from, jetstream.WithGetMsgSubject(lineage.Subject(run)))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		var e lineage.Event
		if err := json.Unmarshal(m.Data, &e); err != nil {
			t.Fatalf("%s: %v", m.Data, err)
		}
		if err := e.Check(); err != nil {
			t.Error(err)
		}
		out, from = append(out, e), m.Sequence+1
	}
}
