package gx

import (
	"encoding/binary"
	"math/bits"

	"github.com/leathq/leat/pkg/arrowio"
)

// mask is a set of rows of a batch, 64 rows a word, row i at bit i%64 of word i/64. Bits past the last row are zero. A nil
// mask is every row.
type mask []uint64

func words(n int) int { return (n + 63) / 64 }

// full returns the bits of word w that are rows, of n.
func full(w, n int) uint64 {
	if left := n - w*64; left < 64 {
		return 1<<left - 1
	}
	return ^uint64(0)
}

func (m mask) get(i int) bool { return m == nil || m[i>>6]>>(i&63)&1 == 1 }

func (m mask) set(i int) { m[i>>6] |= 1 << (i & 63) }

// count is how many of n rows there are.
func (m mask) count(n int) int {
	if m == nil {
		return n
	}
	c := 0
	for _, w := range m {
		c += bits.OnesCount64(w)
	}
	return c
}

// word returns word w of n rows, for nil masks too.
func (m mask) word(w, n int) uint64 {
	if m == nil {
		return full(w, n)
	}
	return m[w]
}

// and returns the rows that are in both.
func (m mask) and(o mask) mask {
	switch {
	case m == nil:
		return o
	case o == nil:
		return m
	}
	r := make(mask, len(m))
	for i := range m {
		r[i] = m[i] & o[i]
	}
	return r
}

// or returns the rows that are in one of two masks of n rows.
func (m mask) or(o mask) mask {
	if m == nil || o == nil {
		return nil
	}
	r := make(mask, len(m))
	for i := range m {
		r[i] = m[i] | o[i]
	}
	return r
}

// not returns the rows, of n, that are not in m.
func (m mask) not(n int) mask {
	r := make(mask, words(n))
	if m == nil {
		return r
	}
	for i := range r {
		r[i] = ^m[i] & full(i, n)
	}
	return r
}

// each calls f for the rows in order until it returns false.
func (m mask) each(n int, f func(row int) bool) {
	for w := range words(n) {
		for b := m.word(w, n); b != 0; b &= b - 1 {
			if !f(w<<6 + bits.TrailingZeros64(b)) {
				return
			}
		}
	}
}

// maskOf brings Arrow's bits, which start anywhere in a byte, to a mask.
func maskOf(b *arrowio.Bitmap, n int) mask {
	if b == nil {
		return nil
	}
	m := make(mask, words(n))
	if b.Offset&7 == 0 {
		src := b.Bits[b.Offset>>3:]
		for i := range (n + 7) / 8 {
			m[i>>3] |= uint64(src[i]) << (i & 7 * 8)
		}
		if n > 0 {
			m[len(m)-1] &= full(len(m)-1, n)
		}
		return m
	}
	for i := range n {
		if b.Get(i) {
			m.set(i)
		}
	}
	return m
}

// bitmap gives a mask of n rows as Arrow's bits.
func (m mask) bitmap(n int) *arrowio.Bitmap {
	b := arrowio.NewBitmap(n)
	var last [8]byte
	for w := range words(n) {
		binary.LittleEndian.PutUint64(last[:], m.word(w, n))
		copy(b.Bits[w*8:], last[:])
	}
	return b
}

// decide fills a mask by a question about each of n rows, without a branch on its answer.
func decide(n int, f func(i int) bool) mask {
	m := make(mask, words(n))
	for w := range m {
		var bitsOf uint64
		from := w << 6
		for i := range min(64, n-from) {
			bitsOf |= bit(f(from+i)) << i
		}
		m[w] = bitsOf
	}
	return m
}

// bit is 1 for true; the compiler makes a flag of it, not a branch.
func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
