package flow

import (
	"context"
	"fmt"

	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// books says where the rows of a run do not add up: for every stage's partition in = valid + quarantined + refused, and what a stage got is what the one
// before it let through.
func (s *State) books() []*datav1.Trouble {
	var out []*datav1.Trouble
	wrong := func(format string, args ...any) {
		out = append(out, &datav1.Trouble{Code: "books", Message: fmt.Sprintf(format, args...)})
	}
	for _, stage := range s.planned.GetRun().GetStages() {
		for _, p := range s.planned.GetPartitions() {
			c := s.Counts(stage.GetName(), p.GetNumber())
			if unbalanced(c) {
				wrong("partition %d of stage %s has %d rows in and %d valid + %d quarantined + %d refused out; nothing was published: please report this",
					p.GetNumber(), stage.GetName(), c.GetRowsIn(), c.GetValid(), c.GetQuarantined(), c.GetRefused())
			}
			if stage.GetFrom() == "" {
				continue
			}
			if before := s.Counts(stage.GetFrom(), p.GetNumber()); before.GetValid() != c.GetRowsIn() {
				wrong("stage %s let %d rows of partition %d through and stage %s got %d; nothing was published: please report this",
					stage.GetFrom(), before.GetValid(), p.GetNumber(), stage.GetName(), c.GetRowsIn())
			}
		}
	}
	return out
}

// bounded refuses more bad rows than a run may have, refused and quarantined ones together, in all that is said of it so far.
func (r *Runner) bounded(ctx context.Context, p Place) error {
	l := p.Run.GetLimits()
	if l == nil || l.MaxBad == nil && l.MaxBadShare == nil {
		return nil
	}
	if err := r.board.current(ctx, r.Bus.JetStream(), p.Run.GetId()); err != nil {
		return err
	}
	var bad, all uint64
	r.board.look(p.Run.GetId(), func(s *State) {
		c := s.Total()
		bad, all = c.GetQuarantined()+c.GetRefused(), c.GetRowsIn()
	})
	if l.MaxBad != nil && bad > l.GetMaxBad() || l.MaxBadShare != nil && float64(bad) > l.GetMaxBadShare()*float64(all) {
		return &Error{Code: "too_many_bad", Message: fmt.Sprintf("%d of %d rows of run %s are bad, more than limits.max_bad or max_bad_share allow; the facts of its segments name the files that have them with their reasons: mend the rows, or allow more, and run again",
			bad, all, p.Run.GetId())}
	}
	return nil
}

// summary gathers what the end of a run needs. Its rows in are the sources', and each row that fell out on the way is counted where it did.
func (s *State) summary() Summary {
	out := Summary{
		Planned: s.planned, Finished: map[string]*datav1.StageFinished{}, Segments: map[string][][]*datav1.SegmentDone{},
		Reads: map[string][][]*datav1.SourceProgress{}, Success: true, Counts: s.Total(),
	}
	for _, stage := range s.planned.GetRun().GetStages() {
		name := stage.GetName()
		out.Finished[name] = s.Finished(name)
		out.Success = out.Success && s.Finished(name).GetSuccess()
		for _, p := range s.planned.GetPartitions() {
			out.Segments[name] = append(out.Segments[name], s.Segments(name, p.GetNumber()))
			out.Reads[name] = append(out.Reads[name], s.Reads(name, p.GetNumber()))
		}
	}
	return out
}

// skipped says that a gate found nothing wrong, but too little to go on with.
func (s *Summary) skipped() bool {
	for _, f := range s.Finished {
		for _, v := range f.GetVerdicts() {
			if v.GetStatus() == "skip" {
				return true
			}
		}
	}
	return false
}

// Total are the rows of the run so far: what sources read, what fell out at any stage, and what the last stage let through. They are those of the line of
// stages that ends in the last one.
func (s *State) Total() *datav1.Counts {
	out := &datav1.Counts{}
	stages := s.planned.GetRun().GetStages()
	if len(stages) == 0 {
		return out
	}
	name := stages[len(stages)-1].GetName()
	for at, final := name, true; at != ""; final = false {
		from := ""
		for _, stage := range stages {
			if stage.GetName() == at {
				from = stage.GetFrom()
			}
		}
		for _, p := range s.planned.GetPartitions() {
			c := s.Counts(at, p.GetNumber())
			out.Quarantined, out.Refused = out.GetQuarantined()+c.GetQuarantined(), out.GetRefused()+c.GetRefused()
			if final {
				out.Valid += c.GetValid()
			}
			if from == "" {
				out.RowsIn, out.Batches, out.Bytes = out.GetRowsIn()+c.GetRowsIn(), out.GetBatches()+c.GetBatches(), out.GetBytes()+c.GetBytes()
			}
		}
		at = from
	}
	return out
}

// StageCounts are the rows of a stage so far.
func (s *State) StageCounts(stage string) *datav1.Counts {
	sum := &datav1.Counts{}
	for _, p := range s.planned.GetPartitions() {
		add(sum, s.Counts(stage, p.GetNumber()))
	}
	return sum
}
