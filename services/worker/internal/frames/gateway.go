package frames

import (
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// gateway is what waits for one gateway, and the goroutine that publishes it.
type gateway struct {
	sender *Sender
	name   string
	head   []byte // encoded Frame.worker
	number uint64
	wake   chan struct{}
	done   chan struct{}
	once   sync.Once
	open   int // streams that may emit; under Sender.mu

	sending sync.Mutex // held while a batch is published, which keeps their order
	mu      sync.Mutex
	pending batch
	spare   batch
	patient *time.Timer // wakes for deltas that may wait
	armed   bool
}

// batch is a run of encoded deltas behind room for a frame's other fields.
type batch struct {
	buf  []byte
	ends []int
}

func newGateway(s *Sender, name string) *gateway {
	g := &gateway{
		sender: s, name: name, wake: make(chan struct{}, 1), done: make(chan struct{}),
		head: protowire.AppendString(protowire.AppendTag(nil, frameWorker, protowire.BytesType), s.worker),
	}
	g.patient = time.AfterFunc(time.Hour, func() {
		g.mu.Lock()
		g.armed = false
		g.mu.Unlock()
		g.rouse()
	})
	g.patient.Stop()
	return g
}

func (g *gateway) stop() {
	g.once.Do(func() {
		g.patient.Stop()
		close(g.done)
	})
}

// add queues an encoded delta and never blocks: who calls it may hold a stream's lock, or be in front of everything that
// arrives. Unless the delta may wait for others it returns true, and push or rouse must follow.
func (g *gateway) add(delta []byte, mayWait bool) bool {
	g.mu.Lock()
	b := &g.pending
	if len(b.buf) == 0 {
		b.buf = append(b.buf, make([]byte, g.room())...)
	}
	b.buf = append(b.buf, delta...)
	b.ends = append(b.ends, len(b.buf))
	arm := mayWait && !g.armed
	g.armed = g.armed || mayWait
	g.mu.Unlock()
	if arm {
		g.patient.Reset(g.sender.opts.Patience)
	}
	return !mayWait
}

// push publishes what is pending at once where nothing is gained by waiting, and else as soon as the goroutine gets to
// it. It may wait for the connection: call it without a lock.
func (g *gateway) push() {
	if !g.tryFlush() {
		g.rouse()
	}
}

func (g *gateway) room() int { return len(g.head) + 1 + 10 }

func (g *gateway) rouse() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

func (g *gateway) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-g.wake:
			g.collect(timer)
			g.flush()
		case <-g.done:
			g.flush()
			return
		}
	}
}

// collect waits a moment for more where many streams are open and no engine says when a step ends.
func (g *gateway) collect(timer *time.Timer) {
	s := g.sender
	if s.stepped.Load() || s.open.Load() <= int64(s.opts.Crowd) {
		return
	}
	timer.Reset(s.opts.Collect)
	select {
	case <-timer.C:
	case <-g.done:
	}
}

// tryFlush publishes what is pending in the emitter's own goroutine, which saves the way to another one, unless there is
// a crowd whose deltas should leave together, an engine's step is under way, or somebody publishes already.
func (g *gateway) tryFlush() bool {
	s := g.sender
	if s.open.Load() > int64(s.opts.Crowd) || !g.sending.TryLock() {
		return false
	}
	defer g.sending.Unlock()
	if !s.gate.TryLock() {
		return false
	}
	g.publish()
	return true
}

// flush publishes what is pending.
func (g *gateway) flush() {
	g.sending.Lock()
	defer g.sending.Unlock()
	g.sender.gate.Lock()
	g.publish()
}

// publish takes what is pending, opens the gate, and sends it in as few frames as the size allows.
func (g *gateway) publish() {
	g.mu.Lock()
	b := g.pending
	g.pending, g.spare = g.spare, batch{}
	g.mu.Unlock()
	g.sender.gate.Unlock()
	from, first := g.room(), 0
	for i, end := range b.ends {
		if i+1 < len(b.ends) && b.ends[i+1]-from+g.room() <= g.sender.opts.MaxFrame {
			continue
		}
		g.send(b.buf, from, end, i+1-first)
		from, first = end, i+1
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if cap(b.buf) <= 1<<18 {
		g.spare = batch{buf: b.buf[:0], ends: b.ends[:0]}
	}
}

// send publishes buf[from:end] behind the fields of its frame, written over what lies before: that was sent already.
func (g *gateway) send(buf []byte, from, end, deltas int) {
	g.number++
	var num [11]byte
	n := protowire.AppendVarint(protowire.AppendTag(num[:0], frameNumber, protowire.VarintType), g.number)
	start := from - len(n) - len(g.head)
	copy(buf[start:], g.head)
	copy(buf[start+len(g.head):], n)
	s := g.sender
	s.frames.Add(1)
	s.deltas.Add(uint64(deltas))
	s.bytes.Add(uint64(end - start))
	if err := s.publish(g.name, buf[start:end]); err != nil {
		s.failed.Add(1)
	}
}
