package sums

import (
	"math"
	"math/big"
	"math/bits"
)

// ints holds the sum of integers in 128 bits and of their squares in 192, which 2^63 values of any size fit.
type ints struct {
	low    uint64
	high   int64
	square [3]uint64
}

func (a *ints) addInt(v int64) {
	var carry uint64
	a.low, carry = bits.Add64(a.low, uint64(v), 0)
	a.high += v>>63 + int64(carry)
	m := uint64(v)
	if v < 0 {
		m = -m
	}
	a.addSquare(m)
}

func (a *ints) addUint(v uint64) {
	var carry uint64
	a.low, carry = bits.Add64(a.low, v, 0)
	a.high += int64(carry)
	a.addSquare(v)
}

func (a *ints) addSquare(m uint64) {
	high, low := bits.Mul64(m, m)
	var carry uint64
	a.square[0], carry = bits.Add64(a.square[0], low, 0)
	a.square[1], carry = bits.Add64(a.square[1], high, carry)
	a.square[2] += carry
}

func (a *ints) merge(b *ints) {
	var carry uint64
	a.low, carry = bits.Add64(a.low, b.low, 0)
	a.high += b.high + int64(carry)
	carry = 0
	for i := range a.square {
		a.square[i], carry = bits.Add64(a.square[i], b.square[i], carry)
	}
}

func (a *ints) sum() *big.Int     { return signed(a.low, a.high) }
func (a *ints) squares() *big.Int { return unsigned(a.square) }

func signed(low uint64, high int64) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(high), 64)
	return n.Add(n, new(big.Int).SetUint64(low))
}

func unsigned(words [3]uint64) *big.Int {
	n := new(big.Int)
	for i := 2; i >= 0; i-- {
		n.Lsh(n, 64).Add(n, new(big.Int).SetUint64(words[i]))
	}
	return n
}

// reals adds floats exactly: the signed 53-bit significands of all values with the same exponent are added as integers, and so are their squares, the idea of R. M. Neal's
// large superaccumulator ("Fast exact summation using small and large superaccumulators", 2015) with squares beside it. The sum is the same in any order. 80 KiB.
type reals struct {
	up, down int64 // how many infinities
	buckets  [2047]bucket
}

type bucket struct {
	low    uint64
	high   int64
	square [3]uint64
}

const (
	fraction = 1<<52 - 1
	implicit = 1 << 52
	infinite = 0x7ff
	// least is the exponent of the last bit of the smallest floats.
	least = -1074
)

func (a *reals) add(v float64) {
	raw := math.Float64bits(v)
	exponent := raw >> 52 & infinite
	if exponent == infinite {
		if v > 0 {
			a.up++
		} else {
			a.down++
		}
		return
	}
	m := raw & fraction
	if exponent != 0 {
		m |= implicit
	}
	sign := int64(raw) >> 63
	value := (int64(m) ^ sign) - sign
	b := &a.buckets[exponent]
	var carry uint64
	b.low, carry = bits.Add64(b.low, uint64(value), 0)
	b.high += value>>63 + int64(carry)
	high, low := bits.Mul64(m, m)
	b.square[0], carry = bits.Add64(b.square[0], low, 0)
	b.square[1], carry = bits.Add64(b.square[1], high, carry)
	b.square[2] += carry
}

func (a *reals) merge(b *reals) {
	a.up, a.down = a.up+b.up, a.down+b.down
	for i := range a.buckets {
		x, y := &a.buckets[i], &b.buckets[i]
		if y.empty() {
			continue
		}
		var carry uint64
		x.low, carry = bits.Add64(x.low, y.low, 0)
		x.high += y.high + int64(carry)
		carry = 0
		for j := range x.square {
			x.square[j], carry = bits.Add64(x.square[j], y.square[j], carry)
		}
	}
}

func (b *bucket) empty() bool { return *b == bucket{} }

// shift is the power of two by which bucket i counts, above the least: subnormal floats share the exponent of the first normal ones.
func shift(i int) uint { return uint(max(i, 1) - 1) }

// totals returns the sum in units of 2^least and that of squares in units of 2^(2·least).
func (a *reals) totals() (sum, squares *big.Int) {
	sum, squares = new(big.Int), new(big.Int)
	for i := range a.buckets {
		b := &a.buckets[i]
		if b.empty() {
			continue
		}
		n := signed(b.low, b.high)
		sum.Add(sum, n.Lsh(n, shift(i)))
		q := unsigned(b.square)
		squares.Add(squares, q.Lsh(q, 2*shift(i)))
	}
	return sum, squares
}

// infinity returns what infinities make of a sum: NaN where both signs meet, 0 where there are none.
func (a *reals) infinity() float64 {
	switch {
	case a.up > 0 && a.down > 0:
		return math.NaN()
	case a.up > 0:
		return math.Inf(1)
	case a.down > 0:
		return math.Inf(-1)
	}
	return 0
}
