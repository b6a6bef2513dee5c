package flow_test

import (
	"testing"

	"github.com/leathq/leat/pkg/flow"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// A run through three stages ends complete with every row accounted for: 4 partitions × 60 batches × 10 rows, and what was refused.
func TestARunKeepsEveryRow(t *testing.T) {
	s := newSite(t)
	r := s.start([]flow.Source{&counting{partitions: 4, batches: 60}}, &keeping{kind: "keep"}, &keeping{kind: "last"})
	if err := r.Start(t.Context(), threeStages("r1"), "bulk"); err != nil {
		t.Fatal(err)
	}
	await(t, r, "r1", "complete", ended(datav1.Outcome_OUTCOME_COMPLETE))
	r.Look("r1", func(st *flow.State) {
		c, refused := st.Total(), uint64(4*9)
		if got, want := [4]uint64{c.GetRowsIn(), c.GetValid(), c.GetQuarantined(), c.GetRefused()}, [4]uint64{2400 + refused, 2160, 240, refused}; got != want {
			t.Errorf("in, valid, quarantined, refused are %v, want %v", got, want)
		}
	})
}
