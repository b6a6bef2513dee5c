package flow_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/flow"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// A run whose stage nobody does says so by name, and goes on as soon as somebody does.
func TestARunSaysThatNobodyDoesAStage(t *testing.T) {
	t.Parallel() // it mostly waits
	s := newSite(t)
	s.missAfter = 100 * time.Millisecond
	r := s.start([]flow.Source{&counting{partitions: 2, batches: 5}})
	if err := r.Start(t.Context(), twoStages("r"), "bulk"); err != nil {
		t.Fatal(err)
	}
	await(t, r, "r", "said to lack somebody", func(st *flow.State) bool {
		x := st.Trouble("keep").GetTrouble()
		return x.GetCode() == flow.NoReplica && strings.Contains(x.GetMessage(), "stage keep, of kind keep")
	})
	s.start(nil, &keeping{kind: "keep"})
	await(t, r, "r", "complete", ended(datav1.Outcome_OUTCOME_COMPLETE))
}

// A stage on which somebody works is not said to lack anybody, slow as that is.
func TestARunLacksNobodyWhoIsSlow(t *testing.T) {
	t.Parallel() // it mostly waits
	s := newSite(t)
	slow := func(ctx context.Context, _ flow.Place, n uint64) error {
		if n == 2 {
			select {
			case <-time.After(time.Second): // ten times as long as it takes to miss somebody
			case <-ctx.Done():
			}
		}
		return nil
	}
	s.start(nil, &keeping{kind: "keep", gate: slow})
	s.missAfter = 100 * time.Millisecond
	r := s.start([]flow.Source{&counting{partitions: 1, batches: 5}})
	if err := r.Start(t.Context(), twoStages("r"), "bulk"); err != nil {
		t.Fatal(err)
	}
	await(t, r, "r", "complete", ended(datav1.Outcome_OUTCOME_COMPLETE))
	r.Look("r", func(st *flow.State) {
		if x := st.Trouble("keep"); x != nil {
			t.Errorf("somebody works on it, and the run says: %v", x)
		}
	})
}

// A run whose plan was dropped from the stream of facts, as where that is too small for it, says so, and goes on to its end by who knows it.
func TestARunSaysThatItsFactsAreGoing(t *testing.T) {
	t.Parallel() // it mostly waits
	s := newSite(t)
	s.missAfter = 100 * time.Millisecond
	opened := make(chan struct{})
	gate := func(ctx context.Context, _ flow.Place, _ uint64) error {
		select {
		case <-opened:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r := s.start([]flow.Source{&counting{partitions: 2, batches: 5}}, &keeping{kind: "keep", gate: gate})
	if err := r.Start(t.Context(), twoStages("r"), "bulk"); err != nil {
		t.Fatal(err)
	}
	await(t, r, "r", "read", func(st *flow.State) bool { return st.Finished("in") != nil })
	facts, err := s.bus.JetStream().Stream(t.Context(), "EVENTS")
	if err == nil {
		err = facts.Purge(t.Context(), jetstream.WithPurgeSubject("evt.data.run_planned.v1.r"))
	}
	if err != nil {
		t.Fatal(err)
	}
	await(t, r, "r", "said to lose its facts", func(st *flow.State) bool {
		x := st.Trouble("keep").GetTrouble()
		return x.GetCode() == flow.FactsLost && strings.Contains(x.GetMessage(), "plan of run r")
	})
	close(opened)
	await(t, r, "r", "complete", ended(datav1.Outcome_OUTCOME_COMPLETE))
}
