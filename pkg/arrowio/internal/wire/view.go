package wire

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// view loads a column of views (16 bytes each: length, then the text, or its first four bytes, a buffer's number and a position) as a plain one.
func (l *loader) view(f *field) (arrow.ArrayData, error) {
	n, nulls, valid, err := l.begin(f)
	if err != nil {
		return nil, err
	}
	heads, err := l.take(f)
	if err != nil {
		return nil, err
	}
	if n > len(heads)/16 {
		return nil, short(f, "views", len(heads), 16*n)
	}
	if l.variadic >= l.h.nVariadic {
		return nil, malformed(f.where(), "the message does not say how many buffers it has")
	}
	count := l.h.c.i64(l.h.variadic + 8*l.variadic)
	l.variadic++
	if count < 0 || count > int64(l.h.nBuffers-l.buffer) {
		return nil, malformed(f.where(), "%d buffers in a message of %d", count, l.h.nBuffers)
	}
	bufs := make([][]byte, count)
	for i := range bufs {
		if bufs[i], err = l.take(f); err != nil {
			return nil, err
		}
	}
	o, data, err := l.flatten(f, n, heads, bufs, valid)
	if err != nil {
		return nil, err
	}
	d := array.NewData(f.dt, n, []*memory.Buffer{valid, memory.NewBufferBytes(arrow.GetBytes(o)), memory.NewBufferBytes(data)}, nil, nulls, 0)
	if l.limits.ValidateUTF8 && f.dt.ID() == arrow.STRING && n > 0 {
		return d, checkUTF8(f, o, data, valid)
	}
	return d, nil
}

func (l *loader) flatten(f *field, n int, heads []byte, bufs [][]byte, valid *memory.Buffer) ([]int32, []byte, error) {
	o := make([]int32, 1, n+1)
	var data []byte
	most := int64(math.MaxInt32)
	if l.limits.MaxBytes > 0 {
		most = min(most, l.limits.MaxBytes)
	}
	for i := range n {
		if valid == nil || bitutil.BitIsSet(valid.Bytes(), i) {
			v, ok := viewed(heads[16*i:16*i+16], bufs)
			switch {
			case !ok:
				return nil, nil, malformed(f.where()+", row "+strconv.Itoa(i), "its view lies outside the buffers")
			case over(int64(len(v)), l.limits.MaxString):
				return nil, nil, l.long(f, i, int64(len(v)))
			// Views may share their text, so that a short message could name much.
			case int64(len(data)+len(v)) > most:
				return nil, nil, &LimitError{What: "bytes of text in one batch", Where: f.where(), Is: int64(len(data) + len(v)), Limit: most, Remedy: "write smaller batches"}
			}
			data = append(data, v...)
		}
		o = append(o, int32(len(data)))
	}
	return o, data, nil
}

func viewed(head []byte, bufs [][]byte) ([]byte, bool) {
	n := int64(int32(binary.LittleEndian.Uint32(head)))
	if n < 0 {
		return nil, false
	}
	if n <= 12 {
		return head[4 : 4+n], true
	}
	at, from := int64(int32(binary.LittleEndian.Uint32(head[8:]))), int64(int32(binary.LittleEndian.Uint32(head[12:])))
	if at < 0 || at >= int64(len(bufs)) || from < 0 || from+n > int64(len(bufs[at])) {
		return nil, false
	}
	return bufs[at][from : from+n], true
}
