package flow_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/leathq/leat/pkg/flow"
	"github.com/leathq/leat/pkg/jobs"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// started notes whose partition a stage begins, in order.
type started struct {
	mu   sync.Mutex
	runs []string
}

func (x *started) gate(_ context.Context, p flow.Place, n uint64) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if n == 0 {
		x.runs = append(x.runs, p.Run.GetId())
	}
	return nil
}

func (x *started) all() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.runs)
}

// classed is a run of each class, the last class first: in the order in which they are to be served they are high, normal, bulk.
var classed = []string{jobs.Bulk, jobs.Normal, jobs.High}

// While there is work on runs of a class, those behind it wait for a place, although they came before.
func TestClassesAreServedInOrder(t *testing.T) {
	s := newSite(t)
	s.cfg.Partitions = 3 * len(classed)
	src := &counting{partitions: 3, batches: 4}
	r := s.start([]flow.Source{src})
	for _, class := range classed {
		if err := r.Start(t.Context(), twoStages(class), class); err != nil {
			t.Fatal(err)
		}
	}
	for _, class := range classed { // all wait for the stage now
		await(t, r, class, "read", func(st *flow.State) bool { return st.StageDone("in") })
	}
	var order started
	s.cfg.Partitions = 1
	s.start(nil, &keeping{kind: "keep", gate: order.gate})
	for _, class := range classed {
		await(t, r, class, "complete", ended(datav1.Outcome_OUTCOME_COMPLETE))
	}
	if got, want := order.all(), []string{"high", "high", "high", "normal", "normal", "normal", "bulk", "bulk", "bulk"}; !slices.Equal(got, want) {
		t.Errorf("partitions were begun in the order %v, want %v", got, want)
	}
}

// Where the stream of batches has room for one partition at a time, those of a class go before those of the next. What is begun already goes on.
func TestRoomIsGivenInTheOrderOfClasses(t *testing.T) {
	s := newSite(t)
	s.cfg.MaxBytes = 4 * s.cfg.SegmentBytes // one partition takes more than half of it
	s.cfg.Partitions = 3 * len(classed)
	opened := make(chan struct{})
	held := func(_ uint32, n int) error {
		if n == 0 {
			<-opened
		}
		return nil
	}
	var order started
	r := s.start([]flow.Source{&counting{partitions: 3, batches: 4, fail: held}}, &keeping{kind: "keep", gate: order.gate})
	for _, class := range classed {
		if err := r.Start(t.Context(), twoStages(class), class); err != nil {
			t.Fatal(err)
		}
		await(t, r, class, "planned", func(st *flow.State) bool { return st.Planned() != nil })
	}
	close(opened)
	for _, class := range classed {
		await(t, r, class, "complete", ended(datav1.Outcome_OUTCOME_COMPLETE))
	}
	// A partition of each run may have been begun before the next one was known.
	got := order.all()
	last := map[string]int{}
	for i, class := range got {
		last[class] = i
	}
	if len(got) != 9 || last["high"] > last["normal"] || last["normal"] > last["bulk"] {
		t.Errorf("partitions were begun in the order %v", got)
	}
}
