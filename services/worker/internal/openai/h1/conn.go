package h1

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"syscall"
	"time"
)

const (
	bufferSize = 4 << 10
	maxHead    = 64 << 10 // bytes of an answer's header
	maxCopied  = 32 << 10 // a larger body is not copied behind its header
)

// errProtocol is an answer that is not HTTP/1.1 as this client understands it.
var errProtocol = errors.New("malformed HTTP answer")

// conn is one connection, used by one call at a time.
type conn struct {
	client *Client
	nc     net.Conn
	raw    syscall.RawConn // nil where the platform or the connection has none
	since  time.Time       // when it was put back
	heard  bool            // a byte of the present answer has come
	buf    []byte
	r, w   int // buf[r:w] is read and not used
	out    []byte
	// A followed answer's socket is read without waiting, once it has left the runtime's poller by its own descriptor.
	now     bool
	fd      int  // -1: nc is the only one
	drained bool // the last read found the end of what had come
	closing bool // the peer sends no more
	// owed: the body before ended for its reader, its terminator ("0\r\n\r\n") is still to come.
	owed bool
	resp Response
}

func newConn(c *Client, nc net.Conn) *conn {
	cn := &conn{client: c, nc: nc, buf: make([]byte, bufferSize), fd: -1}
	if sc, ok := nc.(syscall.Conn); ok {
		cn.raw, _ = sc.SyscallConn()
	}
	return cn
}

// usable says whether a kept connection is quiet, as it should be; an owed terminator is taken in.
func (cn *conn) usable() bool {
	if !cn.owed {
		return cn.r == cn.w && peekQuiet(cn.raw)
	}
	n, open := readNow(cn.raw, cn.buf[cn.w:])
	cn.w += n
	const terminator = "0\r\n\r\n"
	if !open || string(cn.buf[cn.r:cn.w]) != terminator {
		return false
	}
	cn.owed, cn.r, cn.w = false, 0, 0
	return true
}

// do writes a request and reads the answer's header.
func (cn *conn) do(ctx context.Context, req *Request) (*Response, error) {
	cn.heard = false
	nc := cn.nc // a later one is closed by who follows it
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
	if err := cn.send(req); err != nil {
		// A server may answer and close before it has read a large body: its answer counts.
		if resp, answered := cn.head(); answered == nil {
			resp.stop, resp.close = stop, true
			return resp, nil
		}
		stop()
		return nil, err
	}
	resp, err := cn.head()
	if err != nil {
		stop()
		return nil, err
	}
	resp.stop = stop
	return resp, nil
}

func (cn *conn) send(req *Request) error {
	b := append(append(append(cn.out[:0], req.Method...), ' '), req.Path...)
	b = append(append(b, " HTTP/1.1\r\n"...), cn.client.fixed...)
	for _, h := range req.Header {
		b = appendHeader(b, h)
	}
	if req.Body != nil {
		b = append(b, "Content-Length: "...)
		b = append(strconv.AppendInt(b, int64(len(req.Body)), 10), "\r\n"...)
	}
	b = append(b, "\r\n"...)
	if len(req.Body) > maxCopied {
		cn.out = b
		parts := net.Buffers{b, req.Body}
		_, err := parts.WriteTo(cn.nc)
		return err
	}
	b = append(b, req.Body...)
	cn.out = b
	_, err := cn.nc.Write(b)
	return err
}

// fill reads more behind buf[r:w], which is moved to the front where there is no room.
func (cn *conn) fill() error {
	if cn.r == cn.w {
		cn.r, cn.w = 0, 0
	} else if cn.w == len(cn.buf) {
		if cn.r == 0 {
			if len(cn.buf) >= maxHead {
				return fmt.Errorf("%w: more than %d bytes of header", errProtocol, maxHead)
			}
			cn.buf = append(cn.buf, make([]byte, len(cn.buf))...)
		} else {
			cn.w = copy(cn.buf, cn.buf[cn.r:cn.w])
			cn.r = 0
		}
	}
	read := cn.nc.Read
	if cn.now {
		read = cn.readNow
	}
	n, err := read(cn.buf[cn.w:])
	cn.w += n
	if n > 0 {
		cn.heard = true
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// line returns the next line without its end; it is valid until the next read.
func (cn *conn) line() ([]byte, error) {
	from := cn.r
	for {
		if n := bytes.IndexByte(cn.buf[from:cn.w], '\n'); n >= 0 {
			l := cn.buf[cn.r : from+n]
			cn.r = from + n + 1
			return bytes.TrimSuffix(l, []byte{'\r'}), nil
		}
		seen := cn.w - cn.r
		if seen >= maxHead {
			return nil, fmt.Errorf("%w: a line of more than %d bytes", errProtocol, maxHead)
		}
		if err := cn.fill(); err != nil {
			return nil, err
		}
		from = cn.r + seen
	}
}

// head reads status line and header of the final answer.
func (cn *conn) head() (*Response, error) {
	for total := 0; ; {
		resp, n, err := cn.readHead(maxHead - total)
		if err != nil {
			return nil, err
		}
		if resp.Status >= 200 || resp.Status == 101 {
			return resp, resp.framing()
		}
		total += n // 1xx: the real one follows
	}
}

func (cn *conn) readHead(limit int) (*Response, int, error) {
	cn.resp = Response{conn: cn, Length: -1}
	resp := &cn.resp
	total := 0
	for first := true; ; first = false {
		l, err := cn.line()
		if err != nil {
			return nil, 0, err
		}
		if total += len(l) + 2; total > limit {
			return nil, 0, fmt.Errorf("%w: more than %d bytes of header", errProtocol, maxHead)
		}
		switch {
		case first:
			err = resp.statusLine(l)
		case len(l) == 0:
			return resp, total, nil
		default:
			err = resp.header(l)
		}
		if err != nil {
			return nil, 0, err
		}
	}
}
