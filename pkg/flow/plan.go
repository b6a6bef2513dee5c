package flow

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/blob"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

const (
	// plans is where the blob store has plans that are too large for messages, as plans/<run>/<digest>.
	plans = "plans/"
	// keepPlans is how long they stay there: longer than EVENTS keeps the facts that name them.
	keepPlans = 31 * 24 * time.Hour
	// maxPlan bounds what is read into memory of one.
	maxPlan = 256 << 20
)

// claimed is a plan as it is said on the bus: itself where it fits into a message, else who it is of and where the store has it.
func (r *Runner) claimed(ctx context.Context, f *datav1.RunPlanned) (*datav1.RunPlanned, error) {
	n := proto.Size(f)
	if !r.Bus.TooLarge(n + 1024) { // with its headers
		return f, nil
	}
	if n > maxPlan {
		return nil, &Error{Code: "plan_too_large", Message: fmt.Sprintf("the plan of run %s takes %d bytes, and %d are the most: its partitions name too many files; read fewer at a time, or pack them into larger ones",
			f.GetRun().GetId(), n, maxPlan)}
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("encode the plan of run %s: %w", f.GetRun().GetId(), err)
	}
	if err := r.sweepPlans(ctx, time.Now().Add(-keepPlans)); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	name := hex.EncodeToString(sum[:])
	o := &datav1.Object{Role: "plan", Key: plans + f.GetRun().GetId() + "/" + name, Digest: "sha256:" + name, Bytes: uint64(n)}
	if err := r.Blob.Put(ctx, o.GetKey(), bytes.NewReader(data)); err != nil {
		return nil, fmt.Errorf("keep the plan of run %s: %w", f.GetRun().GetId(), err)
	}
	run := f.GetRun()
	return &datav1.RunPlanned{Run: &datav1.Run{Id: run.GetId(), Name: run.GetName(), Tenant: run.GetTenant()}, UnixNanos: f.GetUnixNanos(), Class: f.GetClass(), Known: f.GetKnown(), Stored: o}, nil
}

// sweepPlans removes plans that were stored before a time: their facts are gone.
func (r *Runner) sweepPlans(ctx context.Context, before time.Time) error {
	for o, err := range r.Blob.List(ctx, plans) {
		if err != nil {
			return fmt.Errorf("look for old plans: %w", err)
		}
		if o.Modified.Before(before) {
			if err := r.Blob.Delete(ctx, o.Key); err != nil && !errors.Is(err, blob.ErrNotFound) {
				return fmt.Errorf("remove an old plan: %w", err)
			}
		}
	}
	return nil
}

// whole is a fact with what the store has of it. A plan that is no longer there, or not the one that was stored, is nil: a run whose partitions are not
// known must not look like one that has none. An error may pass.
func whole(ctx context.Context, store *blob.Store, f proto.Message) (proto.Message, error) {
	said, ok := f.(*datav1.RunPlanned)
	if !ok || said.GetStored() == nil {
		return f, nil
	}
	o := said.GetStored()
	in, err := store.Get(ctx, o.GetKey())
	if errors.Is(err, blob.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the plan of run %s: %w", said.GetRun().GetId(), err)
	}
	data, err := io.ReadAll(io.LimitReader(in, maxPlan+1))
	if err = errors.Join(err, in.Close()); err != nil {
		return nil, fmt.Errorf("read the plan of run %s: %w", said.GetRun().GetId(), err)
	}
	if out := planOf(said, data); out != nil {
		return out, nil
	}
	return nil, nil
}

// planOf is the plan that a fact names; nil where what the store has is another.
func planOf(said *datav1.RunPlanned, data []byte) *datav1.RunPlanned {
	sum, out := sha256.Sum256(data), &datav1.RunPlanned{}
	if "sha256:"+hex.EncodeToString(sum[:]) != said.GetStored().GetDigest() || proto.Unmarshal(data, out) != nil || out.GetRun().GetId() != said.GetRun().GetId() {
		return nil
	}
	return out
}

// insistWhole is whole, tried again for as long as ctx lasts; nil after that.
func insistWhole(ctx context.Context, store *blob.Store, f proto.Message) proto.Message {
	for {
		out, err := whole(ctx, store, f)
		if err == nil {
			return out
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retryFirst):
		}
	}
}
