// Package wire is the framing between a worker and its llama engine child: length-prefixed binary messages over one
// stream socket, versioned, bounded in size, decoded without trust in the other side's lengths.
//
// It carries plain engine values; it knows nothing of models, processes or scheduling.
package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Version is the protocol's version; both ends are the same binary, so a difference is refused, not negotiated.
const Version = 2

// MaxFrame bounds one frame's payload in bytes: room for a prompt of the gateway's largest body, and no more.
const MaxFrame = 64 << 20

const headerLen = 6 // u32 payload length, u8 version, u8 kind; little endian

// Kind says what a frame's payload is.
type Kind uint8

// The kinds of frame. Hello, Ready and Fatal carry JSON or text (once a life); the rest is binary.
const (
	KindHello       Kind = iota + 1 // worker → child: the child's configuration, JSON
	KindReady                       // child → worker: what was loaded, JSON
	KindFatal                       // child → worker: one line, why it gives up
	KindSubmit                      // worker → child: Submit
	KindCancel                      // worker → child: a sequence id
	KindPause                       // worker → child: a sequence id
	KindResume                      // worker → child: a sequence id
	KindTokenize                    // worker → child: Tokenize
	KindDetokenize                  // worker → child: Tokens
	KindPing                        // worker → child: a number
	KindStep                        // child → worker: Step
	KindTokens                      // child → worker: Tokens
	KindText                        // child → worker: Text
	KindPong                        // child → worker: Pong
	KindAdapter                     // worker → child: AdapterCall, JSON
	KindAdapterDone                 // child → worker: AdapterDone, JSON
	kindEnd
)

// Frame is one received frame. Payload belongs to the receiver.
type Frame struct {
	Kind    Kind
	Payload []byte
}

// ErrFrame marks bytes that are no frame of this protocol.
var ErrFrame = errors.New("wire: bad frame")

// Conn reads and writes frames. Send is safe for concurrent use; Recv belongs to one goroutine.
type Conn struct {
	rw io.ReadWriteCloser
	br *bufio.Reader

	mu  sync.Mutex
	buf []byte
}

// NewConn wraps a stream.
func NewConn(rw io.ReadWriteCloser) *Conn {
	return &Conn{rw: rw, br: bufio.NewReaderSize(rw, 64<<10)}
}

// Close closes the stream; a blocked Recv returns.
func (c *Conn) Close() error { return c.rw.Close() }

// Send writes one frame whose payload fill appends to the given buffer.
func (c *Conn) Send(kind Kind, fill func([]byte) []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := append(c.buf[:0], 0, 0, 0, 0, Version, byte(kind))
	if fill != nil {
		b = fill(b)
	}
	n := len(b) - headerLen
	if n > MaxFrame {
		return fmt.Errorf("wire: a payload of %d bytes is above the limit of %d", n, MaxFrame)
	}
	binary.LittleEndian.PutUint32(b, uint32(n))
	if _, err := c.rw.Write(b); err != nil {
		return fmt.Errorf("write frame: %w", err)
	}
	if cap(b) <= 1<<20 {
		c.buf = b
	}
	return nil
}

// Recv reads the next frame; io.EOF when the other side is gone between frames.
func (c *Conn) Recv() (Frame, error) {
	return ReadFrame(c.br)
}

// ReadFrame reads one frame from r. Memory grows with the bytes that really arrive, not with the stated length.
func ReadFrame(r io.Reader) (Frame, error) {
	var h [headerLen]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return Frame{}, err
	}
	n := binary.LittleEndian.Uint32(h[:])
	switch {
	case h[4] != Version:
		return Frame{}, fmt.Errorf("%w: protocol version %d, want %d: worker and engine child are different builds", ErrFrame, h[4], Version)
	case h[5] == 0 || Kind(h[5]) >= kindEnd:
		return Frame{}, fmt.Errorf("%w: unknown kind %d", ErrFrame, h[5])
	case n > MaxFrame:
		return Frame{}, fmt.Errorf("%w: length %d is above the limit of %d", ErrFrame, n, MaxFrame)
	}
	payload, err := readN(r, int(n))
	if err != nil {
		return Frame{}, err
	}
	return Frame{Kind: Kind(h[5]), Payload: payload}, nil
}

func readN(r io.Reader, n int) ([]byte, error) {
	const step = 1 << 20
	b := make([]byte, min(n, step))
	for got := 0; ; {
		if _, err := io.ReadFull(r, b[got:]); err != nil {
			return nil, fmt.Errorf("read frame: %w", noEOF(err))
		}
		got = len(b)
		if got == n {
			return b, nil
		}
		grown := make([]byte, min(n, 2*got))
		copy(grown, b)
		b = grown
	}
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
