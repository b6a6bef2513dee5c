package h1

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
)

// Response is an answer; Read reads its body. It is used by one goroutine and is not valid after Close.
type Response struct {
	Status      int
	ContentType string
	RetryAfter  string
	Length      int64 // of the body; -1: not announced

	conn    *conn
	stop    func() bool
	http10  bool
	close   bool // the connection ends with this answer
	alive   bool // an HTTP/1.0 server keeps the connection
	chunked bool
	inside  bool  // of a chunk, or of what follows its data
	left    int64 // bytes of the body, or of the chunk
	done    bool
	err     error

	trailing bool // the last chunk has come
	trailed  int  // bytes of the trailer
}

func (r *Response) statusLine(l []byte) error {
	// HTTP/1.1 200 OK
	if len(l) < 12 || !bytes.HasPrefix(l, []byte("HTTP/1.")) || l[8] != ' ' || len(l) > 12 && l[12] != ' ' {
		return fmt.Errorf("%w: status line", errProtocol)
	}
	r.http10 = l[7] == '0'
	status, err := strconv.Atoi(string(l[9:12]))
	if err != nil || status < 100 {
		return fmt.Errorf("%w: status line", errProtocol)
	}
	r.Status = status
	return nil
}

func (r *Response) header(l []byte) error {
	name, value, ok := bytes.Cut(l, []byte{':'})
	if !ok || len(name) == 0 || name[0] == ' ' || name[0] == '\t' || name[len(name)-1] == ' ' {
		return fmt.Errorf("%w: header line", errProtocol)
	}
	value = bytes.Trim(value, " \t")
	switch len(name) {
	case 10:
		if is(name, "connection") {
			r.close = r.close || contains(value, "close")
			r.alive = r.alive || contains(value, "keep-alive")
		}
	case 11:
		if is(name, "retry-after") {
			r.RetryAfter = string(value)
		}
	case 12:
		if is(name, "content-type") {
			r.ContentType = intern(value)
		}
	case 14:
		if is(name, "content-length") {
			return r.contentLength(value)
		}
	case 17:
		if is(name, "transfer-encoding") {
			if !is(value, "chunked") || r.chunked {
				return fmt.Errorf("%w: transfer encoding %q", errProtocol, value)
			}
			r.chunked = true
		}
	}
	return nil
}

func is(b []byte, lower string) bool {
	return len(b) == len(lower) && bytes.EqualFold(b, []byte(lower))
}

func contains(list []byte, lower string) bool {
	for token := range bytes.SplitSeq(list, []byte{','}) {
		if is(bytes.Trim(token, " \t"), lower) {
			return true
		}
	}
	return false
}

// intern saves the common values an allocation.
func intern(value []byte) string {
	for _, s := range [...]string{"application/json", "text/event-stream", "text/event-stream; charset=utf-8", "application/json; charset=utf-8"} {
		if string(value) == s {
			return s
		}
	}
	return string(value)
}

func (r *Response) contentLength(value []byte) error {
	n, err := strconv.ParseUint(string(value), 10, 62)
	if err != nil || r.Length >= 0 && r.Length != int64(n) {
		return fmt.Errorf("%w: content length %q", errProtocol, value)
	}
	r.Length = int64(n)
	return nil
}

// framing settles how the body ends (RFC 9112, 6.3).
func (r *Response) framing() error {
	if r.Status == 101 {
		return fmt.Errorf("%w: the server changes the protocol", errProtocol)
	}
	if r.http10 && r.chunked {
		return fmt.Errorf("%w: HTTP/1.0 has no chunks", errProtocol)
	}
	if r.http10 && !r.alive {
		r.close = true
	}
	switch {
	case r.Status == 204 || r.Status == 304:
		r.Length, r.done, r.chunked = 0, true, false
	case r.chunked:
		if r.Length >= 0 {
			r.close = true // both are given: read as chunked, and trust nothing behind it
		}
		r.Length = -1
	case r.Length >= 0:
		r.left, r.done = r.Length, r.Length == 0
	default:
		r.close, r.left = true, 1<<62
	}
	return nil
}

// Read implements io.Reader. It returns what is there; io.EOF is the announced end of the body, and
// io.ErrUnexpectedEOF an end before it.
func (r *Response) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if r.done {
		return 0, io.EOF
	}
	var n int
	if r.chunked {
		n, r.err = r.readChunks(p)
	} else {
		n, r.err = r.readPlain(p)
	}
	err := r.err
	if err == ErrAgain {
		r.err = nil
	}
	if n > 0 {
		return n, nil // an error is told by the next call
	}
	return 0, err
}

func (r *Response) readPlain(p []byte) (int, error) {
	cn := r.conn
	if int64(len(p)) > r.left {
		p = p[:r.left]
	}
	var n int
	var err error
	if cn.r < cn.w {
		n = copy(p, cn.buf[cn.r:cn.w])
		cn.r += n
	} else {
		n, err = cn.nc.Read(p)
	}
	if r.Length < 0 {
		if err == io.EOF {
			r.done = true
		}
		return n, err
	}
	if r.left -= int64(n); r.left == 0 {
		r.done = true
		return n, io.EOF
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Close ends the call. The connection is kept where the body was read to its end; with complete the caller says that it
// has all it wants of a chunked body and that only the terminator is missing. In every other case it is closed.
func (r *Response) Close(complete bool) {
	cn := r.conn
	if r.stop != nil && !r.stop() { // the context has ended, nc is closed or will be
		if cn.fd >= 0 {
			cn.cut()
		}
		return
	}
	owed := !r.done && complete && r.chunked && !r.inside && r.left == 0 && cn.raw != nil
	if r.close || r.err != nil && r.err != io.EOF || r.done && cn.r != cn.w || !r.done && !owed {
		cn.end()
		return
	}
	if owed {
		cn.owed = true
		copy(cn.buf, cn.buf[cn.r:cn.w])
		cn.r, cn.w = 0, cn.w-cn.r
	}
	cn.now = false
	if cn.fd < 0 || cn.attach() == nil {
		cn.client.put(cn)
	}
}

// end closes the connection.
func (cn *conn) end() {
	if cn.fd >= 0 {
		cn.cut()
		return
	}
	_ = cn.nc.Close()
}
