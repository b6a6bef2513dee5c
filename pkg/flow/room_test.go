package flow_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/flow"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// still returns when a source has not read on for a hundred round trips to NATS.
func (s *site) still(src *counting) {
	s.t.Helper()
	for last, same := int64(0), 0; same < 100; same++ {
		s.data()
		if got := src.read.Load(); got != last || got == 0 {
			last, same = got, 0
		}
		if s.t.Context().Err() != nil {
			s.t.Fatal("the source never stands still")
		}
	}
}

// A middle stage must be able to send while its own input fills what room it may: with many partitions and little room for all, a run through three
// stages ends, whichever stage comes last.
func TestAStreamFullOfInputLeavesRoomForOutput(t *testing.T) {
	s := newSite(t)
	s.cfg.MaxBytes = 64 * conf.KiB
	src := &counting{partitions: 16, batches: 40, pad: 900}
	r := s.start([]flow.Source{src})
	if err := r.Start(t.Context(), threeStages("r"), "bulk"); err != nil {
		t.Fatal(err)
	}
	s.still(src)
	s.start(nil, &keeping{kind: "keep"}, &keeping{kind: "last"})
	await(t, r, "r", "complete", ended(datav1.Outcome_OUTCOME_COMPLETE))
}

// A last stage that takes nothing holds all before it: what is under way of a partition stays below what its edges may hold, and below the stream's bound.
func TestASlowLastStageHoldsAll(t *testing.T) {
	s := newSite(t)
	s.cfg.MaxBytes = conf.MiB
	opened := make(chan struct{})
	gate := func(ctx context.Context, _ flow.Place, _ uint64) error {
		select {
		case <-opened:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	src := &counting{partitions: 2, batches: 400, pad: 900}
	r := s.start([]flow.Source{src}, &keeping{kind: "keep"}, &keeping{kind: "last", gate: gate})
	if err := r.Start(t.Context(), threeStages("r"), "bulk"); err != nil {
		t.Fatal(err)
	}
	s.still(src)
	// Of each partition: two segments of 8 KiB on each of two edges, a batch more on each, and what the source has sent without confirmation.
	const most = 2 * (2*(16+1) + 16)
	if got := src.read.Load(); got > most {
		t.Errorf("the source has read %d batches of 1 KiB, of which %d have room", got, most)
	}
	close(opened)
	await(t, r, "r", "complete", ended(datav1.Outcome_OUTCOME_COMPLETE))
}

// Large batches are held by their bytes, long before there are too many: between two stages are two segments, and a batch more.
func TestAnEdgeIsBoundedByBytes(t *testing.T) {
	s := newSite(t)
	opened := make(chan struct{})
	gate := func(ctx context.Context, _ flow.Place, _ uint64) error {
		select {
		case <-opened:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	size := 4 * int(conf.KiB)
	src := &counting{partitions: 1, batches: 60, pad: size}
	r := s.start([]flow.Source{src}, &keeping{kind: "keep", gate: gate})
	if err := r.Start(t.Context(), twoStages("r"), "bulk"); err != nil {
		t.Fatal(err)
	}
	s.still(src)
	most := int64(2*int(s.cfg.SegmentBytes)/size + 1 + 1) // one more is read, and waits
	if got := src.read.Load(); got > most {
		t.Errorf("the source has read %d batches of 4 KiB, of which %d have room", got, most)
	}
	close(opened)
	await(t, r, "r", "complete", ended(datav1.Outcome_OUTCOME_COMPLETE))
}

// A run of which no partition has room is refused by the setting's name, in place of standing still.
func TestARunThatHasNoRoomIsRefused(t *testing.T) {
	s := newSite(t)
	s.cfg.MaxBytes = 32 * conf.KiB
	r := s.start([]flow.Source{&counting{partitions: 1, batches: 1}}, &keeping{kind: "keep"})
	err := r.Start(t.Context(), threeStages("r"), "bulk")
	if refused := (*flow.Error)(nil); !errors.As(err, &refused) || refused.Code != "no_room" {
		t.Errorf("%v", err)
	}
}

// A source that has nothing for a while must not keep a stage from the partitions that have something.
func TestIdlePartitionsDoNotKeepOthersWaiting(t *testing.T) {
	s := newSite(t)
	s.cfg.Partitions = 8
	opened := make(chan struct{})
	hold := func(p uint32, n int) error {
		if p < 4 && n == 0 {
			<-opened
		}
		return nil
	}
	src := &counting{partitions: 6, batches: 20, fail: hold}
	r := s.start([]flow.Source{src})
	s.cfg.Partitions = 2
	s.start(nil, &keeping{kind: "keep"})
	if err := r.Start(t.Context(), twoStages("r"), "bulk"); err != nil {
		t.Fatal(err)
	}
	await(t, r, "r", "done with what there is", func(st *flow.State) bool { return st.Done("keep", 4) != nil && st.Done("keep", 5) != nil })
	close(opened)
	await(t, r, "r", "complete", ended(datav1.Outcome_OUTCOME_COMPLETE))
}

// A stage that cannot be judged fails its run by name, at once where another try would not help, after some tries where it might have; once mended, the
// run is resumed and complete.
func TestAStageThatCannotBeJudgedFailsItsRun(t *testing.T) {
	for name, why := range map[string]error{
		"bad_report": &flow.Error{Code: "bad_report", Message: "the report cannot be made"},
		"not_judged": errors.New("the store is away"),
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			broken := why
			k := &keeping{kind: "keep", finish: func() error { return broken }}
			r := s.start([]flow.Source{&counting{partitions: 2, batches: 5}}, k)
			r.TryFast()
			if err := r.Start(t.Context(), twoStages("r"), "bulk"); err != nil {
				t.Fatal(err)
			}
			await(t, r, "r", "failed", ended(datav1.Outcome_OUTCOME_FAILED))
			r.Look("r", func(st *flow.State) {
				if x := st.Ended().GetTroubles(); len(x) != 1 || x[0].GetCode() != name {
					t.Errorf("troubles are %v", x)
				}
			})
			broken = nil
			if _, err := r.Resume(t.Context(), "r"); err != nil {
				t.Fatal(err)
			}
			await(t, r, "r", "complete", func(st *flow.State) bool {
				return st.Attempt() == 1 && ended(datav1.Outcome_OUTCOME_COMPLETE)(st)
			})
		})
	}
}

// What nobody asks for any more is forgotten, and found again on the bus by who does.
func TestEndedRunsAreForgottenAndFoundAgain(t *testing.T) {
	s := newSite(t)
	fail := func(uint32, int) error { return &flow.Error{Code: "odd", Message: "odd"} }
	bad := s.start([]flow.Source{&counting{partitions: 1, batches: 1, fail: fail}}, &keeping{kind: "keep"})
	bad.KeepEnded(2)
	if err := bad.Start(t.Context(), twoStages("failed"), "bulk"); err != nil {
		t.Fatal(err)
	}
	await(t, bad, "failed", "failed", ended(datav1.Outcome_OUTCOME_FAILED))
	bad.stop()
	r := s.start([]flow.Source{&counting{partitions: 1, batches: 1}}, &keeping{kind: "keep"})
	r.KeepEnded(2)
	for i := range 4 {
		id := fmt.Sprint("r", i)
		if err := r.Start(t.Context(), twoStages(id), "bulk"); err != nil {
			t.Fatal(err)
		}
		await(t, r, id, "complete", ended(datav1.Outcome_OUTCOME_COMPLETE))
	}
	var kept []string
	r.Each(func(run string, _ *flow.State) { kept = append(kept, run) })
	if len(kept) != 2 {
		t.Errorf("%v are kept, want the last two", kept)
	}
	if plan := r.Latest("", "n"); plan.GetRun().GetId() != "r3" {
		t.Errorf("the latest complete run of its name is %q", plan.GetRun().GetId())
	}
	found := false
	if err := r.State(t.Context(), "failed", func(st *flow.State) { found = st.Ended().GetTroubles()[0].GetCode() == "odd" }); err != nil || !found {
		t.Errorf("the forgotten run is not found: %v", err)
	}
	if _, err := r.Resume(t.Context(), "failed"); err != nil {
		t.Fatal(err)
	}
	await(t, r, "failed", "complete", func(st *flow.State) bool {
		return st.Attempt() == 1 && ended(datav1.Outcome_OUTCOME_COMPLETE)(st)
	})
}
