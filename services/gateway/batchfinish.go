package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/leathq/leat/services/gateway/internal/batch"
)

// finish writes a batch's answers to its output file and its error file, in the order of the requests, and ends it. missing
// is said of requests that have no result. Done again after a crash, it writes the same files again.
func (g *Gateway) finish(ctx context.Context, b *stored, to batch.Status, missing batch.Answer) error {
	in, closer, err := g.inputOf(ctx, b)
	if err != nil {
		return err
	}
	if in != nil {
		defer closer.Close()
	}
	out, bad := g.outputOf(ctx, b, "output"), g.outputOf(ctx, b, "error")
	count := batch.Record{}
	err = g.answers(ctx, b, in, &missing, func(l *batch.Line, a *batch.Answer) error {
		count.Count(a)
		if a.OK() {
			return out.write(b, l, a)
		}
		return bad.write(b, l, a)
	})
	outID, err := out.end(err)
	badID, err := bad.end(err)
	if err != nil {
		return err
	}
	b.OutputFileID, b.ErrorFileID = outID, badID
	b.RequestCounts.Completed, b.RequestCounts.Failed, b.Usage = count.RequestCounts.Completed, count.RequestCounts.Failed, count.Usage
	if err := b.Enter(to, time.Now()); err != nil {
		return err
	}
	return g.batches.put(ctx, b)
}

// answers calls each with every request and what became of it. Without an input, which was deleted, requests have no
// custom_id any more.
func (g *Gateway) answers(ctx context.Context, b *stored, in *batch.Input, missing *batch.Answer, each func(*batch.Line, *batch.Answer) error) error {
	for i := range b.RequestCounts.Total {
		l := &batch.Line{Index: i}
		if in != nil {
			next, bad, err := in.Next()
			if err == nil && bad != nil {
				err = errors.New(bad.Message)
			}
			if err != nil {
				return fmt.Errorf("read input: %w", err)
			}
			l = next
		}
		a, err := g.jobs.answer(ctx, &b.Record, i)
		if err != nil {
			return err
		}
		if a == nil || a.Status == 0 && missing.Code != "" {
			a = missing
		}
		if err := each(l, a); err != nil {
			return err
		}
	}
	return nil
}

// output is a file that is written while it is made; it is there only if something was written to it.
type output struct {
	g       *Gateway
	ctx     context.Context
	b       *stored
	kind    string
	w       *io.PipeWriter
	done    chan error
	id      string
	scratch []byte
}

func (g *Gateway) outputOf(ctx context.Context, b *stored, kind string) *output {
	return &output{g: g, ctx: ctx, b: b, kind: kind}
}

func (o *output) write(b *stored, l *batch.Line, a *batch.Answer) (err error) {
	if o.w == nil {
		o.open()
	}
	if o.scratch, err = batch.AppendLine(o.scratch[:0], b.ID, l.Index, l.CustomID, a); err != nil {
		return err
	}
	_, err = o.w.Write(o.scratch)
	return err
}

func (o *output) open() {
	r, w := io.Pipe()
	o.w, o.done = w, make(chan error, 1)
	go func() {
		up, err := o.g.files.PutAs(o.ctx, "file-"+o.b.ID+"-"+o.kind, o.b.Tenant, o.b.ID+"_"+o.kind+".jsonl", r)
		if err == nil {
			until := time.Time{}
			if s := o.b.OutputExpiry; s > 0 {
				until = time.Now().Add(time.Duration(s) * time.Second)
			}
			o.id = up.File().ID
			_, err = up.Commit(o.ctx, "batch_output", until)
		}
		r.CloseWithError(err) // a writer must not wait for a reader that is gone
		o.done <- err
	}()
}

// end closes the file. With an error before nothing of it is kept. The id is nil where nothing was written.
func (o *output) end(before error) (*string, error) {
	if o.w == nil {
		return nil, before
	}
	o.w.CloseWithError(before) // nil is the end of the file
	err := <-o.done
	if before != nil {
		return nil, before
	}
	if err != nil {
		return nil, fmt.Errorf("write %s file: %w", o.kind, err)
	}
	return &o.id, nil
}
