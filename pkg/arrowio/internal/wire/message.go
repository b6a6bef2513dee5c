package wire

import (
	"encoding/binary"
	"fmt"
)

// The headers of Message.fbs.
const (
	headerSchema     = 1
	headerDictionary = 2
	headerBatch      = 3
)

// Message is one message: what it says of itself, and its body, which is not copied.
type Message struct {
	kind   int
	header table
	body   []byte
	Size   int // of the whole in bytes
}

// IsSchema says whether it has a schema.
func (m *Message) IsSchema() bool { return m.kind == headerSchema }

// IsDictionary says whether it has a dictionary's values.
func (m *Message) IsDictionary() bool { return m.kind == headerDictionary }

// IsBatch says whether it has rows.
func (m *Message) IsBatch() bool { return m.kind == headerBatch }

const continuation = 0xFFFFFFFF

// Prefix reads the start of a message: how many bytes come before its metadata, and how long that is. End says that it is the mark after the last
// message. data may be cut after 8 bytes.
func Prefix(data []byte) (before, metadata int, end bool, err error) {
	if len(data) == 0 {
		return 0, 0, true, nil
	}
	if len(data) < 4 {
		return 0, 0, false, malformed("message", "%d bytes are too short for one: the data is cut off", len(data))
	}
	before, n := 4, binary.LittleEndian.Uint32(data)
	if n == continuation {
		if len(data) < 8 {
			return 0, 0, false, malformed("message", "%d bytes are too short for one: the data is cut off", len(data))
		}
		before, n = 8, binary.LittleEndian.Uint32(data[4:])
	}
	if n == 0 {
		return before, 0, true, nil
	}
	if n < 8 || n > 1<<30 {
		return 0, 0, false, malformed("message", "metadata of %d bytes", n)
	}
	return before, int(n), false, nil
}

// ReadMessage reads the message that data begins with; nil is the end.
func ReadMessage(data []byte) (*Message, error) {
	before, n, end, err := Prefix(data)
	if err != nil || end {
		return nil, err
	}
	if n > len(data)-before {
		return nil, malformed("message", "metadata of %d bytes in the %d that are there: the data is cut off", n, len(data)-before)
	}
	body := data[before+n:]
	m, size, err := Header(data[before : before+n])
	if err != nil {
		return nil, err
	}
	if size > int64(len(body)) {
		return nil, malformed("message", "a body of %d bytes in the %d that are there: the data is cut off", size, len(body))
	}
	m.body, m.Size = body[:size], before+n+int(size)
	return m, nil
}

// Header reads a message's metadata, and how long the body after it is.
func Header(metadata []byte) (*Message, int64, error) {
	c := &cursor{data: metadata}
	t := c.root()
	version, kind, size := t.i16(0, 0), t.i8(1, 0), t.i64(3)
	h, ok := t.sub(2)
	switch {
	case c.err != nil:
		return nil, 0, c.err
	case version < 3 || version > 4:
		return nil, 0, malformed("message", "version V%d of the format is not read here; write V4 or V5 (Arrow 0.8 or newer)", version+1)
	case !ok || kind < headerSchema || kind > headerBatch:
		return nil, 0, malformed("message", "kind %d is not read here", kind)
	case size < 0:
		return nil, 0, malformed("message", "a body of %d bytes", size)
	}
	return &Message{kind: kind, header: h}, size, nil
}

// WithBody is the message with the body that was read for it.
func (m *Message) WithBody(body []byte) *Message {
	m.body = body
	return m
}

// Schema reads the schema of a message that has one.
func (m *Message) Schema(l Limits) (*Schema, error) {
	if !m.IsSchema() {
		return nil, malformed("message", "the first one is not a schema")
	}
	return checked(m.header, l)
}

func checked(t table, l Limits) (*Schema, error) {
	s, err := readSchema(t, l.bounded())
	if err != nil {
		return nil, err
	}
	if l.AllowDuplicates {
		return s, nil
	}
	return s, Unique(s.Arrow.Fields())
}

// span is a Buffer: where in the body bytes are.
type span struct{ from, size int64 }

// node is a FieldNode.
type node struct{ length, nulls int64 }

// batchHeader is a RecordBatch table, its parts known to lie in the metadata.
type batchHeader struct {
	rows                int64
	c                   *cursor
	nodes, buffers      int // positions
	nNodes, nBuffers    int
	variadic, nVariadic int
	codec               int // -1: not compressed
}

func readBatch(t table) (*batchHeader, error) {
	h := &batchHeader{rows: t.i64(0), c: t.c, codec: -1}
	h.nodes, h.nNodes = t.vector(1, 16)
	h.buffers, h.nBuffers = t.vector(2, 16)
	h.variadic, h.nVariadic = t.vector(4, 8)
	if z, ok := t.sub(3); ok {
		h.codec = z.i8(0, 0)
		if z.i8(1, 0) != 0 || h.codec < 0 || h.codec > 1 {
			return nil, malformed("message", "its compression (codec %d, method %d) is none that is known", h.codec, z.i8(1, 0))
		}
	}
	if h.rows < 0 {
		return nil, malformed("message", "%d rows", h.rows)
	}
	return h, t.c.err
}

func (h *batchHeader) node(i int) (node, error) {
	if i >= h.nNodes {
		return node{}, fmt.Errorf("the message has only %d columns", h.nNodes)
	}
	p := h.nodes + 16*i
	return node{h.c.i64(p), h.c.i64(p + 8)}, nil
}

func (h *batchHeader) span(i int) (span, error) {
	if i >= h.nBuffers {
		return span{}, fmt.Errorf("the message has only %d buffers", h.nBuffers)
	}
	p := h.buffers + 16*i
	return span{h.c.i64(p), h.c.i64(p + 8)}, nil
}
