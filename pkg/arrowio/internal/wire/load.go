package wire

import (
	"cmp"
	"fmt"
	"math"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Dictionaries are the values of dictionaries as they have come so far, by id.
type Dictionaries map[int64]arrow.ArrayData

// Batch makes arrays of a message with rows. They share the message's body where it is not compressed, and are safe to index: lengths, offsets and
// indices were checked.
func (s *Schema) Batch(m *Message, known Dictionaries, l Limits) (arrow.RecordBatch, error) {
	if !m.IsBatch() {
		return nil, malformed("message", "it has no rows where rows should come")
	}
	h, err := readBatch(m.header)
	if err != nil {
		return nil, err
	}
	if over(h.rows, l.MaxRows) {
		return nil, &LimitError{What: "rows of a batch", Is: h.rows, Limit: l.MaxRows}
	}
	ld := newLoader(h, m.body, known, l)
	cols := make([]arrow.Array, len(s.fields))
	for i, f := range s.fields {
		d, err := ld.array(f)
		if err != nil {
			return nil, err
		}
		if int64(d.Len()) != h.rows {
			return nil, malformed(f.where(), "it has %d values, the batch has %d rows", d.Len(), h.rows)
		}
		cols[i] = array.MakeFromData(d)
	}
	return array.NewRecordBatch(s.Arrow, cols, h.rows), nil
}

// Dictionary takes the values of a message that has some into known, or adds them to what is there.
func (s *Schema) Dictionary(m *Message, known Dictionaries, l Limits) error {
	id := m.header.i64(0)
	f, ok := s.values[id]
	t, has := m.header.sub(1)
	if m.header.c.err != nil || !ok || !has {
		return malformed("dictionary", "number %d belongs to no column", id)
	}
	h, err := readBatch(t)
	if err != nil {
		return err
	}
	if over(h.rows, l.MaxRows) {
		return &LimitError{What: "values of a dictionary", Where: f.where(), Is: h.rows, Limit: l.MaxRows}
	}
	d, err := newLoader(h, m.body, known, l).array(f)
	if err != nil {
		return err
	}
	if int64(d.Len()) != h.rows {
		return malformed(f.where(), "its dictionary has %d values and says %d", d.Len(), h.rows)
	}
	if old := known[id]; m.header.bool(2) && old != nil {
		both, err := array.Concatenate([]arrow.Array{array.MakeFromData(old), array.MakeFromData(d)}, memory.DefaultAllocator)
		if err != nil {
			return malformed(f.where(), "add to its dictionary: %v", err)
		}
		d = both.Data()
	}
	known[id] = d
	return nil
}

type loader struct {
	h        *batchHeader
	body     []byte
	known    Dictionaries
	limits   Limits
	elements int64 // the longest that an array can honestly be
	inflated int64
	node     int
	buffer   int
	variadic int
}

func newLoader(h *batchHeader, body []byte, known Dictionaries, l Limits) *loader {
	if uintptr(unsafe.Pointer(unsafe.SliceData(body)))&7 != 0 {
		body = append(make([]byte, 0, len(body)), body...)
	}
	// A value takes a bit at least, unless it is null by type or has no fields: of those there may be as many as of rows in any batch.
	most := int64(len(body))
	if h.codec >= 0 {
		most = cmp.Or(l.MaxBytes, math.MaxInt64/8)
	}
	return &loader{h: h, body: body, known: known, limits: l, elements: max(8*most, h.rows, cmp.Or(max(l.MaxRows, 0), math.MaxInt32))}
}

// begin reads a field's length and validity.
func (l *loader) begin(f *field) (n int, nulls int, valid *memory.Buffer, err error) {
	nd, err := l.h.node(l.node)
	if err != nil {
		return 0, 0, nil, malformed(f.where(), "%v", err)
	}
	l.node++
	if nd.length < 0 || nd.length > l.elements {
		return 0, 0, nil, malformed(f.where(), "a length of %d in a message of %d bytes", nd.length, len(l.body))
	}
	n = int(nd.length)
	if f.dt.ID() == arrow.NULL && !f.isDict {
		return n, n, nil, nil
	}
	b, err := l.take(f)
	if err != nil {
		return 0, 0, nil, err
	}
	if nd.nulls == 0 || len(b) == 0 {
		if nd.nulls > 0 {
			return 0, 0, nil, malformed(f.where(), "%d nulls and nothing that says where", nd.nulls)
		}
		return n, 0, nil, nil
	}
	if len(b) < (n+7)/8 {
		return 0, 0, nil, short(f, "validity", len(b), (n+7)/8)
	}
	return n, nullCount(b, n), memory.NewBufferBytes(b), nil
}

func short(f *field, what string, is, want int) error {
	return malformed(f.where(), "its %s has %d bytes and needs %d", what, is, want)
}

// take is the next buffer's bytes.
func (l *loader) take(f *field) ([]byte, error) {
	s, err := l.h.span(l.buffer)
	if err != nil {
		return nil, malformed(f.where(), "%v", err)
	}
	l.buffer++
	if s.from < 0 || s.size < 0 || s.from > int64(len(l.body)) || s.size > int64(len(l.body))-s.from {
		return nil, malformed(f.where(), "a buffer at %d of %d bytes lies outside the body of %d", s.from, s.size, len(l.body))
	}
	b := l.body[s.from : s.from+s.size : s.from+s.size]
	if l.h.codec >= 0 && len(b) > 0 {
		if b, err = l.inflate(b); err != nil {
			return nil, fmt.Errorf("%s: %w", f.where(), err)
		}
	}
	if len(b) > 0 && uintptr(unsafe.Pointer(unsafe.SliceData(b)))&7 != 0 {
		b = append(make([]byte, 0, len(b)), b...)
	}
	return b, nil
}

func (l *loader) array(f *field) (arrow.ArrayData, error) {
	if f.isDict {
		return l.dictionary(f)
	}
	if f.view {
		return l.view(f)
	}
	switch f.dt.ID() {
	case arrow.STRING, arrow.BINARY:
		return text[int32](l, f)
	case arrow.LARGE_STRING, arrow.LARGE_BINARY:
		return text[int64](l, f)
	case arrow.LIST, arrow.MAP:
		return list[int32](l, f)
	case arrow.LARGE_LIST:
		return list[int64](l, f)
	case arrow.FIXED_SIZE_LIST:
		return l.fixedList(f)
	case arrow.STRUCT:
		return l.structure(f)
	}
	return l.fixed(f, f.dt)
}

// fixed loads values of one width, or nothing for nulls by type.
func (l *loader) fixed(f *field, dt arrow.DataType) (*array.Data, error) {
	n, nulls, valid, err := l.begin(f)
	if err != nil {
		return nil, err
	}
	if dt.ID() == arrow.NULL {
		return array.NewData(dt, n, []*memory.Buffer{nil}, nil, n, 0), nil
	}
	b, err := l.take(f)
	if err != nil {
		return nil, err
	}
	bits := int64(dt.(arrow.FixedWidthDataType).BitWidth())
	if bits > 0 && int64(n) > int64(len(b))*8/bits {
		return nil, malformed(f.where(), "its values have %d bytes, too few for %d", len(b), n)
	}
	if s, ok := dt.(*arrow.FixedSizeBinaryType); ok && over(int64(s.ByteWidth), l.limits.MaxString) {
		return nil, l.long(f, 0, int64(s.ByteWidth))
	}
	return array.NewData(dt, n, []*memory.Buffer{valid, memory.NewBufferBytes(b)}, nil, nulls, 0), nil
}

func (l *loader) structure(f *field) (arrow.ArrayData, error) {
	n, nulls, valid, err := l.begin(f)
	if err != nil {
		return nil, err
	}
	children := make([]arrow.ArrayData, len(f.children))
	for i, c := range f.children {
		if children[i], err = l.array(c); err != nil {
			return nil, err
		}
		if children[i].Len() != n {
			return nil, malformed(c.where(), "it has %d values, what it belongs to has %d", children[i].Len(), n)
		}
	}
	return array.NewData(f.dt, n, []*memory.Buffer{valid}, children, nulls, 0), nil
}

func (l *loader) fixedList(f *field) (arrow.ArrayData, error) {
	n, nulls, valid, err := l.begin(f)
	if err != nil {
		return nil, err
	}
	child, err := l.array(f.children[0])
	if err != nil {
		return nil, err
	}
	if each := int64(f.dt.(*arrow.FixedSizeListType).Len()); int64(n) > int64(child.Len())/each {
		return nil, malformed(f.where(), "%d lists of %d need more than %d elements", n, each, child.Len())
	}
	return array.NewData(f.dt, n, []*memory.Buffer{valid}, []arrow.ArrayData{child}, nulls, 0), nil
}
