package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// staleAfter is how long a connection may idle before the bench looks whether the server has closed it meanwhile. A
// request is never sent twice: a connection that dies after the check is a cut, and counted.
const staleAfter = 2 * time.Millisecond

// socketTransport is a minimal HTTP/1.1 client over plain TCP: one goroutine and one connection per lane, requests
// written in one system call.
type socketTransport struct {
	address string
	head    []byte // request line and headers up to the value of Content-Length
	dialer  net.Dialer
}

func newSocketTransport(target target, header http.Header) *socketTransport {
	var head bytes.Buffer
	fmt.Fprintf(&head, "POST %s HTTP/1.1\r\nHost: %s\r\n", target.url.RequestURI(), target.url.Host)
	_ = header.Write(&head) // a bytes.Buffer takes everything
	head.WriteString("Content-Length: ")
	return &socketTransport{address: target.address(), head: head.Bytes()}
}

func (t *socketTransport) lane() lane {
	return &socketLane{transport: t}
}

// socketLane is one connection and its buffers.
type socketLane struct {
	transport *socketTransport
	conn      net.Conn
	stop      func() bool // takes the watcher of the context off
	in        []byte
	start     int // in[start:] is read, not yet used
	readAt    time.Time
	idleSince time.Time
	out       []byte
	body      socketBody
}

func (l *socketLane) post(ctx context.Context, body []byte, deadline time.Time) (reply, error) {
	if l.conn != nil && time.Since(l.idleSince) > staleAfter && closedByPeer(l.conn) {
		l.drop()
	}
	if l.conn == nil {
		if err := l.dial(ctx, deadline); err != nil {
			return reply{}, err
		}
	}
	_ = l.conn.SetDeadline(deadline) // a closed connection shows at the write
	l.out = append(append(l.out[:0], l.transport.head...), strconv.Itoa(len(body))...)
	l.out = append(append(l.out, "\r\n\r\n"...), body...)
	if _, err := l.conn.Write(l.out); err != nil {
		l.drop()
		return reply{}, l.cause(ctx, err)
	}
	answer, err := l.readHead()
	if err != nil {
		l.drop()
		return reply{}, l.cause(ctx, err)
	}
	return answer, nil
}

// cause prefers the user's interrupt over the broken connection that it left behind.
func (l *socketLane) cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Canceled
	}
	return networkError(err)
}

func (l *socketLane) dial(ctx context.Context, deadline time.Time) error {
	dialCtx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	conn, err := l.transport.dialer.DialContext(dialCtx, "tcp", l.transport.address)
	if err != nil {
		if ctx.Err() != nil {
			return context.Canceled
		}
		return fmt.Errorf("%w: %w", errConnect, err)
	}
	l.conn = conn
	l.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
	l.body = socketBody{lane: l, ctx: ctx}
	return nil
}

func (l *socketLane) drop() {
	if l.conn == nil {
		return
	}
	l.stop()
	_ = l.conn.Close()
	l.conn, l.in, l.start = nil, l.in[:0], 0
}

func (l *socketLane) close() { l.drop() }

// fill reads more bytes behind what is there; it moves and grows the buffer where needed.
func (l *socketLane) fill() error {
	if l.start == len(l.in) {
		l.in, l.start = l.in[:0], 0
	}
	if len(l.in) == cap(l.in) {
		l.in = append(make([]byte, 0, max(4096, 2*(len(l.in)-l.start))), l.in[l.start:]...)
		l.start = 0
	}
	n, err := l.conn.Read(l.in[len(l.in):cap(l.in)])
	l.readAt = time.Now()
	l.in = l.in[:len(l.in)+n]
	if n > 0 {
		return nil
	}
	if err == nil || err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
