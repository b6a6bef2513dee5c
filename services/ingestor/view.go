package ingestor

import (
	"strings"
	"time"

	"github.com/leathq/leat/pkg/flow"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
)

// phase is how a run stands, in the words of leat.ingestor.v1.
func phase(s *flow.State) string {
	if s.Ended() == nil {
		return "running"
	}
	return strings.ToLower(strings.TrimPrefix(s.Ended().GetOutcome().String(), "OUTCOME_"))
}

// view is a run's state; whole has its partitions one by one.
func view(s *flow.State, whole bool) *ingestorv1.RunState {
	plan, end := s.Planned(), s.Ended()
	out := &ingestorv1.RunState{
		Run: plan.GetRun(), Phase: phase(s), Attempt: s.Attempt(), Counts: s.Total(), Version: end.GetVersion(), Troubles: end.GetTroubles(),
		PlannedUnixNanos: plan.GetUnixNanos(), EndedUnixNanos: end.GetUnixNanos(), Class: plan.GetClass(), Known: plan.GetKnown(),
	}
	for _, p := range plan.GetPartitions() {
		out.InputBytes += p.GetBytes()
		out.InputRows += p.GetRows()
	}
	if end == nil {
		for _, f := range s.Failures() {
			out.Troubles = append(out.Troubles, f.GetTrouble())
		}
	}
	for _, stage := range plan.GetRun().GetStages() {
		out.Stages = append(out.Stages, stageView(s, stage.GetName(), whole))
	}
	return out
}

func stageView(s *flow.State, stage string, whole bool) *ingestorv1.StageState {
	partitions := s.Planned().GetPartitions()
	out := &ingestorv1.StageState{Name: stage, Counts: s.StageCounts(stage), Partitions: uint32(len(partitions)), Finished: s.Finished(stage)}
	if s.Ended() == nil && out.Finished == nil {
		out.Trouble = current(s.Trouble(stage))
	}
	for _, p := range partitions {
		c, done, failed := s.Counts(stage, p.GetNumber()), s.Done(stage, p.GetNumber()), s.Failed(stage, p.GetNumber())
		if done != nil {
			out.Done++
		}
		if whole {
			out.States = append(out.States, &ingestorv1.PartitionState{
				Number: p.GetNumber(), Counts: c, Done: done != nil, Failed: failed.GetTrouble(), Replica: heard(s, stage, p.GetNumber()),
			})
		}
	}
	return out
}

// current is a trouble, unless it was that nobody worked on the stage, and nobody has said so again.
func current(t *datav1.StageTrouble) *datav1.Trouble {
	if t.GetTrouble().GetCode() == flow.NoReplica && time.Since(time.Unix(0, t.GetUnixNanos())) > flow.SaidFor {
		return nil
	}
	return t.GetTrouble()
}

// heard is who said something of a partition last.
func heard(s *flow.State, stage string, partition uint32) string {
	if d := s.Done(stage, partition); d != nil {
		return d.GetReplica()
	}
	if f := s.Failed(stage, partition); f != nil {
		return f.GetReplica()
	}
	if reads := s.Reads(stage, partition); len(reads) > 0 {
		return reads[len(reads)-1].GetReplica()
	}
	if segments := s.Segments(stage, partition); len(segments) > 0 {
		return segments[len(segments)-1].GetReplica()
	}
	return ""
}
