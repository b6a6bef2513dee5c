package flow_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/flow"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// The stream has the only copy of a batch until its segment is done: a second delivery of it must not be what removes it.
func TestABatchThatIsDeliveredAgainStaysUntilItsSegmentIsDone(t *testing.T) {
	s := newSite(t)
	r := s.start([]flow.Source{&counting{partitions: 1, batches: 3}})
	run := twoStages("r")
	if err := r.Start(t.Context(), run, "bulk"); err != nil {
		t.Fatal(err)
	}
	c, err := s.bus.JetStream().Consumer(t.Context(), "DATA", "r_keep_0")
	if err != nil {
		t.Fatal(err)
	}
	worker := flow.New(flow.Deps{ID: "w", Log: s.log, Bus: s.bus, Blob: s.store}, s.cfg, nil, &keeping{kind: "keep"})
	take := worker.Carrier(flow.Place{Run: run, Stage: run.GetStages()[1], Partition: &datav1.Partition{}, Blob: s.store})
	m, err := c.Next()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := take(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.bus.Conn(0).Flush(); err != nil {
		t.Fatal(err)
	}
	if info, err := c.Info(t.Context()); err != nil || info.NumAckPending != 1 || info.AckFloor.Stream != 0 {
		t.Errorf("%d batches wait for their acknowledgement, up to %d are acknowledged (%v); want the one that was taken, and none", info.NumAckPending, info.AckFloor.Stream, err)
	}
}

// failed runs a run that cannot be done, and returns its troubles' codes, and how many refused records were kept.
func (s *site) failed(r *replica, run *datav1.Run) (codes string, kept uint64) {
	s.t.Helper()
	if err := r.Start(s.t.Context(), run, "bulk"); err != nil {
		s.t.Fatal(err)
	}
	await(s.t, r, run.GetId(), "failed", ended(datav1.Outcome_OUTCOME_FAILED))
	r.Look(run.GetId(), func(st *flow.State) {
		for _, x := range st.Ended().GetTroubles() {
			codes += x.GetCode()
		}
		var objects []*datav1.Object
		for _, f := range st.Reads("in", 0) {
			objects = append(objects, f.GetObjects()...)
		}
		for _, f := range st.Failures() {
			objects = append(objects, f.GetObjects()...)
		}
		for _, o := range objects {
			if _, err := s.store.Stat(s.t.Context(), o.GetKey()); err != nil {
				s.t.Error(err)
			}
			kept += o.GetRows()
		}
	})
	return codes, kept
}

// What a source refused before it failed for good is kept, as all that was refused is.
func TestWhatWasRefusedBeforeAFailureIsKept(t *testing.T) {
	s := newSite(t)
	fail := func(_ uint32, n int) error {
		if n == 11 { // a record of the batch before is refused
			return &flow.Error{Code: "truncated_file", Message: "it ends too early"}
		}
		return nil
	}
	r := s.start([]flow.Source{&counting{partitions: 1, batches: 60, fail: fail}}, &keeping{kind: "keep"})
	if codes, kept := s.failed(r, twoStages("r")); codes != "truncated_file" || kept != 2 {
		t.Errorf("%q, and %d refused records are kept; want truncated_file and 2", codes, kept)
	}
}

// A run's bounds hold for what its source refuses and what its stages quarantine, also when it is resumed, and what went over them is kept.
func TestARunWithTooManyBadRowsFails(t *testing.T) {
	s := newSite(t)
	r := s.start([]flow.Source{&counting{partitions: 1, batches: 13}}, &keeping{kind: "keep"})
	for name, limits := range map[string]*datav1.Limits{
		"refused":     {MaxBad: proto.Uint64(0)},
		"quarantined": {MaxBad: proto.Uint64(2)}, // two are refused
		"share":       {MaxBadShare: proto.Float64(.05)},
	} {
		run := twoStages(name)
		run.Limits = limits
		if codes, kept := s.failed(r, run); !strings.HasPrefix(codes, "too_many_bad") || kept == 0 {
			t.Errorf("%s: %q, and %d refused records are kept", name, codes, kept)
		}
		if _, err := r.Resume(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		await(t, r, name, "failed again", func(st *flow.State) bool {
			return st.Attempt() == 1 && st.Ended().GetOutcome() == datav1.Outcome_OUTCOME_FAILED
		})
	}
	run := twoStages("enough")
	run.Limits = &datav1.Limits{MaxBad: proto.Uint64(15), MaxBadShare: proto.Float64(.2)}
	if err := r.Start(t.Context(), run, "bulk"); err != nil {
		t.Fatal(err)
	}
	await(t, r, "enough", "complete", ended(datav1.Outcome_OUTCOME_COMPLETE))
}

// Batches too large for a message go through the store, and are gone from it when the run has ended.
func TestLargeBatchesGoThroughTheStore(t *testing.T) {
	s := newSite(t)
	r := s.start([]flow.Source{&counting{partitions: 1, batches: 3, pad: s.bus.MaxPayload()}}, &keeping{kind: "keep"})
	if err := r.Start(t.Context(), twoStages("r"), "bulk"); err != nil {
		t.Fatal(err)
	}
	await(t, r, "r", "complete", ended(datav1.Outcome_OUTCOME_COMPLETE))
	r.Look("r", func(st *flow.State) {
		if c := st.Total(); c.GetRowsIn() != 30 || c.GetValid() != 27 || c.GetBytes() < 3*uint64(s.bus.MaxPayload()) {
			t.Errorf("its rows are %v", c)
		}
	})
	for o, err := range s.store.List(t.Context(), "batches/") {
		t.Errorf("%s is left (%v)", o.Key, err)
	}
}

// A batch of the size that runs have goes by message: through the store it would be written and synced as a file, and read again.
func TestBatchesOfTheDefaultSizeGoByMessage(t *testing.T) {
	s := newSite(t)
	s.cfg.SegmentBytes, s.cfg.MaxBytes = 4*conf.MiB, 64*conf.MiB
	r := s.start([]flow.Source{&counting{partitions: 1, batches: 3, pad: int(flow.DefaultConfig().BatchBytes) * 5 / 4}})
	if err := r.Start(t.Context(), twoStages("r"), "bulk"); err != nil {
		t.Fatal(err)
	}
	await(t, r, "r", "read", func(st *flow.State) bool { return st.Done("in", 0) != nil })
	if info := s.data(); info.State.Bytes < 3*uint64(flow.DefaultConfig().BatchBytes) {
		t.Errorf("%d bytes are on DATA", info.State.Bytes)
	}
	for o, err := range s.store.List(t.Context(), "batches/") {
		t.Errorf("%s is in the store (%v)", o.Key, err)
	}
}
