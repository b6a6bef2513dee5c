package gx

import "github.com/leathq/leat/pkg/arrowio"

// sizesWithin is lengthsWithin by the sizes of texts in bytes alone; ok is false where some text has to be looked at.
func sizesWithin(s arrowio.Strings, n int, low, high int64) (m mask, ok bool) {
	if s.Offsets32 == nil || low < 0 {
		return nil, false
	}
	offsets := s.Offsets32[:n+1]
	m = make(mask, words(n))
	var unsure uint64
	for w := range m {
		var hit uint64
		from := w << 6
		block := offsets[from:min(from+65, n+1)]
		for i := range len(block) - 1 {
			size := int64(block[i+1] - block[i])
			least := (size + 3) / 4 // code points
			in := bit(size <= high) & bit(least >= low)
			hit |= in << i
			unsure |= in ^ 1 ^ (bit(size < low) | bit(least > high))
		}
		m[w] = hit
	}
	return m, unsure == 0
}
