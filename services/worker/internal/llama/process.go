package llama

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/llama/wire"
)

// process is one life of the child, seen from the worker.
type process struct {
	conn  *wire.Conn
	kill  func()
	log   *stderrLog
	exit  chan struct{} // closed when the process is reaped
	state string        // how it exited; read after exit
	ready wire.Ready

	next  atomic.Uint64
	moves atomic.Uint64 // the child's turns as of the last pong
	born  time.Time
	pong  atomic.Int64 // when the last pong came, in nanoseconds of age, which a suspended machine does not count
	moved atomic.Int64 // when the child was last seen to move or to be idle, likewise

	mu    sync.Mutex
	calls map[uint64]*call
	asks  map[uint64]chan wire.Frame
	dead  error // set when no more calls are taken
}

// call is one sequence on its way.
type call struct {
	id      uint64
	out     engine.Output
	waiting atomic.Bool   // a pause was sent and not yet taken back
	dry     chan struct{} // the reader takes no more deltas for now
	ended   chan struct{}
	err     error // read after ended
	cancel  bool  // it ended because it was cancelled
}

// result is what Generate returns.
func (c *call) result(ctx context.Context) error {
	if c.cancel {
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return c.err
}

// refill waits until the reader takes deltas again, or the call ends.
func (c *call) refill(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-c.ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	_ = c.out.Wait(ctx) // its error is ctx's or the call's end; both are seen by the caller's loop
}

func (p *process) submit(req *engine.Request, out engine.Output) (*call, error) {
	c := &call{id: p.next.Add(1), out: out, dry: make(chan struct{}, 1), ended: make(chan struct{})}
	p.mu.Lock()
	if p.dead != nil {
		p.mu.Unlock()
		return nil, p.dead
	}
	p.calls[c.id] = c
	p.mu.Unlock()
	if err := p.conn.Send(wire.KindSubmit, (&wire.Submit{ID: c.id, Req: *req}).Append); err != nil {
		// Either the request is above the frame limit, or the socket is gone: then the reader ends the call.
		p.finish(c, &engine.Error{Code: "engine_unavailable", Message: "cannot hand the request to the engine process", Retry: true, Err: err}, false)
	}
	return c, nil
}

func (p *process) control(kind wire.Kind, id uint64) {
	_ = p.conn.Send(kind, func(b []byte) []byte { return wire.AppendID(b, id) })
}

// ask sends a question and waits for the frame that answers it.
func (p *process) ask(ctx context.Context, kind wire.Kind, payload func(call uint64) func([]byte) []byte) (wire.Frame, error) {
	return p.await(ctx, func(call uint64) error { return p.conn.Send(kind, payload(call)) })
}

// askJSON is ask for frames of JSON.
func (p *process) askJSON(ctx context.Context, kind wire.Kind, payload func(call uint64) any) (wire.Frame, error) {
	return p.await(ctx, func(call uint64) error { return p.conn.SendJSON(kind, payload(call)) })
}

func (p *process) await(ctx context.Context, send func(call uint64) error) (wire.Frame, error) {
	id := p.next.Add(1)
	ch := make(chan wire.Frame, 1)
	p.mu.Lock()
	if p.dead != nil {
		p.mu.Unlock()
		return wire.Frame{}, p.dead
	}
	p.asks[id] = ch
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.asks, id)
		p.mu.Unlock()
	}()
	if err := send(id); err != nil {
		return wire.Frame{}, &engine.Error{Code: "engine_unavailable", Message: "cannot reach the engine process", Retry: true, Err: err}
	}
	select {
	case f := <-ch:
		return f, nil
	case <-ctx.Done():
		return wire.Frame{}, ctx.Err()
	case <-p.exit:
		return wire.Frame{}, crashed(p.state)
	}
}

func (p *process) age() int64 { return int64(time.Since(p.born)) }

func (p *process) running() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.calls)
}

// finish ends a call once.
func (p *process) finish(c *call, err error, cancelled bool) {
	p.mu.Lock()
	_, open := p.calls[c.id]
	delete(p.calls, c.id)
	p.mu.Unlock()
	if open {
		c.err, c.cancel = err, cancelled
		close(c.ended)
	}
}

// fail ends all calls: the process is dead.
func (p *process) fail(closed bool) {
	p.mu.Lock()
	p.dead = crashed(p.state)
	if closed {
		p.dead = engine.ErrClosed
	}
	calls := p.calls
	p.calls = map[uint64]*call{}
	p.mu.Unlock()
	for _, c := range calls {
		if c.err = crashed(p.state); closed {
			c.err = engine.ErrClosed
		}
		close(c.ended)
	}
}

// receive reads frames until the socket ends.
func (p *process) receive(e *Engine) error {
	for {
		f, err := p.conn.Recv()
		if err != nil {
			return err
		}
		switch f.Kind {
		case wire.KindStep:
			st, err := wire.DecodeStep(f.Payload)
			if err != nil {
				return err
			}
			p.apply(e, &st)
		case wire.KindTokens, wire.KindText, wire.KindAdapterDone:
			p.answered(f)
		case wire.KindPong:
			pong, err := wire.DecodePong(f.Payload)
			if err != nil {
				return err
			}
			p.ponged(pong)
		default:
			return wire.ErrFrame
		}
	}
}

// apply emits a step's deltas in one bracket and ends the calls that it ended.
func (p *process) apply(e *Engine, st *wire.Step) {
	p.moved.Store(p.age())
	e.stepped(st)
	if len(st.Events) == 0 {
		return
	}
	if e.deps.Steps != nil {
		e.deps.Steps.Hold()
		defer e.deps.Steps.Release()
	}
	for i := range st.Events {
		ev := &st.Events[i]
		p.mu.Lock()
		c := p.calls[ev.ID]
		p.mu.Unlock()
		if c == nil {
			continue
		}
		if ev.Delta != nil {
			c.out.Emit(*ev.Delta)
		}
		switch {
		case ev.Err != nil:
			p.finish(c, ev.Err, false)
		case ev.End:
			p.finish(c, nil, ev.Cancelled)
		case ev.Delta != nil && !c.waiting.Load() && c.out.Credit() <= 0:
			c.waiting.Store(true)
			p.control(wire.KindPause, c.id)
			c.dry <- struct{}{}
		}
	}
}

// answered hands a tokeniser's answer to who asked.
func (p *process) answered(f wire.Frame) {
	var id uint64
	if t, err := wire.DecodeTokens(f.Payload); f.Kind == wire.KindTokens && err == nil {
		id = t.Call
	} else if t, err := wire.DecodeText(f.Payload); f.Kind == wire.KindText && err == nil {
		id = t.Call
	} else if a := (wire.AdapterDone{}); f.Kind == wire.KindAdapterDone && wire.DecodeJSON(f.Payload, &a) == nil {
		id = a.Call
	}
	p.mu.Lock()
	ch := p.asks[id]
	delete(p.asks, id)
	p.mu.Unlock()
	if ch != nil {
		ch <- f
	}
}

func (p *process) ponged(pong wire.Pong) {
	now := p.age()
	p.pong.Store(now)
	if p.moves.Swap(pong.Moves) != pong.Moves || !pong.Busy {
		p.moved.Store(now)
	}
}
