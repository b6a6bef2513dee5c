package arrowio

import (
	"bytes"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Canonical is the batch in the one form that all batches of equal values have: what Encode writes. Buffers that are so already are shared.
func (b *Batch) Canonical() *Batch {
	out := &Batch{schema: b.schema, rows: b.rows, columns: make([]*Column, len(b.columns))}
	for i, c := range b.columns {
		d := canonical(c.field, c.data, nil)
		out.columns[i] = &Column{field: c.field, data: d, nulls: d.NullN()}
	}
	return out
}

// canonical is data of which equal values are equal bytes: offset 0, buffers as long as they must be, no validity where nothing is null, zeros where
// something is, zeros after the last bit, offsets from 0, dictionaries with the values that are used in the order in which they are. Buffers that are so already are shared.
//
// live has a zero for each value that lies under a null of what it is nested in, so that nobody sees it; nil: all are seen.
func canonical(f Field, d arrow.ArrayData, live *Bitmap) arrow.ArrayData {
	t := f.Type
	if t.Kind == Null {
		return array.NewData(d.DataType(), d.Len(), []*memory.Buffer{nil}, nil, d.Len(), 0)
	}
	own := newColumn(f, d).Valid()
	seen := both(own, live, d.Len())
	// A field that must not be null is null below a null too: the Parquet library takes such a struct for one of zeros otherwise.
	nulls, bits := validity(seen, d.Len())
	made := func(children []arrow.ArrayData, buffers ...*memory.Buffer) *array.Data {
		return array.NewData(d.DataType(), d.Len(), append([]*memory.Buffer{bits}, buffers...), children, nulls, 0)
	}
	switch t.Kind {
	case String, LargeString, Binary, LargeBinary:
		o, b := canonicalText(t, d, seen)
		return made(nil, o, b)
	case List, LargeList, Map:
		o, child := canonicalList(f, d, seen)
		return made([]arrow.ArrayData{child}, o)
	case FixedList:
		child := sliceData(d.Children()[0], d.Offset()*t.Width, (d.Offset()+d.Len())*t.Width)
		return made([]arrow.ArrayData{canonical(t.Elem[0], child, spread(seen, t.Width))})
	case Struct:
		return made(canonicalFields(t, d, seen))
	case Bool:
		return made(nil, canonicalBits(d, seen))
	case Dictionary:
		return canonicalDictionary(f, d, seen, made)
	}
	return made(nil, canonicalFixed(d, t.width()/8, seen))
}

// both is what is one in both.
func both(a, b *Bitmap, n int) *Bitmap {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	out := NewBitmap(n)
	for i := range n {
		if a.Get(i) && b.Get(i) {
			out.Set(i)
		}
	}
	return out
}

// spread repeats each bit.
func spread(b *Bitmap, times int) *Bitmap {
	if b == nil {
		return nil
	}
	out := NewBitmap(b.Len * times)
	for i := range out.Len {
		if b.Get(i / times) {
			out.Set(i)
		}
	}
	return out
}

func validity(b *Bitmap, n int) (nulls int, bits *memory.Buffer) {
	if b == nil {
		return 0, nil
	}
	if nulls = n - b.Count(); nulls == 0 {
		return 0, nil
	}
	return nulls, memory.NewBufferBytes(trimmed(b))
}

// trimmed is the bits from bit 0 on with zeros after the last one; a copy only where they are not so.
func trimmed(b *Bitmap) []byte {
	size := (b.Len + 7) / 8
	if b.Offset&7 == 0 {
		bits := b.Bits[b.Offset/8:][:size]
		if b.Len&7 == 0 || bits[size-1]>>(b.Len&7) == 0 {
			return bits
		}
	}
	out := make([]byte, size)
	bitutil.CopyBitmap(b.Bits, b.Offset, b.Len, out, 0)
	return out
}

func canonicalBits(d arrow.ArrayData, seen *Bitmap) *memory.Buffer {
	if d.Len() == 0 {
		return memory.NewBufferBytes(nil)
	}
	b := &Bitmap{Bits: d.Buffers()[1].Bytes(), Offset: d.Offset(), Len: d.Len()}
	if seen != nil {
		b = both(b, seen, d.Len())
	}
	return memory.NewBufferBytes(trimmed(b))
}

// unseen calls f with each value that nobody sees.
func unseen(seen *Bitmap, f func(i int)) {
	for i := 0; seen != nil && i < seen.Len; i++ {
		if at := seen.Offset + i; at&7 == 0 && seen.Len-i >= 8 && seen.Bits[at>>3] == 0xff {
			i += 7
			continue
		}
		if !seen.Get(i) {
			f(i)
		}
	}
}

func canonicalFixed(d arrow.ArrayData, width int, seen *Bitmap) *memory.Buffer {
	if d.Len() == 0 {
		return memory.NewBufferBytes(nil)
	}
	in := d.Buffers()[1].Bytes()[d.Offset()*width : (d.Offset()+d.Len())*width]
	zero, shared := make([]byte, width), true
	unseen(seen, func(i int) {
		v := in[i*width : (i+1)*width]
		if bytes.Equal(v, zero) {
			return
		}
		if shared {
			in, shared = bytes.Clone(in), false
		}
		clear(in[i*width : (i+1)*width])
	})
	return memory.NewBufferBytes(in)
}
