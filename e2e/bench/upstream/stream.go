package upstream

import (
	"sync/atomic"
	"syscall"
	"time"
)

// hangStep is how often a hanging stream looks whether it may go on.
const hangStep = 5 * time.Millisecond

// stream is one running streamed answer. The wheel's goroutine drives it, or, while the client does not read, a
// goroutine of its own; never both.
type stream struct {
	conn      *conn
	raw       syscall.RawConn
	kind      kind
	profile   Profile
	tokens    int
	withUsage bool

	due  time.Time
	at   int64 // the wheel's tick
	sent int
	out  []byte

	gone   atomic.Bool   // the client left
	broken atomic.Bool   // the connection is of no further use
	done   chan struct{} // closed at the end
}

func newStream(c *conn, k kind, now *state, tokens int, withUsage bool) (*stream, error) {
	raw, err := c.socket.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil, err
	}
	return &stream{
		conn: c, raw: raw, kind: k, profile: now.profile, tokens: tokens, withUsage: withUsage,
		due: time.Now().Add(now.slowed(now.profile.TTFT)), done: make(chan struct{}),
	}, nil
}

// leave says that the client is gone; the stream ends with its next token.
func (st *stream) leave() { st.gone.Store(true) }

// fire sends what is due.
func (st *stream) fire() {
	fault := st.conn.server.state.Load().fault
	switch {
	case st.gone.Load():
		st.end(true)
		return
	case fault == FaultHangFirst && st.sent == 0, fault == FaultHangStream && st.sent > 0:
		st.due = time.Now().Add(hangStep)
		st.conn.server.wheel.add(st)
		return
	case fault == FaultCut && st.sent > 0:
		_ = st.conn.socket.Close()
		st.end(true)
		return
	}
	st.compose(fault == FaultTruncate && st.sent > 0)
	left, err := st.tryWrite(st.out)
	if err != nil {
		st.end(true)
	} else if len(left) > 0 {
		go st.finishWrite(left) // the client does not read; the wheel must not wait for it
	} else {
		st.proceed()
	}
}

// compose puts what is due into out, with the head before the first and the end behind the last.
func (st *stream) compose(truncate bool) {
	a := st.conn.server.answers
	st.out = st.out[:0]
	if truncate {
		st.out = append(st.out, "0\r\n\r\n"...)
		st.sent = st.tokens
		return
	}
	if st.sent == 0 {
		st.out = append(append(st.out, a.head...), a.first[st.kind]...)
	}
	for n := st.burst(); n > 0 && st.sent < st.tokens; n-- {
		st.out = append(st.out, a.token(st.kind, st.sent)...)
		st.sent++
	}
	if st.sent == st.tokens {
		st.out = append(st.out, a.end(st.kind, 1, st.tokens, st.withUsage)...)
	}
}

// burst is how many tokens leave together: one, but for streams without a time between tokens.
func (st *stream) burst() int {
	if st.profile.TPOT > 0 || st.sent == 0 {
		return 1
	}
	return 64
}

// tryWrite writes what the socket takes without waiting, and returns the rest.
func (st *stream) tryWrite(b []byte) ([]byte, error) {
	var failed error
	err := st.raw.Write(func(fd uintptr) bool {
		n, err := syscall.Write(int(fd), b)
		if n > 0 {
			b = b[n:]
		}
		if err != nil && err != syscall.EAGAIN && err != syscall.EINTR {
			failed = err
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	return b, failed
}

func (st *stream) finishWrite(left []byte) {
	if st.conn.write(left) != nil {
		st.end(true)
		return
	}
	st.proceed()
}

// proceed plans the next token, or ends the stream.
func (st *stream) proceed() {
	if st.sent == st.tokens {
		st.end(false)
		return
	}
	st.due = st.due.Add(st.conn.server.state.Load().slowed(st.profile.TPOT))
	st.conn.server.wheel.add(st)
}

// end is called once. A good end leaves the connection for the next request.
func (st *stream) end(broken bool) {
	st.broken.Store(broken)
	st.conn.server.active.Add(-1)
	if !broken {
		st.conn.settle()
	}
	close(st.done)
	if broken {
		_ = st.conn.socket.Close()
	}
}
