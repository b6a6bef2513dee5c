package flow_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/flow"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

func (s *site) consumers(stream string) int {
	s.t.Helper()
	x, err := s.bus.JetStream().Stream(s.t.Context(), stream)
	if err != nil {
		s.t.Fatal(err)
	}
	return x.CachedInfo().State.Consumers
}

// Runs that have ended, and replicas that have stopped, leave no consumer, batch, lease or goroutine.
func TestRunsAndReplicasLeaveNothingBehind(t *testing.T) {
	s := newSite(t)
	fail := func(p uint32, n int) error {
		if p == 1 && n == 11 {
			return &flow.Error{Code: "odd", Message: "odd"}
		}
		return nil
	}
	r := s.start([]flow.Source{&counting{partitions: 2, batches: 20, fail: fail}}, &keeping{kind: "keep"}, &keeping{kind: "last"})
	good := s.start([]flow.Source{&counting{partitions: 1, batches: 5}}, &keeping{kind: "keep"}, &keeping{kind: "last"})
	if err := r.Start(t.Context(), threeStages("fails"), "bulk"); err != nil {
		t.Fatal(err)
	}
	await(t, r, "fails", "failed", func(st *flow.State) bool { return st.Ended() != nil })
	if err := good.Start(t.Context(), threeStages("ends"), "bulk"); err != nil {
		t.Fatal(err)
	}
	await(t, r, "ends", "complete", ended(datav1.Outcome_OUTCOME_COMPLETE))
	r.stop()
	good.stop()
	if info := s.data(); info.State.Consumers != 0 || info.State.Msgs != 0 {
		t.Errorf("%d consumers and %d messages are left on DATA", info.State.Consumers, info.State.Msgs)
	}
	if n := s.consumers("EVENTS"); n != 0 {
		t.Errorf("%d consumers are left on EVENTS", n)
	}
	leases, err := s.bus.Leases(t.Context(), bus.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	if keys, err := leases.Keys(t.Context()); !errors.Is(err, jetstream.ErrNoKeysFound) {
		t.Errorf("leases are left: %v, %v", keys, err)
	}
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		if strings.Contains(stack, "leat/pkg/flow.(") {
			t.Errorf("a goroutine is left:\n%s", stack)
		}
	}
}

// Asking for runs leaves nothing on the server: whoever watches one that waits as a job asks several times a second.
func TestAskingForARunLeavesNoConsumer(t *testing.T) {
	s := newSite(t)
	r := s.start([]flow.Source{&counting{partitions: 1, batches: 1}}, &keeping{kind: "keep"})
	r.KeepEnded(0)
	if err := r.Start(t.Context(), twoStages("r"), "bulk"); err != nil {
		t.Fatal(err)
	}
	for found := false; !found; { // it is forgotten as it ends
		if err := r.State(t.Context(), "r", func(st *flow.State) { found = st != nil && st.Ended() != nil }); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		for _, run := range []string{"r", "nobody"} {
			if err := r.State(t.Context(), run, func(*flow.State) {}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := s.consumers("EVENTS"); n != 1 {
		t.Errorf("%d consumers are on EVENTS; want that of the one replica", n)
	}
}
