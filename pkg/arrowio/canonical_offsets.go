package arrowio

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// seenRuns are the values that are seen; ok says that the others are empty, so that they need not be taken apart.
func seenRuns(o Offsets, n int, seen *Bitmap) (r runs, ok bool) {
	ok = true
	unseen(seen, func(i int) { ok = ok && o.At(i) == o.At(i+1) })
	if !ok {
		seen.runs(r.add)
	}
	return r, ok
}

func offsetsOf(c *Column) Offsets {
	if c.Kind().bytes() {
		s := c.Strings()
		return Offsets{O32: s.Offsets32, O64: s.Offsets64}
	}
	o, _ := c.Lists()
	return o
}

// zeroBased is the offsets from 0 on, shared where they are so, with nothing for what is not seen where hollow is set.
func zeroBased(o Offsets, seen *Bitmap, hollow bool) *memory.Buffer {
	switch {
	case o.O64 != nil:
		return memory.NewBufferBytes(arrow.GetBytes(rebased(o.O64, seen, hollow)))
	}
	return memory.NewBufferBytes(arrow.GetBytes(rebased(o.O32, seen, hollow)))
}

// noOffsets are those of no values: there is always one more than of values.
func noOffsets(t Type) *memory.Buffer { return memory.NewBufferBytes(make([]byte, offsetWidth(t))) }

func rebased[T int32 | int64](in []T, seen *Bitmap, hollow bool) []T {
	if in[0] == 0 && !hollow {
		return in
	}
	out := make([]T, len(in))
	for i := range len(in) - 1 {
		out[i+1] = out[i]
		if !hollow || seen.Get(i) {
			out[i+1] += in[i+1] - in[i]
		}
	}
	return out
}

func canonicalText(t Type, d arrow.ArrayData, seen *Bitmap) (offsets, data *memory.Buffer) {
	if d.Len() == 0 {
		return noOffsets(t), memory.NewBufferBytes(nil)
	}
	c := newColumn(Field{Type: t}, d)
	o, s := offsetsOf(c), c.Strings()
	r, ok := seenRuns(o, d.Len(), seen)
	offsets = zeroBased(o, seen, !ok)
	if ok {
		return offsets, memory.NewBufferBytes(s.Data[o.At(0):o.At(d.Len())])
	}
	var out []byte
	for _, x := range r.list {
		out = append(out, s.Data[o.At(x.from):o.At(x.to)]...)
	}
	return offsets, memory.NewBufferBytes(out)
}

func canonicalList(f Field, d arrow.ArrayData, seen *Bitmap) (*memory.Buffer, arrow.ArrayData) {
	c := newColumn(f, d)
	o, v := c.Lists()
	child := v.field
	if f.Type.Kind == Map {
		child.Nullable = false
	}
	if d.Len() == 0 {
		return noOffsets(f.Type), canonical(child, sliceData(v.data, 0, 0), nil)
	}
	r, ok := seenRuns(o, d.Len(), seen)
	offsets := zeroBased(o, seen, !ok)
	if ok {
		return offsets, canonical(child, sliceData(v.data, o.At(0), o.At(d.Len())), nil)
	}
	var inner runs
	for _, x := range r.list {
		inner.add(o.At(x.from), o.At(x.to))
	}
	picked, err := gather(child.Type, parts{{v.data, inner}})
	if err != nil {
		// Fewer elements than there were: they cannot be too long for their offsets.
		panic(fmt.Sprintf("arrowio: leave out what nulls hide: %v", err))
	}
	return offsets, canonical(child, picked, nil)
}

func canonicalFields(t Type, d arrow.ArrayData, seen *Bitmap) []arrow.ArrayData {
	out := make([]arrow.ArrayData, len(t.Elem))
	for i, f := range t.Elem {
		out[i] = canonical(f, sliceData(d.Children()[i], d.Offset(), d.Offset()+d.Len()), seen)
	}
	return out
}
