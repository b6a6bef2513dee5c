package openai

import (
	"bytes"
	"errors"
	"io"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/openai/h1"
)

// stream is the state of reading one event stream.
type stream struct {
	s       *sequence
	r       *reply
	pending engine.Delta // read and not yet emitted: deltas that arrive together leave together
	some    bool
	last    answer // usage and timings, from wherever they came
	finish  string
	deltas  int // events that carried something generated
	calls   toolCalls
	err     error // of an emit inside a read

	followed bool // steps read it: nothing may wait
	starved  bool // the reader takes no more for now
	over     bool
	result   error // where over
	panicked any   // what a step panicked with
}

// readStream relays an event stream to its end. It ends well once a finish reason was there, whether or not [DONE]
// follows; without one it is truncated, whatever else it says.
func (s *sequence) readStream(r *reply) error {
	st := &stream{s: s, r: r, calls: toolCalls{request: s.req.ID}}
	if s.req.Echo {
		if err := s.spell(); err != nil {
			return err
		}
	}
	sse := &s.scratch.sse
	sse.reset(r.body, s.scratch.buf, s.e.cfg.MaxEvent, st.flush)
	s.scratch.like = likeness{}
	defer func() { s.scratch.buf = sse.buf }()
	if body, ok := r.body.(*h1.Response); ok {
		if done, err := st.follow(body); done {
			return err
		}
	}
	return st.advance()
}

// follow has the stream read in steps, with many others by one goroutine; done is false where it cannot be.
func (st *stream) follow(body *h1.Response) (done bool, err error) {
	st.followed = true
	for {
		ok, err := body.Follow(st.s.ctx, st.step)
		switch {
		case st.panicked != nil:
			panic(st.panicked) // where panics are caught
		case !ok:
			st.followed = false
			return false, nil
		case err != nil:
			return true, err
		case st.over:
			return true, st.result
		}
		if err := st.s.await(); err != nil {
			return true, err
		}
		st.starved = false
	}
}

// step takes what has come; false: the stream is over, or its reader must be waited for.
func (st *stream) step() (more bool) {
	defer func() {
		if st.panicked = recover(); st.panicked != nil {
			more = false
		}
	}()
	if err := st.advance(); err != h1.ErrAgain {
		st.over, st.result = true, err
	}
	return !st.over && !st.starved
}

// advance takes events until the stream's end, or until there is nothing more to take now: h1.ErrAgain.
func (st *stream) advance() error {
	sse := &st.s.scratch.sse
	for !st.starved {
		data, err := sse.next()
		if err == h1.ErrAgain {
			return err
		}
		if err == nil && st.err != nil {
			return st.err
		}
		if err != nil {
			return st.end(err)
		}
		if bytes.Equal(data, []byte("[DONE]")) {
			st.r.complete = true
			return st.end(io.EOF)
		}
		if err := st.event(data); err != nil {
			st.flush() // what was good still goes out
			return err
		}
	}
	return h1.ErrAgain
}

// event takes one chunk.
func (st *stream) event(data []byte) error {
	s := st.s
	if a, ok := s.scratch.like.read(data); ok && st.finish == "" {
		return st.take(&a)
	}
	a, err := s.scratch.parser.parse(data)
	if err != nil {
		if st.finish != "" {
			return nil // the answer is whole; what comes behind it is not needed
		}
		return protocol("an event of the stream is "+err.Error(), nil)
	}
	if a.failed && st.finish == "" {
		return s.e.refusal(0, "", data)
	}
	if a.usage.given {
		st.last.usage = a.usage
	}
	if a.timings.given {
		st.last.timings = a.timings
	}
	if !a.choice || st.finish != "" {
		return nil
	}
	s.scratch.like.learn(data, a)
	return st.take(a)
}

// take adds what a chunk generated to the pending delta.
func (st *stream) take(a *answer) error {
	s := st.s
	if a.text != "" || a.reasoning != "" || a.logprobs != nil || a.calls != nil {
		s.alive()
		if !s.first.Load() {
			s.generatedFirst()
		}
		st.deltas++
	}
	// A delta's reasoning comes before its text, and its calls of tools after it.
	if a.reasoning != "" && st.pending.Text != "" || st.pending.Extra != nil && (a.reasoning != "" || a.text != "") {
		if st.flush(); st.err != nil {
			return st.err
		}
	}
	if a.logprobs != nil && s.req.Logprobs {
		lps, err := decodeLogprobs(a.logprobs, s.req.TopLogprob)
		if err != nil {
			return protocol("logprobs", err)
		}
		st.pending.Logprobs = append(st.pending.Logprobs, lps...)
		st.some = st.some || len(lps) > 0
	}
	st.pending.Reasoning += a.reasoning
	st.pending.Text += a.text
	st.some = st.some || a.reasoning != "" || a.text != ""
	if a.calls != nil {
		if err := st.called(a.calls); err != nil {
			return err
		}
	}
	if a.finish != "" {
		if aborted(a.finish) {
			return truncated(errors.New("finish reason " + a.finish))
		}
		st.finish = st.calls.finish(a.finish)
		s.tail.Store(true)
	}
	return nil
}

// called adds parts of tool calls to the pending delta.
func (st *stream) called(raw []byte) error {
	parts, err := st.calls.read(raw)
	if err != nil {
		return protocol("an event of the stream", err)
	}
	if len(parts) > 0 {
		if st.pending.Extra == nil {
			st.pending.Extra = &engine.Extra{}
		}
		st.pending.Extra.ToolCalls = append(st.pending.Extra.ToolCalls, parts...)
		st.some = true
	}
	return nil
}

// flush emits what is pending; the delta that ends the sequence waits for the usage behind it.
func (st *stream) flush() {
	if !st.some || st.finish != "" || st.err != nil || st.starved {
		return
	}
	d := st.pending
	st.pending, st.some = engine.Delta{}, false
	if !st.followed {
		st.err = st.s.emit(d)
		return
	}
	st.err = st.s.deliver(d)
	st.starved = st.s.out.Credit() <= 0
}

// end concludes: err is io.EOF for an orderly end.
func (st *stream) end(err error) error {
	if st.finish != "" {
		st.s.conclude(st.pending, &st.last, st.finish, st.deltas)
		return nil
	}
	st.flush()
	if st.err != nil {
		return st.err
	}
	if errors.Is(err, errEventSize) {
		return protocol("raise --upstream-max-event", err)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return truncated(err)
}
