package host

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// Line is the connection under an HTTP/1.1 answer that has begun: a service that writes many small pieces to many
// clients may write them there, past the buffers of net/http and without a goroutine per client. Its rules: the answer's
// header was flushed, nothing is left in net/http's buffers, every piece is a chunk in the sense of RFC 9112 (see
// ChunkRoom), and the handler returns, or writes through its http.ResponseWriter again, only when whatever was begun on
// the line is complete. It is used by one goroutine at a time.
type Line struct {
	conn net.Conn
	raw  syscall.RawConn
	fn   func(fd uintptr)
	b    []byte // of the Try under way
	n    int
	err  error
}

type lineKey struct{}

// withLine keeps a connection's line with the context of its requests.
func withLine(ctx context.Context, c net.Conn) context.Context {
	l := newLine(c)
	if l == nil {
		return ctx
	}
	return context.WithValue(ctx, lineKey{}, l)
}

func newLine(c net.Conn) *Line {
	sc, ok := c.(syscall.Conn) // a TLS connection is none
	if !ok || !canTry {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	l := &Line{conn: c, raw: raw}
	l.fn = l.try
	return l
}

// LineOf returns the line under a request's answer, or nil where there is none that may be written to: HTTP/1.0 and
// HTTP/2, an answer without a body, a connection that is not a plain socket, or a platform without such writes.
func LineOf(r *http.Request) *Line {
	if r.ProtoMajor != 1 || r.ProtoMinor != 1 || r.Method == http.MethodHead {
		return nil
	}
	l, _ := r.Context().Value(lineKey{}).(*Line)
	return l
}

// Try writes as much of b as the socket takes at once, and returns how much that is; it never waits. Nobody else writes
// meanwhile, so that Control does, which costs less than Write: no lock of writers, no deadline.
func (l *Line) Try(b []byte) (int, error) {
	l.b, l.n, l.err = b, 0, nil
	err := l.raw.Control(l.fn)
	l.b = nil
	if err == nil {
		err = l.err
	}
	return l.n, err
}

func (l *Line) try(fd uintptr) { l.n, l.err = tryWrite(fd, l.b) }

// Write writes all of b, or what the client takes of it until a time, and returns how much that is.
func (l *Line) Write(b []byte, until time.Time) (int, error) {
	if err := l.conn.SetWriteDeadline(until); err != nil {
		return 0, err
	}
	n, err := l.conn.Write(b)
	if err == nil {
		err = l.conn.SetWriteDeadline(time.Time{}) // Try would fail after a deadline that has passed
	}
	return n, err
}

// ChunkRoom is how many bytes a chunk's head needs at most, in front of its data.
const ChunkRoom = 18

// Chunk makes a chunk of b, whose first ChunkRoom bytes are free for its head and the rest is its data, of which there
// must be some. The result lies in b where b has room for two bytes more.
func Chunk(b []byte) []byte {
	var digits [16]byte
	size := strconv.AppendUint(digits[:0], uint64(len(b)-ChunkRoom), 16)
	from := ChunkRoom - 2 - len(size)
	copy(b[from:], size)
	b[ChunkRoom-2], b[ChunkRoom-1] = '\r', '\n'
	return append(b, "\r\n"...)[from:]
}
