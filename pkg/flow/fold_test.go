package flow_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/flow"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// facts are those of a run of two replicas that both work on everything, over two tries.
func facts() []proto.Message {
	out := []proto.Message{
		&datav1.RunPlanned{Run: threeStages("r"), Partitions: []*datav1.Partition{{}, {Number: 1}}, UnixNanos: 1},
		&datav1.RunCancelled{Run: "r", UnixNanos: 50},
		&datav1.RunEnded{Run: "r", Outcome: datav1.Outcome_OUTCOME_CANCELLED, UnixNanos: 60},
		&datav1.RunResumed{Run: "r", Attempt: 1, UnixNanos: 70},
		&datav1.PartitionFailed{Run: "r", Stage: "keep", Partition: 1, UnixNanos: 40},
		&datav1.StageFinished{Run: "r", Stage: "in", Success: true, UnixNanos: 45},
	}
	for _, who := range []string{"a", "b"} {
		for p := range uint32(2) {
			for n := range uint32(3) {
				c := &datav1.Counts{RowsIn: 10, Valid: 9, Quarantined: 1}
				out = append(out,
					&datav1.SegmentDone{Run: "r", Stage: "keep", Partition: p, Segment: n, NextBatch: uint64(n+1) * 4, Counts: c, Replica: who, UnixNanos: int64(10 + n)},
					&datav1.SourceProgress{
						Run: "r", Stage: "in", Partition: p, Segment: n, Counts: &datav1.Counts{RowsIn: uint64(n+1) * 10, Valid: uint64(n+1) * 10}, Replica: who,
						UnixNanos: int64(10 + n),
					})
			}
			out = append(out, &datav1.PartitionDone{Run: "r", Stage: "in", Partition: p, Counts: &datav1.Counts{RowsIn: 30, Valid: 30}, Replica: who, UnixNanos: 30})
		}
		out = append(out, &datav1.StageTrouble{Run: "r", Stage: "keep", Trouble: &datav1.Trouble{Message: who}, UnixNanos: 33})
	}
	return out
}

func told(s *flow.State) string {
	out := fmt.Sprint(s.Attempt(), s.Ended(), s.Cancelled(), s.Failures(), s.Total(), s.Trouble("keep"), s.Finished("in"))
	for p := range uint32(2) {
		out += fmt.Sprint(s.Segments("keep", p), s.Reads("in", p), s.Done("in", p), s.Counts("keep", p))
	}
	return out
}

// The state of a run does not depend on the order in which its facts come, nor on how often: bus and replicas promise neither.
func TestTheFoldKnowsNoOrder(t *testing.T) {
	all := facts()
	in := flow.NewState()
	for _, f := range all {
		in.Apply(f)
	}
	want := told(in)
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		mixed := append(append([]proto.Message{}, all...), all[:random.IntN(len(all))]...)
		random.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		s := flow.NewState()
		for _, f := range mixed {
			s.Apply(f)
		}
		if got := told(s); got != want {
			t.Fatalf("seed %d: the state is\n%s\nwant\n%s", seed, got, want)
		}
	}
}

// What two replicas both say of a segment counts once, and a segment after one that is missing does not count yet.
func TestTheFoldCountsOnceAndWithoutHoles(t *testing.T) {
	s := flow.NewState()
	for _, f := range facts() {
		s.Apply(f)
	}
	if got := s.Counts("keep", 0).GetRowsIn(); got != 30 {
		t.Errorf("three segments of ten rows, said twice, are %d rows", got)
	}
	if s.Ended() != nil || s.Cancelled() != nil || len(s.Failures()) > 0 {
		t.Error("the second try is held to how the first ended")
	}
	s = flow.NewState()
	s.Apply(&datav1.SegmentDone{Stage: "keep", Segment: 0, Counts: &datav1.Counts{RowsIn: 1}})
	s.Apply(&datav1.SegmentDone{Stage: "keep", Segment: 2, Counts: &datav1.Counts{RowsIn: 1}})
	if got := len(s.Segments("keep", 0)); got != 1 {
		t.Errorf("%d segments stand, although the second is missing", got)
	}
}
