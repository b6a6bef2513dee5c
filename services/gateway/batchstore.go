package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/zeebo/xxh3"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/jobs"
	"github.com/leathq/leat/services/gateway/internal/batch"
)

// batchBucket is the KV bucket of batches: <tenant>.<id>, the tenant as a hash, since a name may have any characters.
const batchBucket = "batches"

// errNoBatch says that a tenant has no such batch.
var errNoBatch = errors.New("no such batch")

// errBatchMoved says that somebody else wrote a batch since it was read.
var errBatchMoved = errors.New("the batch was changed meanwhile")

// batchStore keeps batches. Writes compare revisions, so that a cancel and the runner never undo one another.
type batchStore struct {
	bus      *bus.Bus
	replicas int

	mu sync.Mutex
	kv jetstream.KeyValue

	// Of unfinished, for one goroutine.
	watch jetstream.KeyWatcher
	known map[string]*stored
}

// stored is a batch with the revision that it was read at.
type stored struct {
	batch.Record
	revision uint64
}

func (s *batchStore) open(ctx context.Context) (jetstream.KeyValue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kv != nil {
		return s.kv, nil
	}
	kv, err := s.bus.JetStream().CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: batchBucket, Description: "batches of /v1/batches", Storage: jetstream.FileStorage, Replicas: s.replicas,
	})
	if err != nil {
		return nil, fmt.Errorf("open KV bucket %s: %w", batchBucket, err)
	}
	s.kv = kv
	s.bus.Opened("KV_"+batchBucket, jobs.Replicas)
	return kv, nil
}

func tenantKey(tenant string) string { return strconv.FormatUint(xxh3.HashString(tenant), 16) }

// put writes a batch that was read, or is new at revision 0. errBatchMoved: read it again.
func (s *batchStore) put(ctx context.Context, b *stored) error {
	kv, err := s.open(ctx)
	if err != nil {
		return err
	}
	data, err := json.Marshal(&b.Record)
	if err != nil {
		return fmt.Errorf("encode batch: %w", err)
	}
	key := tenantKey(b.Tenant) + "." + b.ID
	var revision uint64
	if b.revision == 0 {
		revision, err = kv.Create(ctx, key, data)
	} else {
		revision, err = kv.Update(ctx, key, data, b.revision)
	}
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || errors.Is(err, jetstream.ErrKeyExists) {
		return errBatchMoved
	}
	if err != nil {
		return fmt.Errorf("write batch %s: %w", b.ID, err)
	}
	b.revision = revision
	return nil
}

// get reads a tenant's batch, or returns errNoBatch.
func (s *batchStore) get(ctx context.Context, tenant, id string) (*stored, error) {
	kv, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(id, "batch_") || bus.Token(id) != id {
		return nil, errNoBatch
	}
	e, err := kv.Get(ctx, tenantKey(tenant)+"."+id)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, errNoBatch
	}
	if err != nil {
		return nil, fmt.Errorf("read batch %s: %w", id, err)
	}
	return readBatch(e)
}

func readBatch(e jetstream.KeyValueEntry) (*stored, error) {
	b := &stored{revision: e.Revision()}
	if err := json.Unmarshal(e.Value(), &b.Record); err != nil {
		return nil, fmt.Errorf("decode batch %s: %w", e.Key(), err)
	}
	return b, nil
}

// list returns a tenant's batches, or everybody's where tenant is empty, the newest first.
func (s *batchStore) list(ctx context.Context, tenant string) (out []*stored, err error) {
	kv, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	keys := ">"
	if tenant != "" {
		keys = tenantKey(tenant) + ".*"
	}
	w, err := kv.Watch(ctx, keys, jetstream.IgnoreDeletes())
	if err != nil {
		return nil, fmt.Errorf("list batches: %w", err)
	}
	defer func() { _ = w.Stop() }()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case e, ok := <-w.Updates():
			if !ok {
				return nil, errors.New("list batches: the bus connection was lost")
			}
			if e == nil { // all that there is now
				slices.SortFunc(out, func(a, b *stored) int {
					if a.CreatedAt != b.CreatedAt {
						return int(b.CreatedAt - a.CreatedAt)
					}
					return strings.Compare(b.ID, a.ID)
				})
				return out, nil
			}
			b, err := readBatch(e)
			if err != nil {
				return nil, err
			}
			out = append(out, b)
		}
	}
}

// unfinished is every batch that is not over, as far as has been heard. It watches from its first call on and does not
// wait; it is for one goroutine.
func (s *batchStore) unfinished(ctx context.Context) ([]*stored, error) {
	if s.watch == nil {
		kv, err := s.open(ctx)
		if err != nil {
			return nil, err
		}
		if s.watch, err = kv.WatchAll(ctx, jetstream.IgnoreDeletes()); err != nil {
			s.watch = nil
			return nil, fmt.Errorf("watch batches: %w", err)
		}
		s.known = map[string]*stored{}
	}
	for {
		select {
		case e, ok := <-s.watch.Updates():
			if !ok {
				s.watch = nil // lost: watched anew the next time
				return nil, errors.New("watch batches: the watch was lost")
			}
			if e == nil {
				continue // all that there was at the start
			}
			b, err := readBatch(e)
			if err != nil {
				return nil, err
			}
			if s.known[b.ID] = b; b.Status.Over() {
				delete(s.known, b.ID)
			}
		default:
			out := make([]*stored, 0, len(s.known))
			for _, b := range s.known {
				out = append(out, b)
			}
			return out, nil
		}
	}
}
