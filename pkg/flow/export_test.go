package flow

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// For tests of what comes from the bus.
var (
	ReadFact = readFact
	Number   = number
	Incoming = incoming
)

// TryFast makes what is tried a number of times be tried three times, one right after the other.
func (r *Runner) TryFast() { r.retryFirst, r.finishTries = time.Millisecond, 3 }

// MissAfter is how long nobody works on a stage before that is said.
func (r *Runner) MissAfter(d time.Duration) { r.absentFor = d }

// GapMost is how long a batch may not come that was sent.
func (r *Runner) GapMost(d time.Duration) { r.gapMost = d }

// KeepEnded is how many runs that have ended are kept.
func (r *Runner) KeepEnded(n int) {
	r.board.mu.Lock()
	defer r.board.mu.Unlock()
	r.board.keep = n
}

// Carrier takes messages as a stage does for a partition of a run, and never ends a segment by itself.
func (r *Runner) Carrier(p Place) func(context.Context, jetstream.Msg) error {
	w := &carrying{r: r, j: job{place: p}, total: &datav1.Counts{}, out: r.publisher(p, 0)}
	return func(ctx context.Context, m jetstream.Msg) error {
		_, err := w.message(ctx, m)
		return err
	}
}

// SweepPlans removes large plans that are older than a time.
func (r *Runner) SweepPlans(ctx context.Context, before time.Time) error {
	return r.sweepPlans(ctx, before)
}
