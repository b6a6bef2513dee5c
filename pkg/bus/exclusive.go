package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// exclusivePoll is how often a key that somebody holds is tried again.
const exclusivePoll = 20 * time.Millisecond

// ErrNoExclusion says that the lease bucket could not be asked: f has not been called.
var ErrNoExclusion = errors.New("the lease bucket does not answer")

// ErrTurnLost says that f took longer than a lease lives, or that the bucket was lost: somebody else may have had the turn,
// and what f did must be undone.
var ErrTurnLost = errors.New("the turn was lost")

// Exclusively calls f while nobody else calls Exclusively with the same key of the lease bucket, and waits for its turn
// before. What a process holds that dies within f is free after LeaseTTL. ErrTurnLost comes although f succeeded.
func (b *Bus) Exclusively(ctx context.Context, cfg Config, key string, f func() error) error {
	kv, err := b.js.KeyValue(ctx, LeaseBucket) // not Leases, which would set the number of replicas anew
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = b.leases(ctx, cfg, b.js.CreateKeyValue) // only made: to change it is the routers'
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoExclusion, err)
	}
	turn, err := await(ctx, kv, key)
	if err != nil {
		return fmt.Errorf("%w: take %s: %w", ErrNoExclusion, key, err)
	}
	err = f()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second) // the next one should not wait for it to expire
	defer cancel()
	if gone := kv.Delete(ctx, key, jetstream.LastRevision(turn)); gone != nil && err == nil {
		return fmt.Errorf("%w: give %s back: %w", ErrTurnLost, key, gone)
	}
	return err
}

// await makes a key once nobody has it, and returns its revision.
func await(ctx context.Context, kv jetstream.KeyValue, key string) (uint64, error) {
	tick := time.NewTicker(exclusivePoll)
	defer tick.Stop()
	for {
		revision, err := kv.Create(ctx, key, nil)
		if !errors.Is(err, jetstream.ErrKeyExists) {
			return revision, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}
