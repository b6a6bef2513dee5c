package arrowio

import "github.com/apache/arrow-go/v18/arrow/bitutil"

// Bitmap is Len bits; bit i is bit Offset+i of Bits, least significant first. A nil *Bitmap is all ones, of any length. Concurrent reads are safe.
type Bitmap struct {
	Bits        []byte
	Offset, Len int
}

// NewBitmap is n zeros.
func NewBitmap(n int) *Bitmap { return &Bitmap{Bits: make([]byte, (n+7)/8), Len: n} }

// Get is bit i.
func (b *Bitmap) Get(i int) bool {
	if b == nil {
		return true
	}
	i += b.Offset
	return b.Bits[i>>3]&(1<<(i&7)) != 0
}

// Set makes bit i one.
func (b *Bitmap) Set(i int) {
	i += b.Offset
	b.Bits[i>>3] |= 1 << (i & 7)
}

// Clear makes bit i zero.
func (b *Bitmap) Clear(i int) {
	i += b.Offset
	b.Bits[i>>3] &^= 1 << (i & 7)
}

// Count is how many ones there are.
func (b *Bitmap) Count() int { return bitutil.CountSetBits(b.Bits, b.Offset, b.Len) }

// runs calls f with the maximal runs of ones, in order.
func (b *Bitmap) runs(f func(from, to int)) {
	for i := 0; i < b.Len; {
		if at := b.Offset + i; at&7 == 0 && b.Len-i >= 8 {
			if w := b.Bits[at>>3]; w == 0 {
				i += 8
				continue
			}
		}
		if !b.Get(i) {
			i++
			continue
		}
		from := i
		for i < b.Len {
			if at := b.Offset + i; at&7 == 0 && b.Len-i >= 8 && b.Bits[at>>3] == 0xff {
				i += 8
				continue
			}
			if !b.Get(i) {
				break
			}
			i++
		}
		f(from, i)
	}
}
