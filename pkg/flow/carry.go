package flow

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/bus"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

const (
	fetchMost = 8
	fetchWait = time.Second
	gapDelay  = 300 * time.Millisecond // until a batch comes again that came before its turn
	idleTurns = 3                      // fetches without a batch until another partition may have the place
	gapMost   = 5 * ackWait            // how long a batch may not come that was sent: what a dead replica held comes sooner
)

// What JetStream takes as the answer to a message.
var ack, inProgress = []byte("+ACK"), []byte("+WPI")

// carrying is a stage's work on a partition. All is one goroutine's but held, which the keeper reads.
type carrying struct {
	r        *Runner
	j        job
	attempt  uint32
	in       jetstream.Consumer
	out      *publisher
	next     uint64 // the number of the batch that comes next
	stands   uint64 // the number of the first batch of which no fact says that it is done
	total    *datav1.Counts
	digest   string // over the batches so far
	went     string // over what was sent on
	segments string // over what was made of them
	segment  uint32
	seg      Segment // nil: none is open
	batches  uint64  // of the open one
	bytes    uint64
	rows     uint64
	sent     *datav1.Counts // what went on of the open one

	mu   sync.Mutex
	held []string // where the open segment's messages are acknowledged; not the messages, which are as large as the segment
}

// carry does a partition of a stage that reads batches.
func (r *Runner) carry(ctx context.Context, j job) error {
	w := &carrying{r: r, j: j, total: &datav1.Counts{}}
	run, stage, partition := j.place.Run.GetId(), j.place.Stage.GetName(), j.place.Partition.GetNumber()
	todo := false
	r.board.look(run, func(s *State) {
		w.attempt, todo = s.Attempt(), s.todo(stage, partition) && !s.Over()
		for _, d := range s.standing(stage, partition) {
			w.counted(d)
		}
	})
	if !todo {
		return nil
	}
	w.out = r.publisher(j.place, w.attempt)
	if err := w.open(ctx); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	var alive sync.WaitGroup
	alive.Go(func() { w.keepAlive(ctx) })
	defer alive.Wait()
	defer stop()
	defer func() {
		if w.seg != nil {
			w.seg.Discard()
		}
	}()
	return w.loop(ctx)
}

// counted takes in a segment that is done.
func (w *carrying) counted(d *datav1.SegmentDone) {
	add(w.total, d.GetCounts())
	w.next, w.stands, w.segment, w.digest, w.went = d.GetNextBatch(), d.GetNextBatch(), d.GetSegment()+1, d.GetDigest(), d.GetSent()
	for _, o := range d.GetObjects() {
		w.segments = chain(w.segments, o.GetDigest())
	}
}

// keepAlive says of all held messages that they are worked on.
func (w *carrying) keepAlive(ctx context.Context) {
	tick := time.NewTicker(ackWait / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		w.mu.Lock()
		for _, reply := range w.held {
			_ = w.r.Bus.Conn(bus.Bulk).Publish(reply, inProgress) // one that is lost is said again
		}
		w.mu.Unlock()
	}
}

func (w *carrying) loop(ctx context.Context) error {
	for idle, since := 0, time.Now(); ; {
		before := w.next
		n, done, err := w.some(ctx)
		if done || err != nil {
			return err
		}
		if idle++; n > 0 {
			idle = 0
		}
		if w.next > before {
			since = time.Now()
		}
		late := time.Since(since) > w.r.gapMost
		if !late && idle < idleTurns {
			continue
		}
		switch gone, err := w.missed(ctx, n == 0); {
		case err != nil:
			return err
		case gone && late:
			return w.lost()
		case !gone && idle >= idleTurns:
			return errYield
		}
	}
}

// some takes the messages that have come, and says how many.
func (w *carrying) some(ctx context.Context) (n int, done bool, err error) {
	if err := ctx.Err(); err != nil {
		return 0, false, err
	}
	got, err := w.in.Fetch(fetchMost, jetstream.FetchMaxWait(fetchWait))
	if err != nil {
		return 0, false, fmt.Errorf("fetch batches: %w", err)
	}
	for m := range got.Messages() {
		n++
		if done, err := w.message(ctx, m); done || err != nil {
			return n, done, err
		}
	}
	if err := got.Error(); err != nil && !errors.Is(err, jetstream.ErrNoMessages) {
		return n, false, fmt.Errorf("fetch batches: %w", err)
	}
	return n, false, nil
}

// message does what a message's number asks for.
func (w *carrying) message(ctx context.Context, m jetstream.Msg) (done bool, err error) {
	n, err := number(m.Headers())
	if err != nil {
		return false, w.dead(ctx, m, err)
	}
	switch {
	case n < w.stands:
		return false, m.Ack()
	case n < w.next: // delivered again: it is the only copy until the segment is done, and is acknowledged with it
		w.hold(m)
		return false, nil
	case n > w.next:
		return false, m.NakWithDelay(gapDelay)
	}
	batch, digest, end, err := incoming(ctx, w.j.place.Blob, m.Headers(), m.Data())
	if err != nil {
		return false, w.dead(ctx, m, err)
	}
	if end != nil {
		return true, w.end(ctx, m, end)
	}
	if err := w.take(ctx, batch, digest); err != nil {
		return false, w.dead(ctx, m, err)
	}
	w.hold(m)
	if w.batches >= w.r.cfg.perSegment() || w.bytes >= w.r.cfg.segment(w.j.place.Run) {
		return false, w.cut(ctx)
	}
	return false, nil
}

func (w *carrying) hold(m jetstream.Msg) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = append(w.held, m.Reply())
}

// take gives a batch to the stage, and sends on what that makes of it.
func (w *carrying) take(ctx context.Context, b Batch, digest string) (err error) {
	if w.seg == nil {
		p := w.j.place
		p.Segment, p.FirstRow = w.segment, w.total.GetRowsIn()
		if w.seg, err = w.r.handlers[p.Stage.GetKind()].Segment(ctx, p); err != nil {
			return err
		}
		w.sent = &datav1.Counts{}
	}
	out := b
	if len(b.Data) > 0 {
		if out, err = w.seg.Add(ctx, w.next, b); err != nil {
			return err
		}
	}
	sent, err := w.out.batch(ctx, w.next, out)
	if err != nil {
		return err
	}
	if w.out.subject != "" {
		w.went = chain(w.went, sent)
	}
	w.sent.Batches++
	w.sent.Bytes += uint64(len(b.Data))
	w.digest = chain(w.digest, digest)
	w.next, w.batches, w.rows, w.bytes = w.next+1, w.batches+1, w.rows+b.Rows, w.bytes+uint64(len(b.Data))
	return nil
}
