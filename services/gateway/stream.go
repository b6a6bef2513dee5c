package gateway

import (
	"context"
	"errors"
	"net/http"
	"os"
	"time"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/host"
)

// stream sends server-sent events. Nothing is written before the first piece, so that whatever fails until then is an
// honest status; afterwards the stream ends as its face ends it, or with an error event.
func (x *exchange) stream(r *reply) {
	a := r.answer
	pieces, err := a.Next(x.alive())
	if err != nil {
		x.headers(a)
		x.fail(a, err)
		return
	}
	x.headers(a)
	h := x.w.Header()
	h["Content-Type"], h["Cache-Control"], h["X-Accel-Buffering"] = contentSSE, cacheControl, []string{"no"}
	r.face.open(x.head(r), a.choices)
	out := &writer{w: x.w, rc: http.NewResponseController(x.w), line: host.LineOf(x.r), slow: x.g.cfg.SlowClient}
	for a.left > 0 {
		if werr := out.events(r.face, pieces); werr != nil {
			x.cut(r, out, werr)
			return
		}
		if pieces, err = x.next(r, out); err != nil {
			x.broken(r, out, pieces, err)
			return
		}
	}
	// What is written now leaves with the end of the answer, in one piece.
	if werr := out.write(func(b []byte) []byte {
		return r.face.end(spellAll(b, r.face, pieces), totals(a))
	}); werr != nil {
		x.cut(r, out, werr)
		return
	}
	x.ended(a, http.StatusOK, false, nil)
}

func spellAll(b []byte, f face, pieces []piece) []byte {
	for i := range pieces {
		b = f.piece(b, &pieces[i])
	}
	return b
}

// next waits for the pieces that the handler has to write. Where the connection allows it, a pump writes in between:
// the handler is needed again for the last pieces, for a failure, and for a client that does not take what is written.
func (x *exchange) next(r *reply, out *writer) ([]piece, error) {
	if out.line == nil {
		return r.Next(x.alive())
	}
	if err := out.yield(); err != nil {
		return nil, &undelivered{error: err}
	}
	for {
		o := &outflow{answer: r.answer, face: r.face, line: out.line}
		o.begin(x.g.pumps.of(r.seqs[0].ID))
		select {
		case <-o.back:
		case <-x.alive().Done():
			o.leave(nil, r.gone(x.alive()))
		}
		if len(o.rest) == 0 {
			return o.pieces, o.err
		}
		if err := out.finish(o.rest, out.slow); err != nil {
			return nil, err
		}
	}
}

// broken ends a stream that has begun with what came before the failure and an error event, and without its usual end.
func (x *exchange) broken(r *reply, out *writer, pieces []piece, err error) {
	if u, ok := errors.AsType[*undelivered](err); ok {
		x.cut(r, out, u)
		return
	}
	e := x.public(err)
	if errs.As(err).Kind == errs.Canceled {
		x.ended(r.answer, e.Status, true, err)
		return
	}
	x.ended(r.answer, http.StatusOK, true, err)
	if werr := out.write(func(b []byte) []byte {
		return r.face.broken(spellAll(b, r.face, pieces), e)
	}); werr != nil {
		x.g.log.Debug("error event not delivered", "request_id", x.id, "error", werr)
	}
}

// offered is for how long a client that was cut is offered what was begun. TCP asks whether a full window has room again after pauses that double, so that what a
// client reads at once may be asked for as late after the cut as the client was silent before it (seen: 7 s after a silence of 5).
func offered(slow time.Duration) time.Duration { return 2*slow + time.Second }

// cut ends the stream of a client that left or took nothing for too long. Nothing runs for it any more; should the
// latter read on soon, it gets what was begun and an error event.
func (x *exchange) cut(r *reply, out *writer, err error) {
	x.over()
	late := errors.Is(err, os.ErrDeadlineExceeded)
	why := error(errs.New(errs.Canceled, "client_closed", "The client left.").Because(err))
	if late {
		why = tooSlow()
	}
	x.ended(r.answer, 499, true, why)
	if late {
		x.g.metrics.timeouts.WithLabelValues("slow_client").Inc()
	}
	u, ok := errors.AsType[*undelivered](err)
	if !ok {
		return // net/http has seen the failure and closes the connection
	}
	if !late || out.finish(u.rest, offered(out.slow)) != nil {
		panic(http.ErrAbortHandler) // nothing may follow half a chunk
	}
	out.until = time.Now().Add(offered(out.slow)) // the socket may be full again
	if out.rc.SetWriteDeadline(out.until) == nil {
		_ = out.write(func(b []byte) []byte { return r.face.broken(b, x.public(tooSlow())) }) // whether it hears it is its own matter
	}
}

// undelivered is a chunk that the client did not take.
type undelivered struct {
	error
	rest []byte
}

func (u *undelivered) Unwrap() error { return u.error }

// writer sends events with a deadline, renewed at most once a second since that costs a timer.
type writer struct {
	w     http.ResponseWriter
	rc    *http.ResponseController
	line  *host.Line // nil: everything goes through w
	slow  time.Duration
	until time.Time
}

// events sends what a face makes of pieces, if anything, at once.
func (o *writer) events(f face, pieces []piece) error {
	if err := o.write(func(b []byte) []byte { return spellAll(b, f, pieces) }); err != nil {
		return err
	}
	return o.rc.Flush()
}

// write sends what spell appends, if anything, at the latest when the handler returns. Its buffer is borrowed: an open
// stream that is silent holds none.
func (o *writer) write(spell func([]byte) []byte) error {
	buf := bodies.Get().(*[]byte)
	defer keep(buf)
	*buf = spell((*buf)[:0])
	if len(*buf) == 0 {
		return nil
	}
	if now := time.Now(); o.until.Sub(now) < o.slow-time.Second || o.until.IsZero() {
		o.until = now.Add(o.slow)
		if err := o.rc.SetWriteDeadline(o.until); err != nil {
			return err
		}
	}
	_, err := o.w.Write(*buf)
	return err
}

// yield prepares the connection for a pump, which never waits and must not meet a deadline.
func (o *writer) yield() error {
	if o.until.IsZero() {
		return nil
	}
	o.until = time.Time{}
	return o.rc.SetWriteDeadline(o.until)
}

// finish sends the rest of a chunk that a pump has begun, within a time.
func (o *writer) finish(rest []byte, within time.Duration) error {
	if n, err := o.line.Write(rest, time.Now().Add(within)); err != nil {
		return &undelivered{error: err, rest: rest[n:]}
	}
	return nil
}

// stopping is the error of a call that the stop has cut, or nil.
func stopping(ctx context.Context) error {
	if !errors.Is(context.Cause(ctx), host.ErrDrainDeadline) {
		return nil
	}
	return errs.New(errs.Unavailable, "server_stopping",
		"The server is stopping and the time for calls in flight is over. Try again; operator: --drain-timeout is how long they may take.")
}

// gone says why nobody waits for the answer any more.
func (a *answer) gone(ctx context.Context) error {
	if cut := stopping(ctx); cut != nil {
		return cut
	}
	if context.Cause(ctx) == context.DeadlineExceeded {
		return errs.New(errs.Timeout, "total_timeout", "The answer did not end within the deadline of the call. Ask for fewer tokens or give it more time.")
	}
	return errs.New(errs.Canceled, "client_closed", "The client left.")
}
