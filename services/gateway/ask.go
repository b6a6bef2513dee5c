package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/events"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// ask puts a question about tokens to any worker of a pool.
func (l *link) ask(ctx context.Context, pool string, q *inferv1.Ask) (*inferv1.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if size := proto.Size(q); l.bus.TooLarge(size) {
		data, err := proto.Marshal(q)
		if err != nil {
			return nil, fmt.Errorf("encode question: %w", err)
		}
		claim, err := l.bus.PutClaim(ctx, data)
		if err != nil {
			return nil, errs.New(errs.Unavailable, "claim_failed",
				"A text of %d bytes could not be handed over. Try again; operator: is NATS's JetStream up, with room on its disk?", size).Because(err)
		}
		q = &inferv1.Ask{Model: q.GetModel(), Claim: claim}
		defer func() { go l.drop([]*inferv1.Claim{claim}) }()
	}
	a := &inferv1.Answer{}
	if err := l.bus.Request(ctx, events.Asks.Name(pool), q, a); err != nil {
		if errors.Is(err, context.Canceled) {
			return nil, errs.New(errs.Canceled, "client_closed", "The client left.").Because(err)
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, errs.New(errs.Timeout, "worker_timeout", "No worker of pool %s answered in time. Try again; operator: look at `leat status`.", pool).Because(err)
		}
		return nil, errs.New(errs.Unavailable, "no_worker", "No worker of pool %s answered. Operator: look at `leat status`.", pool).Because(err)
	}
	if c := a.GetClaim(); c != nil {
		if err := l.bus.GetClaim(ctx, c, 1<<30, a); err != nil {
			return nil, fmt.Errorf("fetch answer: %w", err)
		}
		go l.drop([]*inferv1.Claim{c})
	}
	if a.GetError() != nil {
		return nil, errs.FromProto(a.GetError())
	}
	return a, nil
}

// drop deletes payloads that nobody needs any more. What it cannot delete expires by itself.
func (l *link) drop(claims []*inferv1.Claim) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, c := range claims {
		if err := l.bus.DropClaim(ctx, c); err != nil {
			l.g.log.Warn("claim not deleted; it expires by itself", "object", c.GetObject(), "error", err)
		}
	}
}
