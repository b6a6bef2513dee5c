package gateway

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/leathq/leat/pkg/host"
)

// pumps write the events of open streams as frames arrive. A frame carries deltas of many streams; waking a goroutine
// for each of them cost more than the writing itself. A stream always has the same pump, so its events keep their order.
//
// A pump never waits for a client: what a socket does not take at once goes back to the stream's own handler.
type pumps []*pump

type pump struct {
	mu    sync.Mutex
	due   []*outflow
	spare []*outflow
	wake  chan struct{}
	buf   []byte
	said  []chunk
}

// chunk is what a turn has to write of one stream: buf[from:to] of the pump.
type chunk struct {
	of       *outflow
	from, to int
}

// turnMax bounds the streams of a turn, so that what is spelt is still in the cache when it is written.
const turnMax = 128

func newPumps() pumps {
	ps := make(pumps, max(1, runtime.GOMAXPROCS(0)/2)) // one writes some 200,000 tokens a second; each is woken for every frame
	for i := range ps {
		ps[i] = &pump{wake: make(chan struct{}, 1)}
	}
	return ps
}

func (ps pumps) of(sequence uint64) *pump { return ps[sequence%uint64(len(ps))] }

// run writes until stop is closed; by then no stream is left.
func (ps pumps) run(stop <-chan struct{}) {
	var all sync.WaitGroup
	for _, p := range ps {
		all.Go(func() { p.run(stop) })
	}
	all.Wait()
}

func (p *pump) run(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-p.wake:
		}
		p.mu.Lock()
		due := p.due
		p.due, p.spare = p.spare[:0], nil
		p.mu.Unlock()
		for turn := range slices.Chunk(due, turnMax) {
			p.turn(turn)
			clear(turn)
		}
		if cap(p.buf) > 256<<10 {
			p.buf = nil
		}
		p.mu.Lock()
		p.spare = due[:0]
		p.mu.Unlock()
	}
}

// turn spells the events of some streams, then writes them: the kernel's code and ours would push each other out of the
// cache otherwise, for every token anew. The streams with something to write stay locked in between.
func (p *pump) turn(due []*outflow) {
	buf, said := p.buf[:0], p.said[:0]
	for _, o := range due {
		var size int
		if buf, size = o.spell(buf); size > 0 {
			said = append(said, chunk{o, len(buf) - size, len(buf)})
		}
	}
	for i, c := range said {
		c.of.send(buf[c.from:c.to])
		said[i] = chunk{}
	}
	p.buf, p.said = buf, said
}

func (p *pump) add(o *outflow) {
	p.mu.Lock()
	p.due = append(p.due, o)
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// outflow is the time in which a pump writes a stream's events. It ends once: back is closed, and the handler goes on
// with what is left here.
type outflow struct {
	answer *answer
	face   face
	line   *host.Line
	pump   *pump
	back   chan struct{}
	queued atomic.Bool

	mu     sync.Mutex // held while the answer is the pump's
	over   bool
	rest   []byte  // of a chunk that the client did not take
	pieces []piece // not written: the last ones, or those before a failure
	err    error
}

// begin hands the stream over to a pump.
func (o *outflow) begin(p *pump) {
	o.pump, o.back = p, make(chan struct{})
	o.answer.outflow.Store(o)
	o.due() // for what came before
}

// due asks for a turn of the pump.
func (o *outflow) due() {
	if !o.queued.Swap(true) {
		o.pump.add(o)
	}
}

// leave gives the stream back to its handler.
func (o *outflow) leave(pieces []piece, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.end(pieces, err)
}

func (o *outflow) end(pieces []piece, err error) {
	if o.over {
		return
	}
	o.over, o.pieces, o.err = true, pieces, err
	o.answer.outflow.Store(nil)
	close(o.back)
}

// spell appends what has come to buf, as a chunk of some size. Where there is one, mu stays locked for send.
func (o *outflow) spell(buf []byte) (_ []byte, size int) {
	o.mu.Lock()
	o.queued.Store(false) // before looking: what comes from now on asks again
	from := len(buf)
	if !o.over {
		if err := o.answer.collect(); err != nil || o.answer.left == 0 {
			o.end(o.answer.pieces, err)
		} else if buf = spellAll(append(buf, room[:]...), o.face, o.answer.pieces); len(buf) > from+len(room) {
			buf = slices.Grow(buf, 2)
			size = len(host.Chunk(buf[from:])) // which lies in buf and ends two bytes behind it
			return buf[:len(buf)+2], size
		}
	}
	o.mu.Unlock()
	return buf[:from], 0
}

// send writes a chunk and unlocks. What the client does not take, or an error, meets the handler again.
func (o *outflow) send(chunk []byte) {
	defer o.mu.Unlock()
	if n, _ := o.line.Try(chunk); n < len(chunk) {
		o.rest = append([]byte(nil), chunk[n:]...)
		o.end(nil, nil)
	}
}

var room [host.ChunkRoom]byte
