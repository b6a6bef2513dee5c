package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
)

// maxRequest bounds a request, head and body.
const maxRequest = 64 << 20

// conn is one client connection, served by one goroutine. While a stream runs, the goroutine already waits for the next
// request: that is how a client that leaves is noticed at once.
type conn struct {
	server *Server
	socket net.Conn
	idle   atomic.Bool
	in     []byte
	start  int
	stream *stream // the last one; nil before the first
}

func newConn(s *Server, socket net.Conn) *conn {
	c := &conn{server: s, socket: socket, in: make([]byte, 0, 4096)}
	c.idle.Store(true)
	return c
}

func (c *conn) serve() {
	defer c.server.forget(c)
	for {
		req, err := c.read()
		if c.stream != nil {
			if err != nil {
				c.stream.leave()
			}
			<-c.stream.done // also orders what both goroutines write
			if c.stream.broken.Load() {
				return
			}
			c.stream = nil
		}
		if err != nil {
			return
		}
		c.idle.Store(false)
		if err := c.answer(req); err != nil {
			return
		}
		if c.stream == nil {
			c.settle()
		}
	}
}

// settle marks the connection idle, and closes it where connections are being refused.
func (c *conn) settle() {
	c.idle.Store(true)
	if f := c.server.state.Load().fault; f == FaultRefuse || f == FaultKill {
		_ = c.socket.Close()
	}
}

// request is what matters of one request. The slices are valid until the next read.
type request struct {
	method, path []byte
	body         []byte
}

var (
	headEnd       = []byte("\r\n\r\n")
	errBadRequest = errors.New("not a request that this server takes")
)

// read takes one request off the connection.
func (c *conn) read() (request, error) {
	for {
		have := c.in[c.start:]
		if end := bytes.Index(have, headEnd); end >= 0 {
			return c.readBody(have[:end], c.start+end+len(headEnd))
		}
		if err := c.fill(len(have) + 1); err != nil {
			return request{}, err
		}
	}
}

// fill reads until at least want bytes of the request are in the buffer.
func (c *conn) fill(want int) error {
	if want > maxRequest {
		return fmt.Errorf("%w: longer than %d bytes", errBadRequest, maxRequest)
	}
	if c.start == len(c.in) {
		c.in, c.start = c.in[:0], 0
	}
	for len(c.in)-c.start < want {
		if len(c.in) == cap(c.in) || cap(c.in)-c.start < want {
			c.in = append(make([]byte, 0, max(2*(len(c.in)-c.start), want, 4096)), c.in[c.start:]...)
			c.start = 0
		}
		n, err := c.socket.Read(c.in[len(c.in):cap(c.in)])
		c.in = c.in[:len(c.in)+n]
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *conn) readBody(head []byte, bodyAt int) (request, error) {
	line, fields, _ := bytes.Cut(head, []byte("\r\n"))
	method, rest, found := bytes.Cut(line, []byte(" "))
	path, _, alsoFound := bytes.Cut(rest, []byte(" "))
	length, proceed, err := bodyLength(fields)
	if err != nil || !found || !alsoFound {
		_, _ = c.socket.Write(failure("411 Length Required", "invalid_request_error", "send a Content-Length"))
		return request{}, errBadRequest
	}
	if proceed && len(c.in)-bodyAt < length {
		if _, err := c.socket.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n")); err != nil {
			return request{}, err
		}
	}
	headLen := bodyAt - c.start
	if err := c.fill(headLen + length); err != nil { // may move the buffer; method and path stay in the old one
		return request{}, err
	}
	bodyAt = c.start + headLen
	c.start = bodyAt + length
	return request{method: method, path: path, body: c.in[bodyAt:c.start]}, nil
}

// bodyLength reads the headers that say how long the body is.
func bodyLength(fields []byte) (length int, proceed bool, err error) {
	for len(fields) > 0 {
		var line []byte
		line, fields, _ = bytes.Cut(fields, []byte("\r\n"))
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, _ = number(bytes.TrimSpace(value)); length < 0 {
				return 0, false, errBadRequest
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			return 0, false, errBadRequest
		case bytes.EqualFold(name, []byte("Expect")):
			proceed = true
		}
	}
	return length, proceed, nil
}

// number reads the digits that b begins with; -1 where there are none or too many.
func number(b []byte) (n, digits int) {
	for digits < len(b) && '0' <= b[digits] && b[digits] <= '9' {
		n = n*10 + int(b[digits]-'0')
		if digits++; digits > 9 {
			return -1, digits
		}
	}
	if digits == 0 {
		return -1, 0
	}
	return n, digits
}
