package gateway

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/events"
	"github.com/leathq/leat/services/gateway/internal/batch"
)

// jobOf names the job of a batch's request.
func jobOf(b *batch.Record, index int) string { return b.ID + "-" + strconv.Itoa(index) }

const (
	batchSave   = time.Second // how often a batch's progress is written
	batchAhead  = 200         // jobs submitted between two looks at the results
	batchLook   = 256         // results looked for at a time, from the first that is missing on
	batchIdle   = 200 * time.Millisecond
	batchRetry  = time.Second
	batchRenew  = bus.LeaseTTL / 3
	filesSwept  = 10 * time.Minute
	maxLineRoom = 1 << 20 // of a line beside its body
)

// runBatches runs every batch that is not over and that no other gateway runs, until ctx ends.
func (g *Gateway) runBatches(ctx context.Context) {
	running := map[string]bool{}
	over := make(chan string)
	look := time.NewTicker(batchRetry)
	defer look.Stop()
	swept := time.Now()
	var sweeping sync.WaitGroup
	defer sweeping.Wait()
	for {
		open, err := g.batches.unfinished(ctx)
		if err != nil && ctx.Err() == nil {
			g.log.Debug("batches not read", "error", err)
		}
		for _, b := range open {
			if !running[b.ID] {
				running[b.ID] = true
				go func() {
					g.lead(ctx, b)
					over <- b.ID
				}()
			}
		}
		if time.Since(swept) > filesSwept {
			swept = time.Now()
			sweeping.Go(func() { g.sweepFiles(ctx) })
		}
		select {
		case id := <-over:
			delete(running, id)
		case <-look.C:
		case <-ctx.Done():
			for range running {
				<-over
			}
			return
		}
	}
}

func (g *Gateway) sweepFiles(ctx context.Context) {
	expired, remains, err := g.files.Sweep(ctx, time.Now())
	if err != nil && ctx.Err() == nil {
		g.log.Warn("files not swept", "error", err)
	}
	if expired+remains > 0 {
		g.log.Info("files swept", "expired", expired, "remains", remains)
	}
}

// lead runs a batch while this gateway holds its lease; it returns at once where another one does.
func (g *Gateway) lead(ctx context.Context, b *stored) {
	kv, err := g.deps.Bus.JetStream().KeyValue(ctx, bus.LeaseBucket)
	if err != nil {
		return // no router has been here yet: nothing could run
	}
	key := events.BatchLease(b.ID)
	revision, err := kv.Create(ctx, key, []byte(g.id))
	if err != nil {
		return
	}
	ctx, lose := context.WithCancel(ctx)
	defer lose()
	done := make(chan struct{})
	go func() {
		defer close(done)
		renew := time.NewTicker(batchRenew)
		defer renew.Stop()
		for {
			select {
			case <-ctx.Done():
				clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
				defer cancel()
				_ = kv.Delete(clean, key, jetstream.LastRevision(revision)) // the next one need not wait for it to expire
				return
			case <-renew.C:
				next, err := kv.Update(ctx, key, []byte(g.id), revision)
				if err != nil {
					g.log.Warn("lease of a batch lost", "batch", b.ID, "error", err)
					lose()
					continue
				}
				revision = next
			}
		}
	}()
	g.carry(ctx, b)
	lose()
	<-done
}

// carry brings a batch to its end, step by step. It is begun anew from what is stored whenever a step fails.
func (g *Gateway) carry(ctx context.Context, b *stored) {
	for ctx.Err() == nil {
		fresh, err := g.batches.get(ctx, b.Tenant, b.ID)
		if err == nil && fresh.Status.Over() {
			return
		}
		if err == nil {
			err = g.step(ctx, fresh)
		}
		if err == nil || errors.Is(err, errBatchMoved) {
			continue
		}
		if ctx.Err() == nil {
			g.log.Warn("batch held up", "batch", b.ID, "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(batchRetry):
		}
	}
}

// step does what a batch's status asks for.
func (g *Gateway) step(ctx context.Context, b *stored) error {
	switch b.Status {
	case batch.Validating:
		return g.validate(ctx, b)
	case batch.InProgress:
		r := &batchRun{g: g, b: b}
		defer r.close()
		return r.work(ctx)
	case batch.Finalizing:
		return g.finish(ctx, b, batch.Completed, batch.Answer{Code: "internal_error", Message: "The request has no result."})
	case batch.Cancelling:
		if err := g.takeBack(ctx, b); err != nil {
			return err
		}
		return g.finish(ctx, b, batch.Cancelled, batch.Answer{Code: "batch_cancelled", Message: "The batch was cancelled before this request was answered."})
	}
	return fmt.Errorf("batch %s has the status %q", b.ID, b.Status)
}

// validate reads the whole input before anything runs.
func (g *Gateway) validate(ctx context.Context, b *stored) error {
	in, closer, err := g.inputOf(ctx, b)
	if err != nil {
		return err
	}
	if in == nil {
		return g.failBatch(ctx, b, inputGone)
	}
	defer closer.Close()
	n, wrong, err := batch.Check(in)
	if err != nil {
		return fmt.Errorf("read input: %w", err)
	}
	if len(wrong) > 0 {
		return g.failBatch(ctx, b, wrong...)
	}
	b.RequestCounts.Total = n
	if err := b.Enter(batch.InProgress, time.Now()); err != nil {
		return err
	}
	return g.batches.put(ctx, b)
}

func (g *Gateway) failBatch(ctx context.Context, b *stored, why ...batch.LineError) error {
	if err := b.Fail(time.Now(), why...); err != nil {
		return err
	}
	return g.batches.put(ctx, b)
}
