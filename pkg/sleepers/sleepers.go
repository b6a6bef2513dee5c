// Package sleepers keeps what pools serve that may have no worker for a while, so that a gateway that starts meanwhile can
// still name their models and wake them.
//
// It is a KV bucket with the last description of each such pool. Gateways write it, gateways and routers watch it. The
// package refuses to know which pools may sleep: that is their settings' word.
package sleepers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/bus"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// Bucket is the KV bucket's name; its keys are the pools', its values encoded descriptions.
const Bucket = "sleepers"

const (
	answerIn = 2 * time.Second // how long the bucket may take
	tryAgain = time.Second     // after it was out of reach
)

// Store is the bucket. It is safe for concurrent use.
type Store struct {
	bus      *bus.Bus
	replicas int
}

// New names the bucket and opens nothing.
func New(b *bus.Bus, cfg bus.Config) *Store { return &Store{b, cfg.LeaseReplicas} }

// Listener hears what is kept.
type Listener interface {
	// Kept says what a pool served last, as it was written; nil: it is not kept, or not any more.
	Kept(pool string, d *inferv1.Description)
	// Loaded says that all has been told that was kept when the watch began. It may be called again.
	Loaded()
}

// open returns the bucket; made says whether it is to be made where it is missing.
func (s *Store) open(ctx context.Context, made bool) (jetstream.KeyValue, error) {
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	kv, err := s.bus.JetStream().KeyValue(ctx, Bucket)
	if made && errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = s.bus.JetStream().CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: Bucket, Description: "what pools serve that may sleep", Storage: jetstream.FileStorage, Replicas: s.replicas,
		})
	}
	if err != nil {
		return nil, fmt.Errorf("open KV bucket %s: %w", Bucket, err)
	}
	s.bus.Opened("KV_"+Bucket, bus.LeaseReplicas)
	return kv, nil
}

// Open makes the bucket where it is missing, so that a start can say how durable it is.
func (s *Store) Open(ctx context.Context) error {
	_, err := s.open(ctx, true)
	return err
}

// Keep writes what a pool serves.
func (s *Store) Keep(ctx context.Context, d *inferv1.Description) error {
	data, err := proto.Marshal(d)
	if err != nil {
		return fmt.Errorf("encode what pool %s serves: %w", d.GetPool(), err)
	}
	kv, err := s.open(ctx, true)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	if _, err := kv.Put(ctx, d.GetPool(), data); err != nil {
		return fmt.Errorf("keep what pool %s serves (%d bytes): %w", d.GetPool(), len(data), err)
	}
	return nil
}

// Forget deletes what is kept of a pool.
func (s *Store) Forget(ctx context.Context, pool string) error {
	kv, err := s.open(ctx, false)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	if err := kv.Delete(ctx, pool); err != nil {
		return fmt.Errorf("forget what pool %s served: %w", pool, err)
	}
	return nil
}

// Watch tells what is kept, and what changes, until ctx ends. It begins anew after every reconnect, since NATS may come back
// without its data, and whenever the bucket was out of reach. Without made, a bucket that is missing is left so, and Watch
// returns. The listener is called from this goroutine.
func (s *Store) Watch(ctx context.Context, made bool, log *slog.Logger, l Listener) {
	anew := make(chan struct{}, 1)
	s.bus.OnReconnect(func() {
		select {
		case anew <- struct{}{}:
		default:
		}
	})
	known := map[string]bool{}
	for told := ""; ctx.Err() == nil; {
		err := s.watch(ctx, made, anew, log, l, known)
		if errors.Is(err, jetstream.ErrBucketNotFound) && !made {
			return
		}
		if err == nil {
			told = ""
			continue
		}
		if told != err.Error() && ctx.Err() == nil {
			told = err.Error()
			log.Warn("which pools sleep is not read, tried again", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(tryAgain):
		}
	}
}

// watch is one watch, until anew says that it is to begin again. known are the pools that the listener knows to be kept.
func (s *Store) watch(ctx context.Context, made bool, anew <-chan struct{}, log *slog.Logger, l Listener, known map[string]bool) error {
	kv, err := s.open(ctx, made)
	if err != nil {
		return err
	}
	w, err := kv.WatchAll(ctx)
	if err != nil {
		return fmt.Errorf("watch KV bucket %s: %w", Bucket, err)
	}
	defer func() { _ = w.Stop() }() // fails where its stream is gone
	missing := map[string]bool{}
	for pool := range known {
		missing[pool] = true
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-anew:
			return nil
		case e, ok := <-w.Updates():
			switch {
			case !ok:
				return fmt.Errorf("watch KV bucket %s: the watch ended", Bucket)
			case e != nil:
				delete(missing, e.Key())
				tell(e, log, l, known)
			default:
				for pool := range missing {
					delete(known, pool)
					l.Kept(pool, nil)
				}
				l.Loaded()
			}
		}
	}
}

// tell tells one entry. What cannot be read counts as not kept: the next worker of that pool has it written anew.
func tell(e jetstream.KeyValueEntry, log *slog.Logger, l Listener, known map[string]bool) {
	pool := e.Key()
	if e.Operation() == jetstream.KeyValuePut {
		d := &inferv1.Description{}
		err := proto.Unmarshal(e.Value(), d)
		if err == nil && d.GetPool() == pool && len(d.GetModels()) > 0 {
			known[pool] = true
			l.Kept(pool, d)
			return
		}
		log.Warn("what a sleeping pool serves cannot be read, and is passed over until a worker of it comes", "pool", pool, "bucket", Bucket, "error", err)
	}
	delete(known, pool)
	l.Kept(pool, nil)
}
