package gateway

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/leathq/leat/pkg/errs"
)

var bodies = sync.Pool{New: func() any { b := make([]byte, 0, 8<<10); return &b }}

// keep puts a buffer back where it is of a usual size: a pool of huge ones would be memory that nobody uses.
func keep(buf *[]byte) {
	if cap(*buf) <= 256<<10 {
		bodies.Put(buf)
	}
}

// body reads the request's body within the limits of size and time. release gives its memory back.
func (x *exchange) body() (data []byte, release func(), err error) {
	limit := int64(x.g.cfg.BodyLimit)
	x.unread = x.r.ContentLength != 0
	if n := x.r.ContentLength; n > limit {
		return nil, nil, tooLarge(fmt.Sprintf("%d bytes", n), limit)
	}
	if enc := x.r.Header.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return nil, nil, errs.New(errs.Invalid, "unsupported_encoding", "The request's body has the content-encoding '%s', which is not read. Send it as plain JSON.", clip(enc))
	}
	u := upload{x: x, rc: http.NewResponseController(x.w)}
	defer u.end()
	buf := bodies.Get().(*[]byte)
	release = func() { keep(buf) }
	data = (*buf)[:0]
	for {
		data = roomFor(data, x.r.ContentLength)
		u.wait()
		n, err := x.r.Body.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		*buf = data
		switch {
		case int64(len(data)) > limit:
			err = tooLarge(fmt.Sprintf("more than %d bytes", limit), limit)
		case err == io.EOF:
			x.unread = false
			return data, release, nil
		case err != nil:
			err = u.failed(len(data), err)
		default:
			continue
		}
		release()
		return nil, nil, err
	}
}

// roomFor makes room for more of a body. The buffer doubles as the body comes, up to the length that was announced: a
// client holds no memory for what it only promises.
func roomFor(data []byte, announced int64) []byte {
	if len(data) < cap(data) {
		return data
	}
	size := 2 * cap(data)
	if n := int(announced); n > len(data) && n < size {
		size = n
	}
	return append(make([]byte, 0, size), data...)
}

func tooLarge(size string, limit int64) error {
	return errs.New(errs.TooLarge, "request_too_large",
		"The request's body of %s is above the limit of %d bytes. Send less; operator: gateway.body_limit.", size, limit)
}

// upload is the time that a body takes. One that has arrived with its request costs a deadline and nothing more;
// net/http lifts it when it finds the body's end.
type upload struct {
	x     *exchange
	rc    *http.ResponseController
	waits int
	until time.Time // the end of the request, where its body came in parts
}

// wait allows body_timeout for the next read.
func (u *upload) wait() {
	u.waits++
	now := time.Now()
	by := now.Add(u.x.g.cfg.BodyTimeout)
	if u.waits > 1 {
		by = u.late(by)
	}
	_ = u.rc.SetReadDeadline(by) // one that cannot has no connection
	if u.waits > 1 && u.x.alive().Err() != nil {
		_ = u.rc.SetReadDeadline(now) // the host ends waits when it cuts calls, once
	}
}

// late is for a body that comes in parts: at some point the request's own time is over.
func (u *upload) late(by time.Time) time.Time {
	if u.until.IsZero() {
		own, _ := waits(u.x.r.Header.Get("X-Leat-Timeout")) // a wrong one is refused later
		u.until = u.x.began.Add(lower(u.x.g.pools.Of("").Timeouts, own).Total)
	}
	if u.until.Before(by) {
		return u.until
	}
	return by
}

// end leaves the connection without a deadline, which would end the answer.
func (u *upload) end() {
	if !u.x.unread {
		_ = u.rc.SetReadDeadline(time.Time{})
	}
}

// failed says why a body did not arrive. read is how much of it did.
func (u *upload) failed(read int, err error) error {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return errs.New(errs.Invalid, "body_unreadable", "The request's body ended after %d bytes before it was complete. Send it again.", read).Because(err)
	}
	if cut := stopping(u.x.alive()); cut != nil {
		return cut
	}
	if !u.until.IsZero() && !time.Now().Before(u.until) {
		return errs.New(errs.Timeout, "total_timeout", "The request's time was over when %d bytes of its body had arrived. Send it faster or give it more time.", read)
	}
	return errs.New(errs.Invalid, "body_timeout",
		"The request's body stopped after %d bytes: nothing came for %s. Send it again; operator: gateway.body_timeout.", read, u.x.g.cfg.BodyTimeout)
}
