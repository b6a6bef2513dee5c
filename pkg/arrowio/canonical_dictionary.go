package arrowio

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// canonicalDictionary keeps the values that rows have, each once, in the order in which they come first. Where the order of values means something,
// the dictionary stays as it is.
func canonicalDictionary(f Field, d arrow.ArrayData, seen *Bitmap, made func([]arrow.ArrayData, ...*memory.Buffer) *array.Data) arrow.ArrayData {
	value := f.Type.Elem[0]
	width := f.Type.width() / 8
	if f.Type.Ordered {
		out := made(nil, canonicalFixed(d, width, seen))
		out.SetDictionary(canonical(value, dictionaryOf(d), nil))
		return out
	}
	values := newColumn(value, dictionaryOf(d))
	at := newColumn(f, d).indices()
	order, renamed := firstUse(values, d.Len(), seen, at)
	indices := make([]byte, d.Len()*width)
	for i := range d.Len() {
		if seen.Get(i) {
			putIndex(indices[i*width:], width, uint64(renamed[at(i)]))
		}
	}
	out := made(nil, memory.NewBufferBytes(indices))
	picked, err := pick(values, order)
	if err != nil {
		// Fewer values than the dictionary had: they cannot be too long for its offsets.
		panic(fmt.Sprintf("arrowio: reorder a dictionary: %v", err))
	}
	out.SetDictionary(canonical(value, picked, nil))
	return out
}

func putIndex(b []byte, width int, v uint64) {
	switch width {
	case 1:
		b[0] = byte(v)
	case 2:
		binary.LittleEndian.PutUint16(b, uint16(v))
	case 4:
		binary.LittleEndian.PutUint32(b, uint32(v))
	default:
		binary.LittleEndian.PutUint64(b, v)
	}
}

// firstUse is which values are used, in order of their first use and each once, and the new name of every old one.
func firstUse(values *Column, n int, seen *Bitmap, at func(int) int) (order []int, renamed []int) {
	renamed = make([]int, values.Len())
	for i := range renamed {
		renamed[i] = -1
	}
	known := map[string]int{}
	for i := range n {
		if !seen.Get(i) || renamed[at(i)] >= 0 {
			continue
		}
		v := at(i)
		key := keyOf(values, v)
		name, ok := known[key]
		if !ok {
			name = len(order)
			known[key], order = name, append(order, v)
		}
		renamed[v] = name
	}
	return order, renamed
}
