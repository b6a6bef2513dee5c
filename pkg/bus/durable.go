package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// LeaseBucket is the KV bucket of who owns what.
const LeaseBucket = "leases"

// LeaseTTL is how long a lease that nobody refreshes lives: the backstop of a takeover.
const LeaseTTL = 3 * time.Second

// storageExceeded is NATS's error code for a disk or an account without room.
const storageExceeded jetstream.ErrorCode = 10047

// Leases opens the KV bucket of leases and creates it where it is missing. Keys expire after LeaseTTL; the revision of
// the write that claims a key is the epoch of the ownership, since revisions of a bucket only grow.
func (b *Bus) Leases(ctx context.Context, cfg Config) (jetstream.KeyValue, error) {
	kv, err := b.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: LeaseBucket, Description: "who owns what", TTL: LeaseTTL, Storage: jetstream.FileStorage,
		Replicas: cfg.LeaseReplicas,
	})
	var refused *jetstream.APIError
	if errors.As(err, &refused) && refused.ErrorCode == storageExceeded {
		return nil, fmt.Errorf("open KV bucket %s: %w (the NATS server's disk is full or its limit reached: free some space, or give the embedded one another --nats-dir)",
			LeaseBucket, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open KV bucket %s: %w (does the NATS server have JetStream enabled?)", LeaseBucket, err)
	}
	return kv, nil
}

// Durability describes the durable stores that this bus has opened, a line each, for the banner at start.
func (b *Bus) Durability(ctx context.Context) []string {
	var out []string
	l := b.js.ListStreams(ctx)
	for s := range l.Info() {
		c := s.Config
		most := ""
		if c.MaxBytes > 0 {
			most = fmt.Sprintf(", at most %d MiB", c.MaxBytes>>20)
		}
		out = append(out, fmt.Sprintf("stream %s: %s storage, %d replica(s), max age %s%s; synced to disk as the NATS server's sync_interval says",
			c.Name, c.Storage, c.Replicas, c.MaxAge, most))
	}
	if err := l.Err(); err != nil {
		out = append(out, "streams: not listed: "+err.Error())
	}
	return out
}
