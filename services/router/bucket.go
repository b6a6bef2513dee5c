package router

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// openBucket opens the lease bucket, makes it where there is none, and watches it.
func (o *ownership) openBucket(ctx context.Context) (jetstream.KeyWatcher, error) {
	kv, err := o.r.bus.Leases(ctx, o.r.nats)
	if err != nil {
		return nil, err
	}
	made, err := born(ctx, kv)
	if err != nil {
		return nil, fmt.Errorf("look at the lease bucket: %w", err)
	}
	watch, err := kv.Watch(ctx, "router.>")
	if err != nil {
		return nil, fmt.Errorf("watch leases: %w", err)
	}
	o.mu.Lock()
	o.kv, o.made = kv, made
	o.mu.Unlock()
	return watch, nil
}

// bucket is the present lease bucket.
func (o *ownership) bucket() jetstream.KeyValue {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.kv
}

// born is when a bucket was made.
func born(ctx context.Context, kv jetstream.KeyValue) (time.Time, error) {
	st, err := kv.Status(ctx)
	if err != nil {
		return time.Time{}, err
	}
	b, ok := st.(*jetstream.KeyValueBucketStatus)
	if !ok {
		return time.Time{}, fmt.Errorf("status of a kind that is not known: %T", st)
	}
	return b.StreamInfo().Created, nil
}

// replaced says whether the bucket is gone, or is not the one that was opened: NATS may come back without its data.
func (o *ownership) replaced(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, bucketReply)
	defer cancel()
	made, err := born(ctx, o.kv) // only run, which calls this, sets kv
	if err != nil {
		return errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrBucketNotFound)
	}
	return !made.Equal(o.made)
}

// reopen begins anew with an empty bucket. Epochs go on where they were: workers remember them.
func (o *ownership) reopen(ctx context.Context, old jetstream.KeyWatcher) jetstream.KeyWatcher {
	watch, err := o.openBucket(ctx)
	if err != nil {
		o.r.log.Error("the lease bucket is lost and cannot be made again; tried again soon", "error", err)
		o.doubt.Store(true)
		return old
	}
	o.r.log.Warn("the lease bucket was lost with all leases, and is new")
	_ = old.Stop() // fails where its stream is gone
	o.mu.Lock()
	defer o.mu.Unlock()
	for k, e := range o.heard { // what is left of them is the epoch that a claim must be above
		e.Epoch, e.revision = e.entry.at(e.revision), 0
		o.heard[k] = e
	}
	for _, s := range o.seats {
		s.Anew()
	}
	return watch
}
