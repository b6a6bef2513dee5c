package gateway

import (
	"runtime"
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
}

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
		for i, o := range due {
			due[i] = nil
			p.buf = o.flow(p.buf)
		}
		if cap(p.buf) > 64<<10 {
			p.buf = nil
		}
		p.mu.Lock()
		p.spare = due[:0]
		p.mu.Unlock()
	}
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

// flow writes what has come. buf is the pump's; it is returned, grown where need be.
func (o *outflow) flow(buf []byte) []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queued.Store(false) // before looking: what comes from now on asks again
	if o.over {
		return buf
	}
	a := o.answer
	if err := a.collect(); err != nil || a.left == 0 {
		o.end(a.pieces, err)
		return buf
	}
	buf = spellAll(append(buf[:0], room[:]...), o.face, a.pieces)
	if len(buf) == len(room) {
		return buf
	}
	chunk := host.Chunk(buf)
	if n, _ := o.line.Try(chunk); n < len(chunk) { // an error meets the handler again, with the rest
		o.rest = append([]byte(nil), chunk[n:]...)
		o.end(nil, nil)
	}
	return buf
}

var room [host.ChunkRoom]byte
