package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/leathq/leat/pkg/files"
	"github.com/leathq/leat/pkg/jobs"
	"github.com/leathq/leat/services/gateway/internal/batch"
)

var inputGone = batch.LineError{Code: "file_not_found", Message: "The input file was deleted, or its time was over, before the batch had ended."}

// inputOf opens a batch's input; it is nil where the file is gone.
func (g *Gateway) inputOf(ctx context.Context, b *stored) (*batch.Input, io.Closer, error) {
	_, r, err := g.files.Open(ctx, b.Tenant, b.InputFileID)
	if errors.Is(err, files.ErrNotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("open input: %w", err)
	}
	return batch.NewInput(r, b.Endpoint, int(g.cfg.BodyLimit)+maxLineRoom), r, nil
}

// batchRun submits a batch's requests and follows their results. It holds no more than the batch: what was submitted and
// answered is found again by a run that takes over.
type batchRun struct {
	g      *Gateway
	b      *stored
	in     *batch.Input
	closer io.Closer
	next   *batch.Line // read and not yet submitted
	ended  bool        // the input

	counts batch.Record // what was found of the results
	have   []bool       // results that were found
	low    int          // all below have one
	saved  time.Time
}

func (r *batchRun) close() {
	if r.closer != nil {
		_ = r.closer.Close()
	}
}

// work goes on until every request has a result, the window is over, or ctx ends.
func (r *batchRun) work(ctx context.Context) error {
	r.have = make([]bool, r.b.RequestCounts.Total)
	r.saved = time.Now()
	for {
		sent, err := r.submit(ctx)
		if err != nil {
			return err
		}
		found, err := r.collect(ctx)
		if err != nil {
			return err
		}
		now := time.Now()
		switch {
		case r.ended && r.low == len(r.have):
			r.tally()
			if err := r.b.Enter(batch.Finalizing, now); err != nil {
				return err
			}
			return r.g.batches.put(ctx, r.b)
		case r.b.Overdue(now):
			if err := r.g.takeBack(ctx, r.b); err != nil {
				return err
			}
			return r.g.finish(ctx, r.b, batch.Expired, batch.Answer{Code: "batch_expired", Message: "The batch's window was over before this request was answered."})
		case now.Sub(r.saved) >= batchSave:
			if r.saved, err = now, r.save(ctx); err != nil {
				return err
			}
		}
		if sent+found > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(batchIdle):
		}
	}
}

// submit queues some of the requests that are not jobs yet.
func (r *batchRun) submit(ctx context.Context) (sent int, err error) {
	if r.in == nil && !r.ended {
		if r.in, r.closer, err = r.g.inputOf(ctx, r.b); err != nil {
			return 0, err
		}
		r.ended = r.in == nil // deleted meanwhile: what is queued is finished
	}
	for ; sent < batchAhead && !r.ended; sent++ {
		if r.next == nil {
			l, bad, err := r.in.Next()
			switch {
			case err == io.EOF:
				r.ended = true
				return sent, nil
			case err != nil:
				return sent, fmt.Errorf("read input: %w", err)
			case bad != nil:
				return sent, fmt.Errorf("read input: %s", bad.Message)
			}
			r.next = l
		}
		if r.next.Index >= r.b.Submitted {
			if err := r.g.jobs.submit(ctx, &r.b.Record, r.next); errors.Is(err, jobs.ErrFull) {
				return sent, nil
			} else if err != nil {
				return sent, err
			}
			r.b.Submitted = r.next.Index + 1
		}
		r.next = nil
	}
	return sent, nil
}

// collect looks for results from the first that is missing on: jobs end about in the order in which they were queued.
func (r *batchRun) collect(ctx context.Context) (found int, err error) {
	for i := r.low; i < min(r.low+batchLook, r.b.Submitted, len(r.have)); i++ {
		if r.have[i] {
			continue
		}
		a, err := r.g.jobs.answer(ctx, &r.b.Record, i)
		if err != nil {
			return found, err
		}
		if a != nil {
			r.have[i] = true
			r.counts.Count(a)
			found++
		}
	}
	for r.low < len(r.have) && r.have[r.low] {
		r.low++
	}
	return found, nil
}

// tally writes what was found into the batch. A run that took over counts anew: it must not seem to go back.
func (r *batchRun) tally() {
	c := &r.b.RequestCounts
	c.Completed, c.Failed = max(c.Completed, r.counts.RequestCounts.Completed), max(c.Failed, r.counts.RequestCounts.Failed)
	if r.counts.Usage != nil && (r.b.Usage == nil || r.b.Usage.Total <= r.counts.Usage.Total) {
		u := *r.counts.Usage
		r.b.Usage = &u
	}
}

func (r *batchRun) save(ctx context.Context) error {
	r.tally()
	return r.g.batches.put(ctx, r.b)
}

// takeBack cancels the jobs that have no result.
func (g *Gateway) takeBack(ctx context.Context, b *stored) error {
	var left []int
	// A run that died may have submitted more than it wrote down.
	for i := range min(b.Submitted+batchAhead, b.RequestCounts.Total) {
		a, err := g.jobs.answer(ctx, &b.Record, i)
		if err != nil {
			return err
		}
		if a == nil {
			left = append(left, i)
		}
	}
	return g.jobs.cancel(ctx, &b.Record, left)
}
