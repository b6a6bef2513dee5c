package arrowio

import (
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
)

// Strings are the values of a String, LargeString, Binary, LargeBinary or FixedBinary column: value i is Data from its offset to the next, or
// Width bytes each where Width is not zero. One of Offsets32 and Offsets64 is not nil unless Width is set or there are no values. They do not begin at 0 in a slice.
type Strings struct {
	Offsets32 []int32 // Len+1
	Offsets64 []int64 // Len+1
	Data      []byte
	Width     int
}

// At is value i, a view.
func (s Strings) At(i int) []byte {
	from, to := s.Span(i)
	return s.Data[from:to:to]
}

// Span is where value i lies in Data.
func (s Strings) Span(i int) (from, to int) {
	switch {
	case s.Offsets32 != nil:
		return int(s.Offsets32[i]), int(s.Offsets32[i+1])
	case s.Offsets64 != nil:
		return int(s.Offsets64[i]), int(s.Offsets64[i+1])
	}
	return i * s.Width, (i + 1) * s.Width
}

// Strings are the column's values.
func (c *Column) Strings() Strings {
	n, off := c.Len(), c.data.Offset()
	switch k := c.Kind(); {
	case !k.bytes() && k != FixedBinary:
		panic(c.wrong("Strings"))
	case k == FixedBinary:
		w := c.field.Type.Width
		if n == 0 {
			return Strings{Width: w}
		}
		return Strings{Width: w, Data: c.buffer(1)[off*w : (off+n)*w]}
	case n == 0:
		return Strings{}
	case k == LargeString || k == LargeBinary:
		return Strings{Offsets64: arrow.GetData[int64](c.buffer(1))[off : off+n+1], Data: c.buffer(2)}
	}
	return Strings{Offsets32: arrow.GetData[int32](c.buffer(1))[off : off+n+1], Data: c.buffer(2)}
}

// InvalidUTF8 is the first value at or after from that is not null and not UTF-8, -1 where none is. Columns that are not text have none.
func (c *Column) InvalidUTF8(from int) int {
	if k := c.Kind(); k != String && k != LargeString || from >= c.Len() {
		return -1
	}
	s := c.Strings()
	first, _ := s.Span(from)
	_, last := s.Span(c.Len() - 1)
	whole := utf8.Valid(s.Data[first:last])
	for i := from; i < c.Len(); i++ {
		a, b := s.Span(i)
		// Text that is valid as a whole may still be cut within a character.
		if whole && (a == b || utf8.RuneStart(s.Data[a]) && (b == last || utf8.RuneStart(s.Data[b]))) {
			continue
		}
		if !utf8.Valid(s.Data[a:b]) && !c.IsNull(i) {
			return i
		}
	}
	return -1
}
