package flow

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/leathq/leat/pkg/events"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// refusedBytes is after how many bytes of refused records progress is said.
const refusedBytes = 4 << 20

// reading is a source's work on a partition.
type reading struct {
	r       *Runner
	j       job
	attempt uint32
	out     *publisher
	cursor  json.RawMessage
	counts  *datav1.Counts
	digest  string
	segment uint32
	chunks  uint64 // since the last progress
	refused bytes.Buffer
	lines   uint64 // in refused
}

// read does a partition of a source.
func (r *Runner) read(ctx context.Context, j job) error {
	w := &reading{r: r, j: j, counts: &datav1.Counts{}}
	run, stage, partition := j.place.Run.GetId(), j.place.Stage.GetName(), j.place.Partition.GetNumber()
	todo := false
	r.board.look(run, func(s *State) {
		w.attempt, todo = s.Attempt(), s.todo(stage, partition) && !s.Over()
		if reads := s.sent(stage, partition); len(reads) > 0 {
			last := reads[len(reads)-1]
			w.cursor, w.digest, w.segment = last.GetCursor(), last.GetDigest(), last.GetSegment()+1
			add(w.counts, last.GetCounts())
		}
	})
	if !todo {
		return nil
	}
	w.out = r.publisher(j.place, w.attempt)
	stream, err := r.sources[j.place.Stage.GetKind()].Open(ctx, j.place, w.cursor)
	if err != nil {
		return err
	}
	defer func() { _ = stream.Close() }()
	for {
		c, err := stream.Next(ctx)
		if errors.Is(err, io.EOF) {
			return w.end(ctx)
		}
		if err != nil {
			return w.failed(ctx, err)
		}
		if err := w.take(ctx, c); err != nil {
			return err
		}
	}
}

// failed passes the error of a source on. Where another try would not help, what was refused since the last progress is kept. It is no progress:
// a resumed run reads it again, and makes what it would have made unbroken.
func (w *reading) failed(ctx context.Context, err error) error {
	var final *Error
	if w.lines == 0 || !errors.As(err, &final) {
		return err
	}
	o, err := w.keep(ctx)
	if err != nil {
		return err
	}
	return &Error{Code: final.Code, Message: final.Message, kept: []*datav1.Object{o}}
}

// outlet is the subject of a stage's output for a partition; empty where no stage reads it.
func outlet(p Place) string {
	for _, s := range p.Run.GetStages() {
		if s.GetFrom() == p.Stage.GetName() {
			return events.Data.Name(p.Run.GetId(), p.Stage.GetName(), strconv.Itoa(int(p.Partition.GetNumber())))
		}
	}
	return ""
}

// publisher sends what a stage makes of a partition.
func (r *Runner) publisher(p Place, attempt uint32) *publisher {
	run, stage, partition := p.Run.GetId(), p.Stage.GetName(), p.Partition.GetNumber()
	look := func() (done uint64, changed <-chan struct{}) {
		changed = r.board.wait() // before looking
		r.board.look(run, func(s *State) { done = s.taken(stage, partition) })
		return done, changed
	}
	return &publisher{
		js: r.bulk, bus: r.Bus, store: r.Blob, subject: outlet(p), attempt: attempt,
		flight: flight{most: r.cfg.edge(p.Run), guess: uint64(r.cfg.BatchBytes), look: look},
	}
}

func (w *reading) take(ctx context.Context, c *Chunk) error {
	if len(c.Batch.Data) > 0 {
		if err := w.send(ctx, c.Batch); err != nil {
			return err
		}
	}
	encode := json.NewEncoder(&w.refused)
	encode.SetEscapeHTML(false)
	for _, x := range c.Refused {
		if err := encode.Encode(x); err != nil {
			return fmt.Errorf("keep a refused record: %w", err)
		}
	}
	w.lines += uint64(len(c.Refused))
	w.counts.Refused += uint64(len(c.Refused))
	w.counts.RowsIn += uint64(len(c.Refused))
	w.cursor, w.chunks = c.After, w.chunks+1
	if w.chunks >= max(1, w.r.cfg.perSegment()/4) || w.refused.Len() >= refusedBytes {
		return w.progress(ctx)
	}
	return nil
}

func (w *reading) send(ctx context.Context, b Batch) error {
	digest, err := w.out.batch(ctx, w.counts.GetBatches(), b)
	if err != nil {
		return err
	}
	w.digest = chain(w.digest, digest)
	w.counts.Batches++
	w.counts.Bytes += uint64(len(b.Data))
	w.counts.RowsIn += b.Rows
	w.counts.Valid += b.Rows
	return nil
}

// progress says what stands, and refuses more bad records than the run may have. What was refused is kept first, so that the fact names it.
func (w *reading) progress(ctx context.Context) error {
	if err := w.out.flush(ctx); err != nil {
		return err
	}
	p := w.j.place
	f := &datav1.SourceProgress{
		Run: p.Run.GetId(), Stage: p.Stage.GetName(), Partition: p.Partition.GetNumber(), Segment: w.segment, Cursor: w.cursor, Counts: clone(w.counts),
		Digest: w.digest, Replica: w.r.id, UnixNanos: time.Now().UnixNano(),
	}
	if w.lines > 0 {
		o, err := w.keep(ctx)
		if err != nil {
			return err
		}
		f.Objects = []*datav1.Object{o}
	}
	if err := w.r.say(ctx, events.SourceProgress.Name(f.GetRun()), fmt.Sprintf("%s.read.%d", w.j.lease, w.segment), f); err != nil {
		return err
	}
	w.segment, w.chunks, w.lines = w.segment+1, 0, 0
	w.refused.Reset()
	return w.r.bounded(ctx, p)
}

// keep writes the refused records of a segment, named by their content.
func (w *reading) keep(ctx context.Context) (*datav1.Object, error) {
	sum := sha256.Sum256(w.refused.Bytes())
	name := hex.EncodeToString(sum[:])
	o := &datav1.Object{
		Role: "refused", Key: "shards/sha256/" + name[:2] + "/" + name + ".jsonl", Digest: "sha256:" + name, Bytes: uint64(w.refused.Len()), Rows: w.lines,
	}
	return o, w.r.Blob.Put(ctx, o.GetKey(), bytes.NewReader(w.refused.Bytes()))
}

// end closes the partition.
func (w *reading) end(ctx context.Context) error {
	if w.chunks > 0 {
		if err := w.progress(ctx); err != nil {
			return err
		}
	} else if err := w.r.bounded(ctx, w.j.place); err != nil { // a try before may have ended by it
		return err
	}
	return w.r.close(ctx, w.j, &datav1.PartitionDone{Counts: w.counts, Digest: w.digest, Attempt: w.attempt}, w.out)
}

// close ends a partition for the stages after it, and says that it is done.
func (r *Runner) close(ctx context.Context, j job, f *datav1.PartitionDone, out *publisher) error {
	if err := out.closing(ctx, f.GetCounts().GetBatches(), &datav1.Closing{Counts: f.GetCounts(), Digest: f.GetDigest()}); err != nil {
		return err
	}
	p := j.place
	f.Run, f.Stage, f.Partition, f.Replica, f.UnixNanos = p.Run.GetId(), p.Stage.GetName(), p.Partition.GetNumber(), r.id, time.Now().UnixNano()
	if err := r.say(ctx, events.PartitionDone.Name(f.GetRun()), fmt.Sprintf("%s.done.%d", j.lease, f.GetAttempt()), f); err != nil {
		return err
	}
	return r.board.current(ctx, r.Bus.JetStream(), f.GetRun())
}

func clone(c *datav1.Counts) *datav1.Counts {
	out := &datav1.Counts{}
	add(out, c)
	return out
}
