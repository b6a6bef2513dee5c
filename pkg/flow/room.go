package flow

import (
	"cmp"
	"context"
	"math"
	"slices"

	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

const (
	edgeSegments = 2   // segments of a partition that may be on their way between two stages: one is worked on, one comes
	headerBytes  = 512 // of a message on DATA, beside its batch
)

// Room on DATA is divided so that no stage can be kept from sending for ever. Two bounds do it, and both come from facts alone.
//
// Between two stages at most edgeSegments of a partition are on their way: who sends waits for the facts of who reads. A stage acknowledges a segment at a time, so it
// always has a whole one before it, or an empty edge behind it.
//
// Of all runs only so many partitions are begun that DATA has room for all of their edges. The last stage always goes on; so has the one before it room; and so on up
// to the source.

// segment is how many Arrow bytes a segment of a run has at most: the run may ask for less than the service's own, which bounds memory.
func (c Config) segment(run *datav1.Run) uint64 {
	own := uint64(c.SegmentBytes)
	if n := run.GetLimits().GetSegmentBytes(); n > 0 {
		return min(n, own)
	}
	return own
}

// edge is how many Arrow bytes of a partition are on their way between two stages when no more is sent.
func (c Config) edge(run *datav1.Run) uint64 { return edgeSegments * c.segment(run) }

// weight is what a partition of a run takes of DATA at most: an edge is filled, and a batch more.
func (c Config) weight(run *datav1.Run) uint64 {
	batch := max(uint64(c.BatchBytes), min(run.GetLimits().GetBatchBytes(), c.edge(run)))
	one := c.edge(run) + 2*batch + 3*c.perSegment()*headerBytes
	read := map[string]bool{}
	for _, s := range run.GetStages() {
		if s.GetFrom() != "" {
			read[s.GetFrom()] = true
		}
	}
	return uint64(len(read)) * one
}

// candidate is a partition of a run that is not done by all stages.
type candidate struct {
	run    string
	number uint32
	weight uint64
	begun  bool
	class  int
	turn   int // which one of its run it is
	since  int64
}

// admit says which partitions may be worked on: those that are begun, then by class one of each run, then the next of each, for as many as have room. One always has. The
// board's lock is held.
func (r *Runner) admit() map[string]map[uint32]bool {
	var all []candidate
	for id, s := range r.board.runs {
		if s.planned == nil || s.Ended() != nil {
			continue
		}
		all = append(all, s.candidates(id, r.cfg.weight(s.planned.GetRun()))...)
	}
	slices.SortFunc(all, func(a, b candidate) int {
		if a.begun != b.begun {
			return map[bool]int{true: -1, false: 1}[a.begun]
		}
		return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(a.turn, b.turn), cmp.Compare(a.since, b.since), cmp.Compare(a.run, b.run))
	})
	out, taken := map[string]map[uint32]bool{}, uint64(0)
	for _, c := range all {
		if taken += c.weight; taken > uint64(r.cfg.MaxBytes) && len(out) > 0 && !c.begun {
			break
		}
		if out[c.run] == nil {
			out[c.run] = map[uint32]bool{}
		}
		out[c.run][c.number] = true
	}
	return out
}

// candidates are the partitions of a run that some stage still works on.
func (s *State) candidates(id string, weight uint64) []candidate {
	var out []candidate
	for _, p := range s.planned.GetPartitions() {
		c := candidate{run: id, number: p.GetNumber(), weight: weight, class: s.class(), turn: len(out), since: s.planned.GetUnixNanos()}
		open := false
		for _, stage := range s.planned.GetRun().GetStages() {
			part := s.part(stage.GetName(), p.GetNumber())
			c.begun = c.begun || len(part.reads) > 0 || len(part.segments) > 0
			open = open || s.todo(stage.GetName(), p.GetNumber())
		}
		if open {
			out = append(out, c)
		}
	}
	return out
}

// taken is the number of the first batch of a stage's partition that not every stage after it has done; all numbers where none reads on.
func (s *State) taken(stage string, partition uint32) uint64 {
	n := uint64(math.MaxUint64)
	for _, after := range s.planned.GetRun().GetStages() {
		if after.GetFrom() != stage || !s.todo(after.GetName(), partition) {
			continue
		}
		own := uint64(0)
		if segments := s.Segments(after.GetName(), partition); len(segments) > 0 {
			own = segments[len(segments)-1].GetNextBatch()
		}
		n = min(n, own)
	}
	return n
}

// flight is what a publisher has sent of a partition and the stages after it have not done. It is used by one goroutine.
type flight struct {
	most   uint64                           // Arrow bytes
	guess  uint64                           // of a batch that was sent before this publisher came
	look   func() (uint64, <-chan struct{}) // the number of the first batch that is not done, and what is closed when that may have changed
	looked bool
	sizes  []uint64 // of batches from number first on
	first  uint64
	bytes  uint64 // sum of sizes
	before uint64 // of what was sent before, about
}

// sent counts a batch.
func (f *flight) sent(n uint64, size int) {
	if len(f.sizes) == 0 {
		f.first = n
	}
	f.sizes, f.bytes = append(f.sizes, uint64(size)), f.bytes+uint64(size)
}

// room returns when batch n may be sent.
func (f *flight) room(ctx context.Context, n uint64) error {
	for !f.looked || f.bytes+f.before >= f.most {
		done, changed := f.look()
		f.drop(done, n)
		if f.looked = true; f.bytes+f.before < f.most {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// drop forgets batches that are done; n is the next to be sent.
func (f *flight) drop(done, n uint64) {
	for len(f.sizes) > 0 && f.first < done {
		f.bytes -= f.sizes[0]
		f.sizes, f.first = f.sizes[1:], f.first+1
	}
	start := n
	if len(f.sizes) > 0 {
		start = f.first
	}
	f.before = f.guess * (start - min(start, done))
}
