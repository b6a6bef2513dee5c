package flow

import (
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// need is the number of the first batch of a stage's partition that some stage after it still has to get; all is true where none has to. What was on
// DATA when a run ended is gone, so a later try sends again from there.
func (s *State) need(stage string, partition uint32) (n uint64, all bool) {
	n, all = 0, true
	for _, after := range s.planned.GetRun().GetStages() {
		if after.GetFrom() != stage {
			continue
		}
		at, done := s.need(after.GetName(), partition)
		if s.Done(after.GetName(), partition) == nil {
			own := uint64(0)
			if segments := s.Segments(after.GetName(), partition); len(segments) > 0 {
				own = segments[len(segments)-1].GetNextBatch()
			}
			if done || own < at {
				at = own
			}
			done = false
		}
		if !done && (all || at < n) {
			n, all = at, false
		}
	}
	return n, all
}

// todo says whether a partition of a stage is to be worked on in this try.
func (s *State) todo(stage string, partition uint32) bool {
	if s.Failed(stage, partition) != nil || s.part(stage, partition).done[s.attempt] != nil {
		return false
	}
	if s.Done(stage, partition) == nil {
		return true
	}
	_, all := s.need(stage, partition)
	return !all
}

// standing is where a stage that reads batches goes on with a partition: its segments that stand.
func (s *State) standing(stage string, partition uint32) []*datav1.SegmentDone {
	segments := s.Segments(stage, partition)
	if n, all := s.need(stage, partition); s.attempt > 0 && !all {
		for len(segments) > 0 && segments[len(segments)-1].GetNextBatch() > n {
			segments = segments[:len(segments)-1]
		}
	}
	return segments
}

// sent is where a source goes on with a partition.
func (s *State) sent(stage string, partition uint32) []*datav1.SourceProgress {
	reads := s.Reads(stage, partition)
	if n, all := s.need(stage, partition); s.attempt > 0 && !all {
		for len(reads) > 0 && reads[len(reads)-1].GetCounts().GetBatches() > n {
			reads = reads[:len(reads)-1]
		}
	}
	return reads
}
