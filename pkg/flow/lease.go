package flow

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/bus"
)

// errLost says that a lease may be another's.
var errLost = errors.New("the lease was lost")

// hold calls f while this replica has a lease, and says whether it got it. f's context ends with errLost as its cause when the lease may be another's.
func (r *Runner) hold(ctx context.Context, key string, f func(context.Context)) (bool, error) {
	revision, err := r.leases.Create(ctx, key, []byte(r.id))
	if errors.Is(err, jetstream.ErrKeyExists) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	ctx, lose := context.WithCancelCause(ctx)
	kept := make(chan uint64, 1)
	go func() { kept <- r.renew(ctx, key, revision, lose) }()
	f(ctx)
	lose(nil)
	revision = <-kept
	clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = r.leases.Delete(clean, key, jetstream.LastRevision(revision)) // the next one need not wait for it to expire
	return true, nil
}

// renew keeps a lease until ctx ends and returns its last revision. One that could not be renewed for as long as it lives is lost.
func (r *Runner) renew(ctx context.Context, key string, revision uint64, lose context.CancelCauseFunc) uint64 {
	tick := time.NewTicker(bus.LeaseTTL / 4)
	defer tick.Stop()
	for last := time.Now(); ; {
		select {
		case <-ctx.Done():
			return revision
		case <-tick.C:
		}
		try, cancel := context.WithTimeout(ctx, bus.LeaseTTL/4)
		next, err := r.leases.Update(try, key, []byte(r.id), revision)
		cancel()
		var refused *jetstream.APIError
		switch {
		case err == nil:
			revision, last = next, time.Now()
		case errors.As(err, &refused) && refused.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence, time.Since(last) > bus.LeaseTTL*3/4:
			lose(errLost)
			return revision
		}
	}
}
