package flow

import (
	"bytes"
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// State is the fold of a run's facts: the same facts give the same state, in whatever order they come and however often. It is not safe for
// concurrent use.
type State struct {
	planned   *datav1.RunPlanned
	attempt   uint32
	parts     map[part]*progress
	finished  map[string]*datav1.StageFinished
	troubles  map[string]*datav1.StageTrouble // the latest of each stage
	ended     map[uint32]*datav1.RunEnded
	cancelled map[uint32]*datav1.RunCancelled
}

// part names a partition of a stage.
type part struct {
	stage     string
	partition uint32
}

// progress is what is known of a part.
type progress struct {
	segments map[uint32]*datav1.SegmentDone
	reads    map[uint32]*datav1.SourceProgress
	done     map[uint32]*datav1.PartitionDone // by try
	failed   map[uint32]*datav1.PartitionFailed
}

// NewState is that of a run of which nothing is known.
func NewState() *State {
	return &State{
		parts: map[part]*progress{}, finished: map[string]*datav1.StageFinished{}, troubles: map[string]*datav1.StageTrouble{},
		ended: map[uint32]*datav1.RunEnded{}, cancelled: map[uint32]*datav1.RunCancelled{},
	}
}

// fact is any of the messages that Apply knows.
type fact interface {
	proto.Message
	GetUnixNanos() int64
}

// Apply takes in a fact; what is none of a data run is ignored. The state keeps it.
func (s *State) Apply(m proto.Message) {
	switch f := m.(type) {
	case *datav1.RunPlanned:
		s.planned = first(s.planned, f)
	case *datav1.RunResumed:
		s.attempt = max(s.attempt, f.GetAttempt())
	case *datav1.SourceProgress:
		p := s.part(f.GetStage(), f.GetPartition())
		p.reads[f.GetSegment()] = first(p.reads[f.GetSegment()], f)
	case *datav1.SegmentDone:
		p := s.part(f.GetStage(), f.GetPartition())
		p.segments[f.GetSegment()] = first(p.segments[f.GetSegment()], f)
	case *datav1.PartitionDone:
		p := s.part(f.GetStage(), f.GetPartition())
		p.done[f.GetAttempt()] = first(p.done[f.GetAttempt()], f)
	case *datav1.PartitionFailed:
		p := s.part(f.GetStage(), failedPart(f))
		p.failed[f.GetAttempt()] = first(p.failed[f.GetAttempt()], f)
	case *datav1.StageTrouble:
		s.troubles[f.GetStage()] = last(s.troubles[f.GetStage()], f)
	case *datav1.StageFinished:
		s.finished[f.GetStage()] = first(s.finished[f.GetStage()], f)
	case *datav1.RunEnded:
		s.ended[f.GetAttempt()] = first(s.ended[f.GetAttempt()], f)
	case *datav1.RunCancelled:
		s.cancelled[f.GetAttempt()] = first(s.cancelled[f.GetAttempt()], f)
	}
}

// wholeStage stands where a partition's number does, for what is said of all of a stage.
const wholeStage = math.MaxUint32

func failedPart(f *datav1.PartitionFailed) uint32 {
	if f.GetWholeStage() {
		return wholeStage
	}
	return f.GetPartition()
}

func (s *State) part(stage string, partition uint32) *progress {
	k := part{stage, partition}
	p := s.parts[k]
	if p == nil {
		p = &progress{
			segments: map[uint32]*datav1.SegmentDone{}, reads: map[uint32]*datav1.SourceProgress{}, failed: map[uint32]*datav1.PartitionFailed{},
			done: map[uint32]*datav1.PartitionDone{},
		}
		s.parts[k] = p
	}
	return p
}

// first is the earlier of two facts that say the same. Where their times are equal their bytes decide, so that the order in which they came does
// not.
func first[F interface {
	comparable
	fact
}](have, f F,
) F {
	var none F
	if have == none || before(f, have) {
		return f
	}
	return have
}

func last[F interface {
	comparable
	fact
}](have, f F,
) F {
	var none F
	if have == none || before(have, f) {
		return f
	}
	return have
}

func before(a, b fact) bool {
	if a.GetUnixNanos() != b.GetUnixNanos() {
		return a.GetUnixNanos() < b.GetUnixNanos()
	}
	encode := proto.MarshalOptions{Deterministic: true}
	x, _ := encode.Marshal(a)
	y, _ := encode.Marshal(b)
	return bytes.Compare(x, y) < 0
}

// Planned is the run's plan, or nil.
func (s *State) Planned() *datav1.RunPlanned { return s.planned }

// Attempt is which try of the run this is.
func (s *State) Attempt() uint32 { return s.attempt }

// Ended is how this try of the run ended, or nil. One that is complete, invalid or skipped cannot be tried again.
func (s *State) Ended() *datav1.RunEnded { return s.ended[s.attempt] }

// Cancelled says who cancelled this try, or nil.
func (s *State) Cancelled() *datav1.RunCancelled { return s.cancelled[s.attempt] }

// Over says whether nothing more happens in this try.
func (s *State) Over() bool { return s.Ended() != nil || s.Cancelled() != nil }

// Segments are those of a partition that are done, from the first to before the first that is not.
func (s *State) Segments(stage string, partition uint32) []*datav1.SegmentDone {
	return prefix(s.part(stage, partition).segments)
}

// Reads are a source's progress, in order, from the first to before the first that is not there.
func (s *State) Reads(stage string, partition uint32) []*datav1.SourceProgress {
	return prefix(s.part(stage, partition).reads)
}

func prefix[F any](by map[uint32]F) []F {
	out := make([]F, 0, len(by))
	for n := range uint32(len(by)) {
		f, ok := by[n]
		if !ok {
			break
		}
		out = append(out, f)
	}
	return out
}

// Done says what a partition of a stage came to, or nil.
func (s *State) Done(stage string, partition uint32) *datav1.PartitionDone {
	done := s.part(stage, partition).done
	for n := range s.attempt + 1 {
		if d := done[n]; d != nil {
			return d
		}
	}
	return nil
}

// Failed says why a partition of a stage cannot be done in this try, or nil.
func (s *State) Failed(stage string, partition uint32) *datav1.PartitionFailed {
	return s.part(stage, partition).failed[s.attempt]
}

// Finished is a stage's judgement, or nil.
func (s *State) Finished(stage string) *datav1.StageFinished { return s.finished[stage] }

// Trouble is what a stage tried again last, or nil.
func (s *State) Trouble(stage string) *datav1.StageTrouble { return s.troubles[stage] }

// Failures are the failed partitions of this try, by stage and number, each stage's own failure last.
func (s *State) Failures() []*datav1.PartitionFailed {
	var out []*datav1.PartitionFailed
	for _, stage := range s.planned.GetRun().GetStages() {
		for _, p := range s.planned.GetPartitions() {
			if f := s.Failed(stage.GetName(), p.GetNumber()); f != nil {
				out = append(out, f)
			}
		}
		if f := s.Failed(stage.GetName(), wholeStage); f != nil {
			out = append(out, f)
		}
	}
	return out
}

// Counts are the rows of a partition of a stage so far.
func (s *State) Counts(stage string, partition uint32) *datav1.Counts {
	if d := s.Done(stage, partition); d != nil {
		return d.GetCounts()
	}
	if reads := s.Reads(stage, partition); len(reads) > 0 {
		return reads[len(reads)-1].GetCounts()
	}
	sum := &datav1.Counts{}
	for _, d := range s.Segments(stage, partition) {
		add(sum, d.GetCounts())
	}
	return sum
}

// StageDone says whether all partitions of a stage are.
func (s *State) StageDone(stage string) bool {
	return !slices.ContainsFunc(s.planned.GetPartitions(), func(p *datav1.Partition) bool { return s.Done(stage, p.GetNumber()) == nil })
}

func add(sum, c *datav1.Counts) {
	sum.RowsIn += c.GetRowsIn()
	sum.Valid += c.GetValid()
	sum.Quarantined += c.GetQuarantined()
	sum.Refused += c.GetRefused()
	sum.Batches += c.GetBatches()
	sum.Bytes += c.GetBytes()
}
