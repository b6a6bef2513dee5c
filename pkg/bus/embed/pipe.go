package embed

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// pipeSize is how many bytes a pipe holds before its writer waits, about what a loopback socket does.
const pipeSize = 1 << 20

// pipe returns the two ends of a connection within the process that holds what was written until it is read, as a
// socket does. With net.Pipe a writer waits for its reader, which costs two more switches of goroutines a message; a
// socket costs system calls.
func pipe() (a, b net.Conn) {
	x, y := newQueue(), newQueue()
	return &end{in: x, out: y}, &end{in: y, out: x}
}

// end is one end. It is safe for concurrent use as every net.Conn is.
type end struct{ in, out *queue }

func (e *end) Read(p []byte) (int, error)  { return e.in.read(p) }
func (e *end) Write(p []byte) (int, error) { return e.out.write(p) }

// Close ends both directions; the other end still reads what was written.
func (e *end) Close() error {
	e.in.close(true)
	e.out.close(false)
	return nil
}

func (e *end) SetDeadline(t time.Time) error {
	return errors.Join(e.SetReadDeadline(t), e.SetWriteDeadline(t))
}
func (e *end) SetReadDeadline(t time.Time) error  { return e.in.until(&e.in.reading, t) }
func (e *end) SetWriteDeadline(t time.Time) error { return e.out.until(&e.out.writing, t) }
func (e *end) LocalAddr() net.Addr                { return addr{} }
func (e *end) RemoteAddr() net.Addr               { return addr{} }

type addr struct{}

func (addr) Network() string { return "pipe" }
func (addr) String() string  { return "pipe" }

// queue is one direction.
type queue struct {
	mu      sync.Mutex
	change  sync.Cond
	waiting int
	buf     []byte // buf[from:] is not read yet
	from    int
	over    bool // closed by the writer: what is there can be read
	gone    bool // closed by the reader: nothing is taken any more

	reading, writing deadline
}

type deadline struct {
	at    time.Time // zero: none
	timer *time.Timer
}

func newQueue() *queue {
	q := &queue{}
	q.change.L = &q.mu
	return q
}

func (q *queue) read(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.from == len(q.buf) {
		switch {
		case q.gone:
			return 0, io.ErrClosedPipe
		case q.over:
			return 0, io.EOF
		case q.reading.passed():
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		}
		q.wait(&q.reading)
	}
	n := copy(p, q.buf[q.from:])
	if q.from += n; q.from == len(q.buf) {
		q.buf, q.from = q.buf[:0], 0
		if cap(q.buf) > pipeSize/4 {
			q.buf = nil
		}
	}
	q.wake()
	return n, nil
}

func (q *queue) write(p []byte) (n int, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		switch {
		case q.gone, q.over:
			return n, io.ErrClosedPipe
		case q.writing.passed():
			return n, os.ErrDeadlineExceeded
		}
		if room := pipeSize - (len(q.buf) - q.from); room > 0 && len(p) > 0 {
			if q.from > 0 && len(q.buf)+len(p) > cap(q.buf) {
				q.buf = q.buf[:copy(q.buf, q.buf[q.from:])]
				q.from = 0
			}
			k := min(room, len(p))
			q.buf = append(q.buf, p[:k]...)
			n, p = n+k, p[k:]
			q.wake()
		}
		if len(p) == 0 {
			return n, nil
		}
		q.wait(&q.writing)
	}
}

// wait waits for a change, or for a deadline.
func (q *queue) wait(d *deadline) {
	if !d.at.IsZero() && d.timer == nil {
		d.timer = time.AfterFunc(time.Until(d.at), func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.change.Broadcast()
		})
	}
	q.waiting++
	q.change.Wait()
	q.waiting--
}

func (q *queue) wake() {
	if q.waiting > 0 {
		q.change.Broadcast()
	}
}

func (q *queue) close(byReader bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if byReader {
		q.gone, q.buf, q.from = true, nil, 0
	} else {
		q.over = true
	}
	q.reading.stop()
	q.writing.stop()
	q.change.Broadcast()
}

// until sets one of the deadlines.
func (q *queue) until(d *deadline, t time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	d.stop()
	d.at = t
	q.wake()
	return nil
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
