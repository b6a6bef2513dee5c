package sums

// block is numpy's: longer runs are halved, the left half a multiple of eight.
const block = 128

// pairwise adds in the order of numpy's add.reduce over a contiguous array: its blocked pairwise sum (numpy/_core/src/umath/loops_utils.h.src), started from 0. Every step rounds to T.
func pairwise[T float32 | float64](v []T) T { return 0 + pairs(v) }

func pairs[T float32 | float64](v []T) T {
	switch n := len(v); {
	case n < 8:
		var sum T
		for _, x := range v {
			sum += x
		}
		return sum
	case n <= block:
		return eight(v)
	default:
		half := n / 2
		half -= half % 8
		return pairs(v[:half]) + pairs(v[half:])
	}
}

func eight[T float32 | float64](v []T) T {
	var r [8]T
	copy(r[:], v)
	i := 8
	for ; i+8 <= len(v); i += 8 {
		for j := range r {
			r[j] += v[i+j]
		}
	}
	sum := ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]))
	for ; i < len(v); i++ {
		sum += v[i]
	}
	return sum
}

// Pairwise adds as numpy.sum does over a contiguous float64 array: with its rounding, not exactly.
func Pairwise(v []float64) float64 { return pairwise(v) }
