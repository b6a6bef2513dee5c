package frames

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// Spec says whose deltas a stream carries.
type Spec struct {
	Gateway  string
	Sequence uint64
	Attempt  uint32
	Start    Start
	Credit   uint32 // deltas that may be sent before the first grant
	Stream   bool   // the client reads a stream: a delta does not wait for others
}

// Progress is how far a stream came.
type Progress struct {
	First    time.Time // of the first delta that an engine emitted; zero where there was none
	Last     time.Time
	Next     uint32 // index of the next delta
	Tokens   int    // generated tokens that were sent
	Finished bool   // the engine emitted its last delta
	Usage    engine.Usage
	Timing   engine.Timing
	Finish   engine.FinishReason
}

// Stream numbers, encodes and keeps the deltas of one attempt of one sequence. It implements engine.Output. All
// methods are safe for concurrent use, but only one goroutine may be in Wait. Only Emit and Fail may wait for the
// connection, and no other method waits for them meanwhile.
type Stream struct {
	sender *Sender
	to     *gateway
	start  Start
	stream bool
	limit  atomic.Uint32
	next   atomic.Uint32 // written under mu
	more   chan struct{} // a grant came

	mu       sync.Mutex
	head     []byte
	kept     ring
	sealed   bool
	progress Progress
}

// Open makes a stream. Close ends it.
func (s *Sender) Open(spec Spec) *Stream {
	st := &Stream{
		sender: s, to: s.gateway(spec.Gateway, 1), start: spec.Start, stream: spec.Stream,
		more: make(chan struct{}, 1), head: appendHead(nil, spec.Sequence, spec.Attempt),
	}
	st.limit.Store(spec.Credit)
	s.open.Add(1)
	return st
}

// Streamed says whether the client reads a stream; call it before the first delta.
func (st *Stream) Streamed(yes bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.stream = yes
}

// Begin replaces what the first delta says of the model; call it before that. The time in the queue stays.
func (st *Stream) Begin(s Start) {
	st.mu.Lock()
	defer st.mu.Unlock()
	s.QueueNanos = st.start.QueueNanos
	st.start = s
}

// Emit implements engine.Output. What comes after Seal or the last delta is dropped.
func (st *Stream) Emit(d engine.Delta) {
	if st.emit(d) {
		st.to.push()
	}
}

func (st *Stream) emit(d engine.Delta) (push bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.sealed {
		return false
	}
	now := time.Now()
	if st.progress.First.IsZero() {
		st.progress.First = now
	}
	st.progress.Last = now
	st.progress.Tokens += tokensOf(&d)
	if d.Finish != engine.FinishNone {
		st.sealed, st.progress.Finished, st.progress.Finish = true, true, d.Finish
		if d.Usage != nil {
			st.progress.Usage = *d.Usage
		}
		if d.Timing != nil {
			st.progress.Timing = *d.Timing
		}
	}
	d.Text, d.Reasoning = strings.ToValidUTF8(d.Text, "\uFFFD"), strings.ToValidUTF8(d.Reasoning, "\uFFFD")
	d.Extra = validExtra(d.Extra)
	return st.fit(d)
}

// tokensOf counts generated tokens; a text or a part of a tool call without ids counts as one, as servers stream them.
func tokensOf(d *engine.Delta) int {
	calls := d.Extra != nil && len(d.Extra.ToolCalls) > 0
	if n := max(len(d.Tokens), len(d.Logprobs)); n > 0 || d.Text == "" && d.Reasoning == "" && !calls {
		return n
	}
	return 1
}

// Fail ends the stream with an error, unless it has ended or is sealed. usage may be nil.
func (st *Stream) Fail(f Failure, usage *engine.Usage) {
	if st.fail(&f, usage) {
		st.to.push()
	}
}

func (st *Stream) fail(f *Failure, usage *engine.Usage) (push bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.sealed {
		return false
	}
	st.sealed = true
	return st.put(engine.Delta{Usage: usage}, f)
}

// Seal drops what is emitted from now on and returns how far the stream came.
func (st *Stream) Seal() Progress {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.sealed = true
	return st.current()
}

// SealUnstarted is Seal where no delta was emitted yet; else it does nothing and returns false.
func (st *Stream) SealUnstarted() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.next.Load() > 0 {
		return false
	}
	st.sealed = true
	return true
}

// Progress returns how far the stream came.
func (st *Stream) Progress() Progress {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.current()
}

func (st *Stream) current() Progress {
	p := st.progress
	p.Next = st.next.Load()
	return p
}

// Resend publishes again what was emitted from an index on. It returns false where the oldest of it is gone for good;
// nothing is sent then but, at that index, the error.
func (st *Stream) Resend(from uint32, gone Failure) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	next := st.next.Load()
	if from >= next {
		return true
	}
	to := st.sender.gateway(st.to.name, 0) // a gateway that was away may have been forgotten meanwhile
	defer to.rouse()
	if _, ok := st.kept.at(from); !ok {
		st.sealed = true
		to.add(appendDelta(nil, st.head, from, nil, &engine.Delta{}, &gone), false)
		return false
	}
	for i := from; i < next; i++ {
		b, _ := st.kept.at(i)
		to.add(b, false)
		st.sender.resent.Add(1)
	}
	return true
}

// Remind publishes the last delta again where the stream has waited for credit for longer than after.
func (st *Stream) Remind(after time.Duration) {
	st.mu.Lock()
	defer st.mu.Unlock()
	next := st.next.Load()
	if st.sealed || next == 0 || st.Credit() > 0 || time.Since(st.progress.Last) < after {
		return
	}
	if b, ok := st.kept.at(next - 1); ok {
		to := st.sender.gateway(st.to.name, 0)
		to.add(b, false)
		to.rouse()
		st.sender.resent.Add(1)
	}
}

// Close says that nobody emits any more, and gives back the memory that only emitting needs. What is kept can still be
// resent. It returns the bytes that are kept.
func (st *Stream) Close() int {
	st.sender.open.Add(-1)
	st.sender.mu.Lock()
	st.to.open--
	st.sender.mu.Unlock()
	st.mu.Lock()
	defer st.mu.Unlock()
	st.sealed = true
	st.kept.shrink()
	return cap(st.kept.buf) + 8*cap(st.kept.ends) + overhead
}

// overhead is about what a stream costs beside its deltas.
const overhead = 512

// fit queues a delta in as many pieces as the frame size asks for.
func (st *Stream) fit(d engine.Delta) (push bool) {
	if size(&d) > st.sender.opts.MaxFrame/2 {
		if a, b, ok := halve(d); ok {
			first := st.fit(a)
			return st.fit(b) || first
		}
	}
	return st.put(d, nil)
}

func (st *Stream) put(d engine.Delta, failure *Failure) (push bool) {
	index := st.next.Load()
	var start *Start
	if index == 0 {
		start = &st.start
	}
	from := len(st.kept.buf)
	st.kept.buf = appendDelta(st.kept.buf, st.head, index, start, &d, failure)
	st.kept.added()
	st.next.Store(index + 1)
	last := d.Finish != engine.FinishNone || failure != nil
	push = st.to.add(st.kept.buf[from:], !st.stream && !last && st.Credit() > st.sender.opts.Deltas/4)
	st.kept.keep(st.sender.opts.Deltas, st.sender.opts.Bytes)
	return push
}

// Grant lets the stream emit deltas with an index below a limit. A lower limit than before changes nothing.
func (st *Stream) Grant(below uint32) {
	for {
		old := st.limit.Load()
		if below <= old {
			return
		}
		if st.limit.CompareAndSwap(old, below) {
			break
		}
	}
	select {
	case st.more <- struct{}{}:
	default:
	}
}

// Credit implements engine.Output.
func (st *Stream) Credit() int { return int(st.limit.Load()) - int(st.next.Load()) }

// Wait implements engine.Output.
func (st *Stream) Wait(ctx context.Context) error {
	for st.Credit() <= 0 {
		select {
		case <-st.more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
