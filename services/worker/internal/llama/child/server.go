package child

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/llama/wire"
)

// tokenisers bounds how many prompts are tokenised at once, beside the compute threads.
const tokenisers = 2

// server turns the worker's frames into calls of the scheduler.
type server struct {
	conn  *wire.Conn
	s     *scheduler // of the model without an adapter
	lanes *lanes
	gate  chan struct{} // one entry a running tokenisation
	gone  chan struct{} // closed when the worker is

	mu   sync.Mutex
	seqs map[uint64]*entry
}

// entry is a sequence that the worker knows. seq is nil while its prompt is tokenised.
type entry struct {
	seq    *sequence
	lane   *lane // nil: no adapter
	paused bool
}

func newServer(c *wire.Conn, l *lanes) *server {
	v := &server{conn: c, s: l.base, lanes: l, gate: make(chan struct{}, tokenisers), gone: make(chan struct{}), seqs: make(map[uint64]*entry)}
	l.base.emit = v.sendStep
	for _, a := range l.list() {
		a.s.emit = v.sendStep
	}
	return v
}

// run serves until the worker is gone.
func (v *server) run() error {
	go v.receive()
	v.s.busy.Store(true)
	for {
		worked, err := v.lanes.turn()
		if err != nil {
			return err
		}
		select {
		case <-v.gone:
			return nil
		default:
		}
		if worked {
			continue
		}
		v.s.busy.Store(false)
		select {
		case <-v.s.wake:
		case <-v.gone:
			return nil
		}
		v.s.busy.Store(true)
	}
}

// receive reads frames until the socket ends. The worker's death must end this process at once, even inside a native
// call, so it does not wait for the scheduler.
func (v *server) receive() {
	for {
		f, err := v.conn.Recv()
		if err == nil {
			err = v.handle(f)
		}
		if err == nil {
			continue
		}
		if errors.Is(err, io.EOF) {
			os.Exit(0)
		}
		fmt.Fprintln(os.Stderr, "engine llama:", err)
		os.Exit(1)
	}
}

func (v *server) handle(f wire.Frame) error {
	switch f.Kind {
	case wire.KindSubmit:
		sub, err := wire.DecodeSubmit(f.Payload)
		if err != nil {
			return err
		}
		v.submit(sub)
		return nil
	case wire.KindAdapter:
		var a wire.AdapterCall
		if err := wire.DecodeJSON(f.Payload, &a); err != nil {
			return err
		}
		v.adapter(a)
		return nil
	case wire.KindTokenize:
		t, err := wire.DecodeTokenize(f.Payload)
		if err == nil {
			go v.tokenize(t)
		}
		return err
	case wire.KindDetokenize:
		t, err := wire.DecodeTokens(f.Payload)
		if err == nil {
			go v.detokenize(t)
		}
		return err
	case wire.KindCancel, wire.KindPause, wire.KindResume, wire.KindPing:
		id, err := wire.DecodeID(f.Payload)
		if err == nil {
			err = v.control(f.Kind, id)
		}
		return err
	default:
		return wire.ErrFrame
	}
}

func (v *server) control(kind wire.Kind, id uint64) error {
	if kind == wire.KindPing {
		p := wire.Pong{Ping: id, Moves: v.s.moves.Load(), Busy: v.s.busy.Load()}
		return v.conn.Send(wire.KindPong, p.Append)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	e := v.seqs[id]
	switch {
	case e == nil: // it ended meanwhile
	case kind != wire.KindCancel:
		e.paused = kind == wire.KindPause
		if e.seq != nil {
			e.seq.home.pause(e.seq, e.paused)
		}
	default:
		// The end is told now, not after the running decode step: whatever takes the slot next is admitted after the
		// scheduler has cleared it. A prompt that is still being tokenised will find no entry, and the worker drops
		// what the running step still makes for the id.
		delete(v.seqs, id)
		if e.seq != nil {
			e.seq.home.cancel(e.seq)
		}
		v.lanes.leave(e.lane)
		go v.end(wire.Event{ID: id, End: true, Cancelled: true})
	}
	return nil
}

// submit checks and tokenises a prompt beside the compute thread, reads its grammar, then queues it.
func (v *server) submit(sub wire.Submit) {
	e := &entry{}
	var err error
	if e.lane, err = v.lanes.enter(sub.Req.Adapter); err != nil {
		v.end(wire.Event{ID: sub.ID, End: true, Err: asEngineError(err)})
		return
	}
	v.mu.Lock()
	v.seqs[sub.ID] = e
	v.mu.Unlock()
	if sub.Req.Prompt.Tokens != nil && sub.Req.Grammar == "" {
		v.prepare(sub, e)
		return
	}
	go func() {
		v.gate <- struct{}{}
		defer func() { <-v.gate }()
		v.prepare(sub, e)
	}()
}

func (v *server) prepare(sub wire.Submit, e *entry) {
	q, err := newSequence(sub.ID, &sub.Req, v.s.m, v.s.gs)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.seqs[sub.ID] != e {
		return // cancelled meanwhile
	}
	if err != nil {
		delete(v.seqs, sub.ID)
		v.lanes.leave(e.lane)
		go v.end(wire.Event{ID: sub.ID, End: true, Err: asEngineError(err)})
		return
	}
	q.paused, q.home = e.paused, v.s
	if e.lane != nil {
		q.home = e.lane.s
	}
	e.seq = q
	q.home.submit(q)
}

func asEngineError(err error) *engine.Error {
	var ee *engine.Error
	if !errors.As(err, &ee) {
		ee = &engine.Error{Code: "engine_error", Message: err.Error(), Retry: true}
	}
	return ee
}

// adapter loads or unloads an adapter between two turns and answers.
func (v *server) adapter(a wire.AdapterCall) {
	done := func(info wire.Adapter) {
		_ = v.conn.SendJSON(wire.KindAdapterDone, wire.AdapterDone{Call: a.Call, Adapter: info})
	}
	if !a.Unload {
		v.lanes.post(func() { done(v.lanes.load(a.Name, a.Path)) })
		return
	}
	gone, err := v.lanes.unload(a.Name)
	if err != nil {
		ee := asEngineError(err)
		done(wire.Adapter{Name: a.Name, Code: ee.Code, Err: ee.Message})
		return
	}
	v.lanes.post(func() {})
	go func() {
		<-gone
		done(wire.Adapter{Name: a.Name})
	}()
}

// end tells the end of a sequence that the scheduler never saw.
func (v *server) end(ev wire.Event) {
	v.sendStep(&wire.Step{Events: []wire.Event{ev}})
}

func (v *server) sendStep(st *wire.Step) {
	v.mu.Lock()
	for i := range st.Events {
		if id := st.Events[i].ID; st.Events[i].End {
			if e := v.seqs[id]; e != nil {
				v.lanes.leave(e.lane)
				delete(v.seqs, id)
			}
		}
	}
	v.mu.Unlock()
	// A failed write means that the worker is gone; receive sees that too and ends the process.
	_ = v.conn.Send(wire.KindStep, st.Append)
}

func (v *server) tokenize(t wire.Tokenize) {
	v.gate <- struct{}{}
	defer func() { <-v.gate }()
	out := wire.Tokens{Call: t.Call}
	var err error
	if out.IDs, err = v.s.m.Tokenize(t.Text, t.AddSpecial, t.ParseSpecial); err != nil {
		out.Err = err.Error()
	}
	_ = v.conn.Send(wire.KindTokens, out.Append)
}

func (v *server) detokenize(t wire.Tokens) {
	v.gate <- struct{}{}
	defer func() { <-v.gate }()
	out := wire.Text{Call: t.Call}
	var err error
	if out.Text, err = v.s.m.Detokenize(t.IDs); err != nil {
		out.Err = err.Error()
	}
	_ = v.conn.Send(wire.KindText, out.Append)
}
