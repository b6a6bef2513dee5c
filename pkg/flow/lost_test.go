package flow_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/flow"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// What NATS has lost of a partition, as after a power failure, fails its run by name in a bounded time, in place of being waited for; resumed, the run makes what it would have made.
func TestBatchesThatNATSHasLostFailTheirRun(t *testing.T) {
	t.Parallel() // it mostly waits
	const batches = 12
	whole := newSite(t)
	r := whole.start([]flow.Source{&counting{partitions: 1, batches: batches}}, &keeping{kind: "keep"})
	if err := r.Start(t.Context(), twoStages("r"), "bulk"); err != nil {
		t.Fatal(err)
	}
	await(t, r, "r", "complete", ended(datav1.Outcome_OUTCOME_COMPLETE))
	want := fingerprint(r, "r")
	for name, lose := range map[string]func(context.Context, jetstream.Stream) error{
		"a batch in the middle": func(ctx context.Context, s jetstream.Stream) error { return s.DeleteMsg(ctx, 6) },
		"the closing":           func(ctx context.Context, s jetstream.Stream) error { return s.DeleteMsg(ctx, batches+1) },
		"all":                   func(ctx context.Context, s jetstream.Stream) error { return s.Purge(ctx) },
		"its consumer":          func(ctx context.Context, s jetstream.Stream) error { return s.DeleteConsumer(ctx, "r_keep_0") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.gapMost = time.Second
			r := s.start([]flow.Source{&counting{partitions: 1, batches: batches}})
			if err := r.Start(t.Context(), twoStages("r"), "bulk"); err != nil {
				t.Fatal(err)
			}
			await(t, r, "r", "read", func(st *flow.State) bool { return st.Done("in", 0) != nil })
			data, err := s.bus.JetStream().Stream(t.Context(), "DATA")
			if err == nil {
				err = lose(t.Context(), data)
			}
			if err != nil {
				t.Fatal(err)
			}
			s.start(nil, &keeping{kind: "keep"})
			await(t, r, "r", "failed", ended(datav1.Outcome_OUTCOME_FAILED))
			r.Look("r", func(st *flow.State) {
				if x := st.Ended().GetTroubles(); len(x) != 1 || x[0].GetCode() != "batches_lost" {
					t.Errorf("troubles are %v", x)
				}
			})
			if _, err := r.Resume(t.Context(), "r"); err != nil {
				t.Fatal(err)
			}
			await(t, r, "r", "complete", func(st *flow.State) bool {
				return st.Attempt() == 1 && ended(datav1.Outcome_OUTCOME_COMPLETE)(st)
			})
			if got := fingerprint(r, "r"); got != want {
				t.Errorf("made\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// A partition may wait for its turn as long as the facts of its run are kept: DATA drops what is sent to one whose consumer is gone.
func TestAConsumerStaysAsLongAsTheFactsOfItsRun(t *testing.T) {
	s := newSite(t)
	r := s.start([]flow.Source{&counting{partitions: 1, batches: 1}})
	if err := r.Start(t.Context(), twoStages("r"), "bulk"); err != nil {
		t.Fatal(err)
	}
	c, err := s.bus.JetStream().Consumer(t.Context(), "DATA", "r_keep_0")
	if err != nil {
		t.Fatal(err)
	}
	facts, err := s.bus.JetStream().Stream(t.Context(), "EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	if got, age := c.CachedInfo().Config.InactiveThreshold, facts.CachedInfo().Config.MaxAge; got < age {
		t.Errorf("a consumer that nobody reads stays for %s, and facts for %s", got, age)
	}
}
