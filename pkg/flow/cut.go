package flow

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/events"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// cut ends the open segment: what it keeps is written, then said, then its batches are acknowledged. That order is what makes a crash harmless.
func (w *carrying) cut(ctx context.Context) error {
	if err := w.out.flush(ctx); err != nil {
		return err
	}
	counts, objects, err := w.seg.Close(ctx)
	w.seg = nil
	if err != nil {
		return err
	}
	p := w.j.place
	if counts.GetRowsIn() != w.rows || unbalanced(counts) {
		return &Error{Code: "books", Message: fmt.Sprintf("segment %d of partition %d of stage %s was given %d rows and accounts for %d = %d valid + %d quarantined + %d refused; this is a mistake in the stage: please report it",
			w.segment, p.Partition.GetNumber(), p.Stage.GetName(), w.rows, counts.GetRowsIn(), counts.GetValid(), counts.GetQuarantined(), counts.GetRefused())}
	}
	counts.Batches, counts.Bytes = w.sent.GetBatches(), w.sent.GetBytes()
	f := &datav1.SegmentDone{
		Run: p.Run.GetId(), Stage: p.Stage.GetName(), Partition: p.Partition.GetNumber(), Segment: w.segment, NextBatch: w.next, Counts: counts,
		Objects: objects, Digest: w.digest, Sent: w.went, Replica: w.r.id, UnixNanos: time.Now().UnixNano(),
	}
	if err := w.r.say(ctx, events.SegmentDone.Name(f.GetRun()), w.j.lease+"."+strconv.Itoa(int(w.segment)), f); err != nil {
		return err
	}
	w.counted(f)
	w.batches, w.bytes, w.rows = 0, 0, 0
	if err := w.acknowledge(); err != nil {
		return err
	}
	return w.r.bounded(ctx, p)
}

func (w *carrying) acknowledge() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, reply := range w.held {
		if err := w.r.Bus.Conn(bus.Bulk).Publish(reply, ack); err != nil {
			return fmt.Errorf("acknowledge a segment: %w", err)
		}
	}
	w.held = nil
	return nil
}

func unbalanced(c *datav1.Counts) bool {
	return c.GetRowsIn() != c.GetValid()+c.GetQuarantined()+c.GetRefused()
}

// end closes the partition where what came is what was sent.
func (w *carrying) end(ctx context.Context, m jetstream.Msg, c *datav1.Closing) error {
	if w.seg != nil {
		if err := w.cut(ctx); err != nil {
			return err
		}
	} else if err := w.r.bounded(ctx, w.j.place); err != nil { // a try before may have ended by it
		return err
	}
	if w.next != c.GetCounts().GetBatches() || w.total.GetRowsIn() != c.GetCounts().GetValid() || w.digest != c.GetDigest() {
		return &Error{Code: "books", Message: fmt.Sprintf("partition %d arrived at stage %s as %d batches, %d rows, digest %s, and was sent as %d, %d, %s; its input may have changed while it was read: run it again under a new id",
			w.j.place.Partition.GetNumber(), w.j.place.Stage.GetName(), w.next, w.total.GetRowsIn(), w.digest, c.GetCounts().GetBatches(), c.GetCounts().GetValid(), c.GetDigest())}
	}
	digest := w.segments
	if w.out.subject != "" {
		digest = w.went
	}
	if err := w.r.close(ctx, w.j, &datav1.PartitionDone{Counts: w.total, Digest: digest, Attempt: w.attempt}, w.out); err != nil {
		return err
	}
	return m.Ack()
}

// dead puts a message that is no batch on the dead letters, and makes the error its partition's. Other errors pass.
func (w *carrying) dead(ctx context.Context, m jetstream.Msg, err error) error {
	var bad *Undecodable
	if !errors.As(err, &bad) {
		return err
	}
	p, at := w.j.place, "?"
	if meta, err := m.Metadata(); err == nil {
		at = strconv.FormatUint(meta.Sequence.Stream, 10)
	}
	if err := bury(ctx, w.r.Bus, m, at, err); err != nil {
		return err
	}
	_ = m.TermWithReason(err.Error())
	return &Error{Code: "undecodable", Message: fmt.Sprintf("message %s of %s, number %s, partition %d of stage %s: %v; it is kept among the dead letters (stream DLQ)",
		at, m.Subject(), m.Headers().Get(arrowio.HeaderBatch), p.Partition.GetNumber(), p.Stage.GetName(), err)}
}
