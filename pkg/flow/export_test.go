package flow

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"

	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// For tests of what comes from the bus.
var (
	ReadFact = readFact
	Number   = number
	Incoming = incoming
)

// Carrier takes messages as a stage does for a partition of a run, and never ends a segment by itself.
func (r *Runner) Carrier(p Place) func(context.Context, jetstream.Msg) error {
	w := &carrying{r: r, j: job{place: p}, total: &datav1.Counts{}, out: r.publisher(p, 0)}
	return func(ctx context.Context, m jetstream.Msg) error {
		_, err := w.message(ctx, m)
		return err
	}
}
