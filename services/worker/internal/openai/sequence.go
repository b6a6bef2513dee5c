package openai

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// sequence is one request on its way through the upstream.
type sequence struct {
	e      *Engine
	ctx    context.Context
	cancel context.CancelCauseFunc
	req    *engine.Request
	out    engine.Output
	facts  *facts
	prompt int // estimated tokens, until the upstream counts them

	started time.Duration
	// at is when the upstream last showed life for this sequence: its start, then every event with something in it. The
	// watch reads it; paused means that the reader has no credit and the upstream is not read.
	at     atomic.Int64
	first  atomic.Bool // something was generated
	paused atomic.Bool
	ttft   atomic.Int64
	tail   atomic.Bool // the finish reason is there
	spent  int         // tokens, as the upstream counted them

	emitted bool
	fate    atomic.Int32 // undecided until the first delta is handed over, or the sequence is given up for others
	scratch *scratch
}

// The fates of a sequence. Whoever gives one up tells the router to send it elsewhere, so nothing may come after that.
const (
	undecided int32 = iota
	begun
	givenUp
)

// giveUp ends a sequence that has handed over nothing yet; where it has, it does nothing.
func (s *sequence) giveUp(why error) {
	if s.fate.CompareAndSwap(undecided, givenUp) {
		s.cancel(why)
	}
}

// deliver hands over a delta, unless the sequence was given up before its first one.
func (s *sequence) deliver(d engine.Delta) error {
	if !s.emitted {
		if !s.fate.CompareAndSwap(undecided, begun) {
			<-s.ctx.Done() // giveUp is about to cancel
			return context.Cause(s.ctx)
		}
		s.emitted = true
	}
	s.out.Emit(d)
	return nil
}

// scratch is the memory of one call, used again by later ones.
type scratch struct {
	request []byte
	buf     []byte
	sse     sseReader
	parser  *parser
	like    likeness
}

var scratches = sync.Pool{New: func() any {
	return &scratch{buf: make([]byte, 8<<10), parser: newParser()}
}}

// maxKept is the largest buffer that is kept for later calls.
const maxKept = 256 << 10

func (sc *scratch) release() {
	if cap(sc.request) > maxKept {
		sc.request = nil
	}
	if cap(sc.buf) > maxKept {
		sc.buf = make([]byte, 8<<10)
	}
	if cap(sc.sse.multi) > maxKept {
		sc.sse.multi = nil
	}
	sc.sse.r, sc.sse.idle = nil, nil
	sc.parser.s.b = nil
	sc.parser.a = answer{}
	scratches.Put(sc)
}

// begin admits a request.
func (e *Engine) begin(ctx context.Context, req *engine.Request, out engine.Output) (*sequence, error) {
	if err := e.health.admit(); err != nil {
		return nil, err
	}
	s := &sequence{e: e, req: req, out: out, facts: e.facts.Load(), started: e.now(), scratch: scratches.Get().(*scratch)}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	s.prompt = len(req.Prompt.Tokens)
	if s.prompt == 0 {
		s.prompt = (len(req.Prompt.Text) + len(req.Prompt.Messages)) / 4
	}
	s.at.Store(int64(s.started))
	if err := e.calls.add(e, s); err != nil {
		s.scratch.release()
		s.cancel(err)
		return nil, err
	}
	return s, nil
}

func (e *Engine) finish(s *sequence) {
	e.calls.remove(s)
	s.cancel(nil)
	s.scratch.release()
}

// run makes the call and reads the answer.
func (s *sequence) run() error {
	c := call{method: http.MethodPost, id: s.req.ID, trace: traceparent(s.ctx), accept: "application/json"}
	var err error
	c.body, c.path, err = s.e.body(s.scratch.request[:0], s.req, s.facts)
	s.scratch.request = c.body
	if err != nil {
		return err
	}
	streams := relaysStream(s.req)
	if streams {
		c.accept = "text/event-stream"
	}
	r, err := s.e.upstream.do(s.ctx, &c)
	if err != nil {
		return s.e.unreachable(err)
	}
	defer r.close()
	if r.status != http.StatusOK {
		return s.refused(r)
	}
	defer func() {
		if r.tokens = s.spent; r.tokens == 0 {
			r.tokens = s.prompt // it broke off
		}
	}()
	kind := mediaType(r.contentType)
	switch {
	case kind != "" && kind != "application/json" && kind != "text/event-stream" && kind != "text/plain":
		return protocol(fmt.Sprintf("its content type is %q; check that --upstream names an OpenAI-compatible API and no web page", kind), nil)
	case streams && kind != "application/json":
		return s.readStream(r)
	}
	return s.readAnswer(r)
}

// mediaType is a content type without its parameters, of a length that fits an error.
func mediaType(s string) string {
	kind, _, _ := strings.Cut(s, ";")
	return strings.ToLower(strings.TrimSpace(kind[:min(len(kind), 80)]))
}

func (s *sequence) refused(r *reply) error {
	body, err := io.ReadAll(io.LimitReader(r.body, maxErrorBody))
	if err != nil && len(body) == 0 && r.status < 400 {
		return s.e.unreachable(err)
	}
	if r.status < 400 {
		return protocol("status "+http.StatusText(r.status)+" instead of 200; check --upstream", nil)
	}
	return s.e.refusal(r.status, r.retryAfter, body)
}

// alive books a sign of life.
func (s *sequence) alive() {
	now := int64(s.e.now())
	s.at.Store(now)
	s.e.load.progress.Store(now)
	s.e.load.steps.Add(1)
}

// emit hands over a delta and waits where the reader takes no more.
func (s *sequence) emit(d engine.Delta) error {
	if err := s.deliver(d); err != nil {
		return err
	}
	if d.Finish != engine.FinishNone || s.out.Credit() > 0 {
		return nil
	}
	return s.await()
}

// await waits until the reader takes more.
func (s *sequence) await() error {
	s.paused.Store(true)
	err := s.out.Wait(s.ctx)
	s.at.Store(int64(s.e.now()))
	s.paused.Store(false)
	return err
}

// conclude sends the last delta: what the upstream counted, or what was counted here where it did not.
func (s *sequence) conclude(d engine.Delta, a *answer, finish string, deltas int) {
	d.Finish = finishReason(finish)
	d.Usage = &engine.Usage{Output: deltas, Estimated: true}
	if a.usage.given {
		if a.usage.cached == 0 && a.timings.given {
			a.usage.cached = a.timings.cached
		}
		*d.Usage = a.usage.classes()
	}
	s.spent = d.Usage.UncachedInput + d.Usage.CacheRead + d.Usage.Output + d.Usage.Reasoning
	d.Timing = s.timing(&a.timings)
	s.e.load.finished(s, d.Usage, d.Timing, deltas, a.usage.told || a.timings.given)
	s.emitted = true
	s.out.Emit(d)
}

// timing is the upstream's own account where it gives one, else what was seen from here.
func (s *sequence) timing(t *timings) *engine.Timing {
	total := s.e.now() - s.started
	if t.given {
		prefill, decode := milliseconds(t.promptMS), milliseconds(t.decodeMS)
		return &engine.Timing{Queue: max(0, total-prefill-decode), Prefill: prefill, Decode: decode}
	}
	if first := s.firstAfter(); first > 0 {
		return &engine.Timing{Prefill: first, Decode: total - first}
	}
	return &engine.Timing{Decode: total}
}

func milliseconds(ms float64) time.Duration {
	return time.Duration(min(max(ms, 0), 1e9) * float64(time.Millisecond))
}

// readAnswer reads a unary answer.
func (s *sequence) readAnswer(r *reply) error {
	body, err := s.readBody(r)
	if err != nil {
		return err
	}
	s.alive()
	a, err := s.scratch.parser.parse(body)
	switch {
	case err != nil:
		return protocol("the answer is "+err.Error(), nil)
	case a.failed:
		return s.e.refusal(0, "", body)
	case !a.choice:
		return protocol("there is no choice in it", nil)
	case a.finish == "" || aborted(a.finish):
		return truncated(nil)
	}
	s.first.Store(true)
	d := engine.Delta{Reasoning: a.reasoning, Text: a.text}
	made := toolCalls{request: s.req.ID}
	if a.calls != nil {
		parts, err := made.read(a.calls)
		if err != nil {
			return protocol("the answer", err)
		}
		d.Extra = &engine.Extra{ToolCalls: parts}
	}
	if s.req.Logprobs {
		if d.Logprobs, err = decodeLogprobs(a.logprobs, s.req.TopLogprob); err != nil {
			return protocol("logprobs", err)
		}
	}
	if s.req.Echo {
		if err := s.echo(&d, a); err != nil {
			return err
		}
	}
	s.conclude(d, a, made.finish(a.finish), max(1, len(d.Logprobs)))
	runtime.Gosched() // what carries the answer on goes first: the books behind it took 80 µs of a client's wait
	return nil
}

// readBody reads a body to its end into the call's buffer.
func (s *sequence) readBody(r *reply) ([]byte, error) {
	limit := s.e.cfg.MaxAnswer
	if r.length > int64(limit) {
		return nil, protocol("it is larger than --upstream-max-answer", nil)
	}
	buf, n := s.scratch.buf, 0
	for {
		if n == len(buf) {
			if n > limit {
				return nil, protocol("it is larger than --upstream-max-answer", nil)
			}
			buf = append(buf, make([]byte, len(buf))...)
			s.scratch.buf = buf
		}
		k, err := r.body.Read(buf[n:])
		n += k
		if errors.Is(err, io.EOF) {
			if r.length >= 0 && int64(n) < r.length {
				return nil, truncated(io.ErrUnexpectedEOF)
			}
			return buf[:n], nil
		}
		if err != nil {
			return nil, truncated(err)
		}
	}
}
