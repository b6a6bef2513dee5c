package flow_test

import (
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/flow"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// A plan that no message can hold lies in the store: whoever starts later knows the run as who planned it does, the next run of the name goes on from its
// watermark, and the plan stays as long as its facts.
func TestAPlanThatIsTooLargeForAMessageLiesInTheStore(t *testing.T) {
	s := newSite(t)
	large := make([]byte, s.bus.MaxPayload()/2)
	r := s.start([]flow.Source{&counting{partitions: 3, batches: 9, spec: large}}, &keeping{kind: "keep"})
	run := twoStages("r")
	run.Name = "large"
	if err := r.Start(t.Context(), run, "bulk"); err != nil {
		t.Fatal(err)
	}
	await(t, r, "r", "complete", ended(datav1.Outcome_OUTCOME_COMPLETE))
	if err := r.SweepPlans(t.Context(), time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	later := s.start(nil, &keeping{kind: "keep"})
	is := func(st *flow.State) bool {
		return st.Total().GetRowsIn() == 273 && len(st.Planned().GetPartitions()) == 3 && len(st.Planned().GetPartitions()[2].GetSpec()) == len(large)
	}
	await(t, later, "r", "known to who comes later", is)
	r.KeepEnded(0)
	if err := r.Start(t.Context(), twoStages("r2"), "bulk"); err != nil {
		t.Fatal(err)
	}
	await(t, later, "r2", "complete", ended(datav1.Outcome_OUTCOME_COMPLETE))
	if err := r.State(t.Context(), "r", func(st *flow.State) {
		if st == nil || !is(st) {
			t.Errorf("forgotten, it is folded anew as %v", st)
		}
	}); err != nil {
		t.Error(err)
	}
	if got := later.Latest(run.GetTenant(), "large"); string(got.GetWatermark()) != "{}" {
		t.Errorf("the next run goes on from %v", got)
	}
	if err := r.Start(t.Context(), run, "bulk"); err != nil {
		t.Errorf("started again: %v", err)
	}
}

// A run whose plan is lost is not known: it must not look like one without partitions, which is complete.
func TestARunWhosePlanIsLostIsUnknown(t *testing.T) {
	for name, lose := range map[string]func(*testing.T, *site, string){
		"gone": func(t *testing.T, s *site, key string) {
			if err := s.store.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		},
		"damaged": func(t *testing.T, s *site, key string) {
			if err := s.store.Put(t.Context(), key, strings.NewReader("")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			r := s.start([]flow.Source{&counting{partitions: 2, batches: 1, spec: make([]byte, s.bus.MaxPayload())}}, &keeping{kind: "keep"})
			if err := r.Start(t.Context(), twoStages("r"), "bulk"); err != nil {
				t.Fatal(err)
			}
			await(t, r, "r", "complete", ended(datav1.Outcome_OUTCOME_COMPLETE))
			for o, err := range s.store.List(t.Context(), "plans/r/") {
				if err != nil {
					t.Fatal(err)
				}
				lose(t, s, o.Key)
			}
			later := s.start(nil, &keeping{kind: "keep"})
			if err := later.State(t.Context(), "r", func(st *flow.State) {
				if st != nil {
					t.Errorf("it is known, with %d partitions", len(st.Planned().GetPartitions()))
				}
			}); err != nil {
				t.Error(err)
			}
		})
	}
}

// Plans whose facts are gone are removed when the next large one comes.
func TestOldPlansAreRemoved(t *testing.T) {
	s := newSite(t)
	r := s.start([]flow.Source{&counting{partitions: 1, batches: 1, spec: make([]byte, s.bus.MaxPayload())}}, &keeping{kind: "keep"})
	if err := r.Start(t.Context(), twoStages("r"), "bulk"); err != nil {
		t.Fatal(err)
	}
	await(t, r, "r", "complete", ended(datav1.Outcome_OUTCOME_COMPLETE))
	for _, c := range []struct {
		before time.Time
		left   int
	}{{time.Now().Add(-time.Hour), 1}, {time.Now().Add(time.Hour), 0}} {
		if err := r.SweepPlans(t.Context(), c.before); err != nil {
			t.Fatal(err)
		}
		n := 0
		for range s.store.List(t.Context(), "plans/") {
			n++
		}
		if n != c.left {
			t.Errorf("before %s: %d are left, want %d", c.before, n, c.left)
		}
	}
}
