package gx

import "github.com/leathq/leat/pkg/arrowio"

// sizesWithin finds texts of low to high code points by their sizes in bytes alone: a text has at most as many as bytes, and at least a quarter of them. unsure are those that have to be
// looked at.
func sizesWithin(s arrowio.Strings, n int, low, high int64) (in, unsure mask) {
	in, unsure = make(mask, words(n)), make(mask, words(n))
	for w := range in {
		var hit, open uint64
		for i := range min(64, n-w<<6) {
			from, to := s.Span(w<<6 + i)
			size := int64(to - from)
			least := (size + 3) / 4
			yes := bit(size <= high) & bit(least >= low)
			hit |= yes << i
			open |= (yes ^ 1 ^ (bit(size < low) | bit(least > high))) << i
		}
		in[w], unsure[w] = hit, open
	}
	return in, unsure
}
