// Package presence says which rows of a column hold a value. It knows bits alone, nothing of Arrow, so that packages of numbers can be used and tested by themselves.
package presence

import "math/bits"

// Mask is a view of a validity bitmap as Arrow lays it out: least significant bit first, a set bit says that the row holds a value. Row i is bit Offset+i. The zero Mask says that all do.
// It is read only; whoever made Bits keeps it unchanged while the Mask is in use.
type Mask struct {
	Bits   []byte
	Offset int
}

// All reports whether the mask says nothing, so that every row holds a value.
func (m Mask) All() bool { return m.Bits == nil }

// Has reports whether row i holds a value.
func (m Mask) Has(i int) bool {
	if m.Bits == nil {
		return true
	}
	at := m.Offset + i
	return m.Bits[at>>3]>>(at&7)&1 == 1
}

// Count returns how many of the first n rows hold a value.
func (m Mask) Count(n int) int {
	if m.Bits == nil {
		return n
	}
	count, i := 0, 0
	for ; i < n && (m.Offset+i)&7 != 0; i++ {
		if m.Has(i) {
			count++
		}
	}
	for ; i+8 <= n; i += 8 {
		count += bits.OnesCount8(m.Bits[(m.Offset+i)>>3])
	}
	for ; i < n; i++ {
		if m.Has(i) {
			count++
		}
	}
	return count
}
