package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/events"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

const (
	// NoReplica is the code of the trouble that nobody works on a stage to which batches have come.
	NoReplica = "no_replica"
	// absentFor is how long nobody has a lease on a stage before that is said: longer than one that a dead replica had lives.
	absentFor = 10 * time.Second
	// SaidFor is how long the trouble NoReplica holds. It is said again while that is so, and nobody takes it back.
	SaidFor = 90 * time.Second
)

// unheld is a partition of a stage on which perhaps nobody works.
type unheld struct {
	kind      string
	partition uint32 // that waits
}

// absences says of stages that nobody works on them, where batches wait for them: without that a run that lacks a service would wait without a word. It says of runs, too,
// that their facts are going. It is the sources' replicas that do, until ctx ends.
func (r *Runner) absences(ctx context.Context) {
	since := map[[2]string]time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(r.absentFor / 4):
		}
		still := map[[2]string]time.Time{}
		for key, parts := range r.waiting() {
			if held, err := r.anyHeld(ctx, key, parts); held || err != nil {
				continue
			}
			first, seen := since[key]
			if !seen {
				first = time.Now()
			}
			if still[key] = first; time.Since(first) >= r.absentFor {
				r.sayAbsent(ctx, key, parts[0])
			}
		}
		since = still
		r.forgotten(ctx)
	}
}

// waiting are the stages of runs under way, by run and name, with their partitions to which batches have come and that are not done.
func (r *Runner) waiting() map[[2]string][]unheld {
	out := map[[2]string][]unheld{}
	r.board.each(func(id string, s *State) {
		if s.planned == nil || s.Over() || len(s.Failures()) > 0 {
			return
		}
		for _, stage := range s.planned.GetRun().GetStages() {
			for _, p := range s.planned.GetPartitions() {
				n := p.GetNumber()
				if stage.GetFrom() != "" && s.todo(stage.GetName(), n) && s.Counts(stage.GetFrom(), n).GetBatches() > 0 {
					key := [2]string{id, stage.GetName()}
					out[key] = append(out[key], unheld{stage.GetKind(), n})
				}
			}
		}
	})
	return out
}

// anyHeld says whether somebody has a lease on one of a stage's partitions.
func (r *Runner) anyHeld(ctx context.Context, key [2]string, parts []unheld) (bool, error) {
	for _, p := range parts {
		_, err := r.leases.Get(ctx, events.DataLease(key[0], key[1], fmt.Sprint(p.partition)))
		if err == nil || !errors.Is(err, jetstream.ErrKeyNotFound) {
			return err == nil, err
		}
	}
	return false, nil
}

func (r *Runner) sayAbsent(ctx context.Context, key [2]string, p unheld) {
	r.warn(ctx, &datav1.StageTrouble{Run: key[0], Stage: key[1], Partition: p.partition, Trouble: &datav1.Trouble{
		Code: NoReplica, Message: fmt.Sprintf("nobody works on stage %s, of kind %s: start the service that does, on this NATS; where one runs, it is busy with other runs", key[1], p.kind),
	}})
}

// warn says a trouble of which any replica can know, unless somebody has said it not long ago.
func (r *Runner) warn(ctx context.Context, t *datav1.StageTrouble) {
	now := time.Now()
	said := time.Time{}
	r.board.look(t.GetRun(), func(s *State) {
		if have := s.Trouble(t.GetStage()); have.GetTrouble().GetCode() == t.GetTrouble().GetCode() {
			said = time.Unix(0, have.GetUnixNanos())
		}
	})
	if now.Sub(said) < SaidFor*2/3 {
		return
	}
	t.Replica, t.UnixNanos = r.id, now.UnixNano()
	id := fmt.Sprintf("%s.%s.%d", events.DataLease(t.GetRun(), t.GetStage()), t.GetTrouble().GetCode(), now.Unix()/int64(SaidFor.Seconds()/3)) // several replicas say it once
	if err := r.say(ctx, events.StageTrouble.Name(t.GetRun()), id, t); err != nil {
		r.Log.Debug("trouble not said", "code", t.GetTrouble().GetCode(), "error", err)
	}
}
