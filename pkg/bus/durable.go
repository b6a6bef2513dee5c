package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// LeaseBucket is the KV bucket of who owns what.
const LeaseBucket = "leases"

// LeaseTTL is how long a lease that nobody refreshes lives: the backstop of a takeover.
const LeaseTTL = 3 * time.Second

// noRoom are NATS's codes for a disk, an account or a stream without room.
var noRoom = []jetstream.ErrorCode{10023, 10047, 10077}

// NoRoom says whether JetStream refused something because the disk beneath it is full or a limit of its size is reached.
func NoRoom(err error) bool {
	var refused *jetstream.APIError
	return errors.As(err, &refused) && slices.Contains(noRoom, refused.ErrorCode)
}

// Leases opens the KV bucket of leases and creates it where it is missing. Keys expire after LeaseTTL; the revision of
// the write that claims a key is the epoch of the ownership, since revisions of a bucket only grow.
func (b *Bus) Leases(ctx context.Context, cfg Config) (jetstream.KeyValue, error) {
	return b.leases(ctx, cfg, b.js.CreateOrUpdateKeyValue)
}

// leases opens the bucket by one of JetStream's ways to do so.
func (b *Bus) leases(ctx context.Context, cfg Config, open func(context.Context, jetstream.KeyValueConfig) (jetstream.KeyValue, error)) (jetstream.KeyValue, error) {
	kv, err := open(ctx, jetstream.KeyValueConfig{
		Bucket: LeaseBucket, Description: "who owns what", TTL: LeaseTTL, Storage: jetstream.FileStorage,
		Replicas: cfg.LeaseReplicas,
	})
	if NoRoom(err) {
		return nil, fmt.Errorf("open KV bucket %s: %w (the NATS server's disk is full or its limit reached: free some space, or give the embedded one another --nats-dir)",
			LeaseBucket, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open KV bucket %s: %w (does the NATS server have JetStream enabled?)", LeaseBucket, err)
	}
	b.Opened("KV_"+LeaseBucket, LeaseReplicas)
	return kv, nil
}

// LeaseReplicas is the flag of Config.LeaseReplicas.
const LeaseReplicas = "nats-lease-replicas"

// openedStreams are the streams beneath what a bus has opened.
type openedStreams struct {
	sync.Mutex
	list []openedStream
}

// openedStream is one of them, with the flag that says how many copies it has.
type openedStream struct{ name, flag string }

// Opened notes that this process has opened a stream, so that Durability tells of it and Frail judges it. flag names the setting
// that says how many copies it has.
func (b *Bus) Opened(stream, flag string) {
	b.opened.Lock()
	defer b.opened.Unlock()
	if s := (openedStream{stream, flag}); !slices.Contains(b.opened.list, s) {
		b.opened.list = append(b.opened.list, s)
	}
}

// eachOpened tells what NATS says of each stream that this bus has opened. It asks for no others: NATS may forbid us to know of
// them.
func (b *Bus) eachOpened(ctx context.Context, tell func(openedStream, jetstream.StreamConfig, error)) {
	b.opened.Lock()
	list := slices.Clone(b.opened.list)
	b.opened.Unlock()
	for _, o := range list {
		s, err := b.js.Stream(ctx, o.name)
		if err != nil {
			tell(o, jetstream.StreamConfig{}, err)
			continue
		}
		tell(o, s.CachedInfo().Config, nil)
	}
}

// Durability describes the durable stores that this bus has opened, a line each, for the banner at start.
func (b *Bus) Durability(ctx context.Context) (out []string) {
	b.eachOpened(ctx, func(o openedStream, c jetstream.StreamConfig, err error) {
		if err != nil {
			out = append(out, "stream "+o.name+": not described: "+err.Error())
			return
		}
		most := ""
		if c.MaxBytes > 0 {
			most = fmt.Sprintf(", at most %d MiB", c.MaxBytes>>20)
		}
		out = append(out, fmt.Sprintf("stream %s: %s storage, %d replica(s), max age %s%s; synced to disk as the NATS server's sync_interval says",
			c.Name, c.Storage, c.Replicas, c.MaxAge, most))
	})
	return out
}
