package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// framing says how the end of a body is known.
type framing int

const (
	untilClose framing = iota
	sized
	chunked
)

// socketBody reads the body of one response from its lane.
type socketBody struct {
	lane    *socketLane
	ctx     context.Context // of the run: tells an interrupt from a cut
	framing framing
	keep    bool  // the server keeps the connection
	left    int64 // bytes left of the body (sized) or of the chunk (chunked)
	inChunk bool  // the CRLF behind a chunk is still to come
	ended   bool
}

func (b *socketBody) reset(keep bool) {
	*b = socketBody{lane: b.lane, ctx: b.ctx, keep: keep}
}

// sized sets the length, unless the body is chunked: chunked wins (RFC 9112, 6.3).
func (b *socketBody) sized(n int64) {
	if b.framing != chunked {
		b.framing, b.left = sized, n
	}
}

func (b *socketBody) next() ([]byte, time.Time, error) {
	piece, err := b.piece()
	if err != nil && err != io.EOF {
		b.keep = false
		if b.ctx.Err() != nil {
			err = context.Canceled
		} else {
			err = networkError(err)
		}
	}
	return piece, b.lane.readAt, err
}

func (b *socketBody) piece() ([]byte, error) {
	if b.ended {
		return nil, io.EOF
	}
	if b.framing == chunked && b.left == 0 {
		if err := b.chunkHead(); err != nil {
			return nil, err
		}
	}
	if b.framing != untilClose && b.left == 0 {
		b.ended = true
		return nil, io.EOF
	}
	l := b.lane
	if l.start == len(l.in) {
		err := l.fill()
		if b.framing == untilClose && errors.Is(err, io.ErrUnexpectedEOF) {
			b.ended, b.keep = true, false
			return nil, io.EOF
		}
		if err != nil {
			return nil, err
		}
	}
	piece := l.in[l.start:]
	if b.framing != untilClose {
		piece = piece[:min(int64(len(piece)), b.left)]
		b.left -= int64(len(piece))
	}
	l.start += len(piece)
	return piece, nil
}

// chunkHead reads the size line of the next chunk, and after the last chunk the trailers.
func (b *socketBody) chunkHead() error {
	if b.inChunk {
		line, err := b.line()
		if err != nil {
			return err
		}
		if len(line) > 0 {
			return errBadChunk
		}
		b.inChunk = false
	}
	line, err := b.line()
	if err != nil {
		return err
	}
	size, _, _ := bytes.Cut(line, []byte(";"))
	n, err := strconv.ParseInt(string(bytes.TrimSpace(size)), 16, 64)
	if err != nil || n < 0 {
		return errBadChunk
	}
	b.left, b.inChunk = n, n > 0
	for n == 0 {
		trailer, err := b.line()
		if err != nil {
			return err
		}
		if len(trailer) == 0 {
			break
		}
	}
	return nil
}

var errBadChunk = fmt.Errorf("%w: chunk framing", errProtocol)

// line reads one CRLF-ended line of the framing.
func (b *socketBody) line() ([]byte, error) {
	l := b.lane
	for {
		have := l.in[l.start:]
		if i := bytes.IndexByte(have, '\n'); i >= 0 {
			l.start += i + 1
			return bytes.TrimSuffix(have[:i], []byte("\r")), nil
		}
		if len(have) > maxHead {
			return nil, errBadChunk
		}
		if err := l.fill(); err != nil {
			return nil, err
		}
	}
}

func (b *socketBody) done() {
	l := b.lane
	if !b.ended || !b.keep || l.start != len(l.in) {
		l.drop()
		return
	}
	l.idleSince = l.readAt
}
