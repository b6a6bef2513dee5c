package bus

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
	"google.golang.org/protobuf/proto"

	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

const (
	// ClaimBucket is the object store for payloads that are too large for a message.
	ClaimBucket = "claims"
	// ClaimTTL is how long an unread claim lives: longer than any request.
	ClaimTTL = 10 * time.Minute
	// claimBytes bounds what lies in the store; above it large requests are refused until others have ended.
	claimBytes = 512 << 20
	// claimAbove is the largest payload that travels in a message: NATS's default limit is 1 MiB with headers.
	claimAbove = 512 << 10
)

// ErrClaimGone says that a claim's object is missing: expired, or lost with its server.
var ErrClaimGone = errors.New("claimed payload is gone from the object store")

type claimStore struct {
	mu       sync.Mutex
	store    jetstream.ObjectStore
	replicas int
}

// OpenClaims creates the object store of claims, or gives one that is there today's settings, so that a start can say how
// durable it is. PutClaim creates it too, but leaves one that is there as it is.
func (b *Bus) OpenClaims(ctx context.Context) error {
	b.claims.mu.Lock()
	defer b.claims.mu.Unlock()
	s, err := b.js.CreateOrUpdateObjectStore(ctx, b.claims.config())
	return b.claimsOpened(s, err)
}

func (c *claimStore) config() jetstream.ObjectStoreConfig {
	return jetstream.ObjectStoreConfig{
		Bucket: ClaimBucket, Description: "payloads above the message limit", TTL: ClaimTTL, Storage: jetstream.FileStorage,
		MaxBytes: claimBytes, Replicas: c.replicas,
	}
}

// claimsOpened keeps an opened store. The caller holds the lock.
func (b *Bus) claimsOpened(s jetstream.ObjectStore, err error) error {
	if err != nil {
		return fmt.Errorf("open object store %s: %w", ClaimBucket, err)
	}
	b.claims.store = s
	b.Opened("OBJ_"+ClaimBucket, LeaseReplicas)
	return nil
}

func (b *Bus) claimObjects(ctx context.Context) (jetstream.ObjectStore, error) {
	b.claims.mu.Lock()
	defer b.claims.mu.Unlock()
	if b.claims.store != nil {
		return b.claims.store, nil
	}
	s, err := b.js.ObjectStore(ctx, ClaimBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		s, err = b.js.CreateObjectStore(ctx, b.claims.config())
	}
	return s, b.claimsOpened(s, err)
}

// withClaims calls use with the object store, and once more with one that is opened anew where it turns out to be gone:
// NATS may come back without its data.
func (b *Bus) withClaims(ctx context.Context, use func(jetstream.ObjectStore) error) error {
	s, err := b.claimObjects(ctx)
	if err != nil {
		return err
	}
	if err := use(s); !storeLost(err) {
		return err
	}
	b.claims.forget(s)
	if s, err = b.claimObjects(ctx); err != nil {
		return err
	}
	return use(s)
}

// storeLost says whether an error may mean that an open store is gone. Without its stream nobody answers for it.
func storeLost(err error) bool {
	return errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrNoStreamResponse) ||
		errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrBucketNotFound)
}

// forget has the store opened anew, unless somebody did so meanwhile.
func (c *claimStore) forget(s jetstream.ObjectStore) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.store == s {
		c.store = nil
	}
}

// TooLarge reports whether a payload of n bytes must go by claim check.
func (b *Bus) TooLarge(n int) bool { return n > min(claimAbove, b.MaxPayload()-4096) }

// PutClaim stores a payload and returns the claim to send in its place.
func (b *Bus) PutClaim(ctx context.Context, payload []byte) (*inferv1.Claim, error) {
	sum := sha256.Sum256(payload)
	name := nuid.Next()
	if err := b.withClaims(ctx, func(s jetstream.ObjectStore) error {
		_, err := s.Put(ctx, jetstream.ObjectMeta{Name: name}, bytes.NewReader(payload))
		return err
	}); err != nil {
		return nil, fmt.Errorf("store claim of %d bytes: %w", len(payload), err)
	}
	return &inferv1.Claim{Object: name, Size: uint64(len(payload)), Digest: sum[:]}, nil
}

// GetClaim fetches a claimed payload into out and checks its digest. limit bounds what it reads, in bytes.
func (b *Bus) GetClaim(ctx context.Context, c *inferv1.Claim, limit int, out proto.Message) error {
	if c.GetSize() > uint64(limit) {
		return fmt.Errorf("claim of %d bytes is above the limit of %d", c.GetSize(), limit)
	}
	var res jetstream.ObjectResult
	err := b.withClaims(ctx, func(s jetstream.ObjectStore) (err error) {
		res, err = s.Get(ctx, c.GetObject())
		return err
	})
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return ErrClaimGone
	}
	if err != nil {
		return fmt.Errorf("fetch claim: %w", err)
	}
	defer res.Close()
	payload, err := io.ReadAll(io.LimitReader(res, int64(c.GetSize())+1))
	if err != nil {
		return fmt.Errorf("read claim: %w", err)
	}
	if sum := sha256.Sum256(payload); !bytes.Equal(sum[:], c.GetDigest()) {
		return fmt.Errorf("claim of %d bytes: digest differs from what was sent", c.GetSize())
	}
	return proto.Unmarshal(payload, out)
}

// DropClaim deletes a claimed payload. A missing one is fine.
func (b *Bus) DropClaim(ctx context.Context, c *inferv1.Claim) error {
	err := b.withClaims(ctx, func(s jetstream.ObjectStore) error { return s.Delete(ctx, c.GetObject()) })
	if err != nil && !errors.Is(err, jetstream.ErrObjectNotFound) {
		return fmt.Errorf("delete claim: %w", err)
	}
	return nil
}
