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
	if n > 0 {
		return n, nil // an error is told by the next call
	}
	return 0, r.err
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

// readChunks fills p with the data of as many chunks as have arrived, and blocks only for the first byte.
func (r *Response) readChunks(p []byte) (n int, err error) {
	cn := r.conn
	for n < len(p) {
		if n > 0 && !r.moreBuffered() {
			return n, nil
		}
		if !r.inside {
			if err := r.chunkHead(); err != nil {
				return n, unexpected(err)
			}
			if r.done {
				return n, io.EOF
			}
		}
		if cn.r == cn.w && r.left > 0 {
			if err := cn.fill(); err != nil {
				return n, unexpected(err)
			}
		}
		k := copy(p[n:], cn.buf[cn.r:min(cn.w, cn.r+int(min(r.left, int64(len(cn.buf)))))])
		n += k
		cn.r += k
		if r.left -= int64(k); r.left == 0 {
			if err := r.chunkEnd(n > 0); err != nil {
				return n, unexpected(err)
			}
		}
	}
	return n, nil
}

// moreBuffered says whether readChunks can go on without blocking.
func (r *Response) moreBuffered() bool {
	rest := r.conn.buf[r.conn.r:r.conn.w]
	if r.inside {
		return r.left > 0 && len(rest) > 0
	}
	if r.left < 0 {
		var ended bool
		if rest, ended = bytes.CutPrefix(rest, []byte("\r\n")); !ended {
			return false
		}
	}
	if bytes.HasPrefix(rest, []byte("0\r\n")) {
		return bytes.HasPrefix(rest, []byte("0\r\n\r\n"))
	}
	end := bytes.IndexByte(rest, '\n')
	return end >= 0 && end+1 < len(rest)
}

// chunkHead reads a chunk's size, and the trailer behind the last one.
func (r *Response) chunkHead() error {
	if r.left < 0 { // the line end behind the chunk before has not come yet
		if err := r.chunkEnd(false); err != nil {
			return err
		}
	}
	l, err := r.conn.line()
	if err != nil {
		return err
	}
	l, _, _ = bytes.Cut(l, []byte{';'})
	size, err := strconv.ParseUint(string(bytes.TrimRight(l, " \t")), 16, 60)
	if err != nil {
		return fmt.Errorf("%w: chunk size", errProtocol)
	}
	if size > 0 {
		r.left, r.inside = int64(size), true
		return nil
	}
	for total := 0; ; {
		l, err := r.conn.line()
		if err != nil {
			return err
		}
		if len(l) == 0 {
			r.done = true
			return nil
		}
		if total += len(l); total > maxHead {
			return fmt.Errorf("%w: trailer", errProtocol)
		}
	}
}

// chunkEnd passes over the line end behind a chunk's data. With lazy it does not wait for it: left stays at -1 until
// the next chunk is asked for.
func (r *Response) chunkEnd(lazy bool) error {
	r.inside = false
	if lazy && r.conn.w-r.conn.r < 2 {
		r.left = -1
		return nil
	}
	r.left = 0
	l, err := r.conn.line()
	if err == nil && len(l) > 0 {
		err = fmt.Errorf("%w: chunk is longer than announced", errProtocol)
	}
	return err
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
	if r.stop != nil && !r.stop() {
		return // the context has ended, the connection is closed or will be
	}
	if r.close || r.err != nil && r.err != io.EOF {
		_ = cn.nc.Close()
		return
	}
	if r.done {
		if cn.r == cn.w {
			cn.client.put(cn)
			return
		}
	} else if complete && r.chunked && !r.inside && r.left == 0 && cn.raw != nil {
		cn.owed = true
		copy(cn.buf, cn.buf[cn.r:cn.w])
		cn.r, cn.w = 0, cn.w-cn.r
		cn.client.put(cn)
		return
	}
	_ = cn.nc.Close()
}
