package h1

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
)

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
	if r.trailing {
		return r.trailer()
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
	r.trailing = true
	return r.trailer()
}

// trailer reads what follows the last chunk.
func (r *Response) trailer() error {
	for {
		l, err := r.conn.line()
		if err != nil {
			return err
		}
		if len(l) == 0 {
			r.done = true
			return nil
		}
		if r.trailed += len(l); r.trailed > maxHead {
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
	l, err := r.conn.line()
	if err != nil {
		r.left = -1 // where it did not come yet, it is asked for again
		return err
	}
	r.left = 0
	if len(l) > 0 {
		return fmt.Errorf("%w: chunk is longer than announced", errProtocol)
	}
	return nil
}
