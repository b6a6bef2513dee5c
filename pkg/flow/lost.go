package flow

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/events"
)

// batchesLost is the code of a partition whose next batch is gone from DATA, as after a power failure of a server that had not synced it. Whoever resumes the run has it
// sent again.
const batchesLost = "batches_lost"

// stood is how many messages of a stage's partition, its closing included, the facts say that DATA has taken in this try.
func (s *State) stood(stage string, partition uint32) uint64 {
	if d := s.part(stage, partition).done[s.attempt]; d != nil {
		return d.GetCounts().GetBatches() + 1
	}
	if s.attempt > 0 { // what tries before say was on DATA is gone
		return 0
	}
	return s.Counts(stage, partition).GetBatches()
}

// missed says whether the batch that comes next was on DATA and is there no more: nothing else could tell, and the partition would wait for ever. quiet says that nothing
// has come for a while; otherwise it is larger numbers that come, again and again.
func (w *carrying) missed(ctx context.Context, quiet bool) (bool, error) {
	run, stage, partition := w.j.place.Run.GetId(), w.j.place.Stage, w.j.place.Partition.GetNumber()
	stood := uint64(0)
	w.r.board.look(run, func(s *State) { stood = s.stood(stage.GetFrom(), partition) }) // before the consumer is asked
	if stood <= w.next {
		return false, nil
	}
	info, err := w.in.Info(ctx)
	if err != nil {
		return false, fmt.Errorf("ask after the batches of %s: %w", w.j.lease, err)
	}
	w.mu.Lock()
	others := info.NumAckPending - len(w.held) // that another replica had, and that come again
	w.mu.Unlock()
	if info.NumPending > 0 && info.NumAckPending < info.Config.MaxAckPending || quiet && others > 0 {
		return false, nil
	}
	if err := w.r.board.current(ctx, w.r.Bus.JetStream(), run); err != nil {
		return false, err
	}
	w.r.board.look(run, func(s *State) { // another replica may have gone on with it
		segments := s.standing(stage.GetName(), partition)
		if s.Over() || !s.todo(stage.GetName(), partition) || len(segments) > 0 && segments[len(segments)-1].GetNextBatch() > w.stands {
			err = errYield
		}
	})
	return err == nil, err
}

// lost is the error of a partition whose next batch is gone.
func (w *carrying) lost() error {
	return &Error{Code: batchesLost, Message: fmt.Sprintf("batch %d of partition %d, which stage %s had sent, is gone from the stream %s: NATS has lost it, as a power failure may do where it syncs late; resume the run, which sends it again",
		w.next, w.j.place.Partition.GetNumber(), w.j.place.Stage.GetFrom(), events.DataStream)}
}

// open finds the consumer of a partition. One that is gone takes its batches with it, unless its run is about to end.
func (w *carrying) open(ctx context.Context) (err error) {
	run, stage, partition := w.j.place.Run.GetId(), w.j.place.Stage.GetName(), w.j.place.Partition.GetNumber()
	w.in, err = w.r.bulk.Consumer(ctx, events.DataStream, consumerName(run, stage, partition))
	if err == nil {
		return nil
	}
	err = fmt.Errorf("open the batches of %s: %w", w.j.lease, err)
	if !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return err
	}
	if err := w.r.board.current(ctx, w.r.Bus.JetStream(), run); err != nil {
		return err
	}
	ending := false
	w.r.board.look(run, func(s *State) { ending = s.Over() || len(s.Failures()) > 0 })
	if ending {
		return errYield
	}
	return w.r.last(w.j, batchesLost, err)
}
