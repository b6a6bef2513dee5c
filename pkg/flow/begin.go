package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/events"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// begin does a job if there is room and its lease is free.
func (r *Runner) begin(ctx context.Context, j job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.active[j.lease] != nil || time.Now().Before(r.not[j.lease]) || j.kind != "" && r.busy[j.kind] >= r.cfg.Partitions {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	r.active[j.lease] = cancel
	r.busy[j.kind]++
	r.work.Go(func() {
		defer cancel()
		wait := r.attempt(ctx, j)
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.active, j.lease)
		r.busy[j.kind]--
		r.not[j.lease] = time.Now().Add(wait)
	})
}

// attempt does a job if nobody else does, and says after what time it may be looked at again.
func (r *Runner) attempt(ctx context.Context, j job) (wait time.Duration) {
	got, err := r.hold(ctx, j.lease, func(ctx context.Context) {
		err := r.board.current(ctx, r.Bus.JetStream(), j.place.Run.GetId())
		if err == nil {
			err = j.do(ctx, j)
		}
		wait = r.ended(ctx, j, err)
	})
	if err != nil && ctx.Err() == nil {
		r.Log.Debug("lease not taken", "lease", j.lease, "error", err)
	}
	if !got {
		return heldFor
	}
	return wait
}

// errYield says that a partition has nothing to be done for now.
var errYield = errors.New("nothing arrives")

// ended judges how a job went.
func (r *Runner) ended(ctx context.Context, j job, err error) time.Duration {
	switch {
	case err == nil:
		r.failures(j, false)
		return 0
	case errors.Is(err, errYield):
		return heldFor
	case ctx.Err() != nil:
		return 0
	}
	tries := r.failures(j, true)
	var final *Error
	if errors.As(err, &final) && j.place.Stage != nil {
		r.failures(j, false)
		r.failed(ctx, j, final)
		return heldFor
	}
	r.Log.Warn("data run held up", "lease", j.lease, "tries", tries, "error", err)
	if j.place.Stage != nil {
		r.troubled(ctx, j, tries, err)
	}
	return min(r.retryFirst<<min(tries-1, 10), retryMost)
}

// last is the error of something that is tried a number of times and not for ever, as nobody would see that it never ends: after the last try it is final. Whoever
// mends the cause resumes the run.
func (r *Runner) last(j job, code string, err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if final := (*Error)(nil); errors.As(err, &final) || r.tries[j.lease]+1 < r.finishTries {
		return err
	}
	return &Error{Code: code, Message: fmt.Sprintf("%s was tried %d times, the last time: %v; mend that and resume the run", what(j), r.finishTries, err)}
}

func what(j job) string {
	switch {
	case j.place.Stage == nil:
		return "publishing the dataset of run " + j.place.Run.GetId()
	case j.place.Partition != nil:
		return fmt.Sprintf("reading partition %d for stage %s", j.place.Partition.GetNumber(), j.place.Stage.GetName())
	}
	return "judging stage " + j.place.Stage.GetName()
}

// failures counts how often a job failed in a row.
func (r *Runner) failures(j job, failed bool) uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !failed {
		delete(r.tries, j.lease)
		return 0
	}
	r.tries[j.lease]++
	return r.tries[j.lease]
}

// troubled says that something is tried again.
func (r *Runner) troubled(ctx context.Context, j job, tries uint32, err error) {
	t := &datav1.StageTrouble{
		Run: j.place.Run.GetId(), Stage: j.place.Stage.GetName(), Partition: j.place.Partition.GetNumber(), Tries: tries, Replica: r.id,
		UnixNanos: time.Now().UnixNano(), Trouble: &datav1.Trouble{Code: codeOf(err), Message: err.Error()},
	}
	id := fmt.Sprintf("%s.trouble.%s.%d", j.lease, r.id, t.GetUnixNanos())
	if err := r.say(ctx, events.StageTrouble.Name(t.GetRun()), id, t); err != nil {
		r.Log.Debug("trouble not said", "error", err)
	}
}

func (r *Runner) failed(ctx context.Context, j job, e *Error) {
	f := &datav1.PartitionFailed{
		Run: j.place.Run.GetId(), Stage: j.place.Stage.GetName(), Partition: j.place.Partition.GetNumber(), Replica: r.id, UnixNanos: time.Now().UnixNano(),
		Trouble: &datav1.Trouble{Code: e.Code, Message: e.Message}, Objects: e.kept, WholeStage: j.place.Partition == nil,
	}
	r.board.look(f.GetRun(), func(s *State) { f.Attempt = s.Attempt() })
	if err := r.say(ctx, events.PartitionFailed.Name(f.GetRun()), fmt.Sprintf("%s.failed.%d", j.lease, f.GetAttempt()), f); err != nil {
		r.Log.Warn("failure of a partition not said", "lease", j.lease, "error", err)
	}
}

func codeOf(err error) string {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Code
	case errors.Is(err, blob.ErrNoSpace):
		return "no_space"
	}
	return "unavailable"
}

// say stores a fact.
func (r *Runner) say(ctx context.Context, subject, id string, m proto.Message) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return r.Bus.PublishFact(ctx, subject, id, r.id, time.Now(), m)
}
