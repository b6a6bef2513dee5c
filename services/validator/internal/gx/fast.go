package gx

import (
	"cmp"
	"encoding/binary"
	"math"

	"github.com/leathq/leat/pkg/arrowio"
)

// The loops here decide a row without a branch and without a call, for the types that most columns have; every one has
// a slow twin that takes any type.

// boolRows finds the values of a column of booleans that are in a set.
func boolRows(v *view, hasTrue, hasFalse bool) mask {
	switch {
	case hasTrue && hasFalse:
		return nil
	case hasTrue:
		return maskOf(v.column.Bools(), v.n)
	case hasFalse:
		return maskOf(v.column.Bools(), v.n).not(v.n)
	}
	return make(mask, words(v.n))
}

// greater finds the rows in which x is above y, or equal where that is enough. ok is false for types that it does not take.
func greater(x, y *view, equal bool) (m mask, ok bool) {
	a, b := x.column.Kind(), y.column.Kind()
	switch {
	case a == arrowio.Int64 && b == arrowio.Int64, a == arrowio.Timestamp && x.column.Field().Type.Equal(y.column.Field().Type):
		return above2(x.column.Int64s(), y.column.Int64s(), equal), true
	case a == arrowio.Int32 && b == arrowio.Int32:
		return above2(x.column.Int32s(), y.column.Int32s(), equal), true
	case a == arrowio.Float64 && b == arrowio.Float64:
		return above2(x.column.Float64s(), y.column.Float64s(), equal), true
	}
	return nil, false
}

func above2[T int64 | int32 | float64](x, y []T, equal bool) mask {
	m := make(mask, words(len(x)))
	for w := range m {
		from := w << 6
		a, b := x[from:min(from+64, len(x))], y[from:min(from+64, len(y))]
		var hit uint64
		if equal {
			for i := range a {
				hit |= bit(a[i] >= b[i]) << i
			}
		} else {
			for i := range a {
				hit |= bit(a[i] > b[i]) << i
			}
		}
		m[w] = hit
	}
	return m
}

// steps finds the values that do not follow the one before them; all rows hold a value, and the first has none before it.
func steps[T int64 | int32 | float64](values []T, sign int, strict bool) (bad mask, some bool) {
	bad = make(mask, words(len(values)))
	var any uint64
	for w := range bad {
		var hit uint64
		from := max(w<<6, 1)
		for i := from; i < min(w<<6+64, len(values)); i++ {
			a, b := values[i-1], values[i]
			if sign < 0 {
				a, b = b, a
			}
			hit |= (bit(b < a) | bit(strict && b == a)) << (i & 63)
		}
		bad[w] = hit
		any |= hit
	}
	return bad, any != 0
}

// plainSteps is steps for the columns that it takes; differences of infinities are for its slow twin.
func (v *view) plainSteps(sign int, strict bool) (bad mask, some, ok bool) {
	if v.present != nil {
		return nil, false, false
	}
	switch c := v.column; c.Kind() {
	case arrowio.Int64, arrowio.Timestamp:
		bad, some = steps(c.Int64s(), sign, strict)
	case arrowio.Int32, arrowio.Date32:
		bad, some = steps(c.Int32s(), sign, strict)
	case arrowio.Float64:
		for _, f := range c.Float64s() {
			if math.IsInf(f, 0) {
				return nil, false, false
			}
		}
		bad, some = steps(c.Float64s(), sign, strict)
	default:
		return nil, false, false
	}
	return bad, some, true
}

// endsOfAll is ends where every row counts.
func endsOfAll[T cmp.Ordered](values []T) (low, high int) {
	if len(values) == 0 {
		return -1, -1
	}
	least, most := values[0], values[0]
	for _, x := range values {
		least, most = min(least, x), max(most, x)
	}
	low, high = -1, -1
	for i, x := range values {
		if low < 0 && x == least {
			low = i
		}
		if high < 0 && x == most {
			high = i
		}
		if low >= 0 && high >= 0 {
			break
		}
	}
	return low, high
}

// few is the most texts of a set that are tried one after another.
const few = 8

// fewRows finds texts of a small set: by length first, so that most comparisons are of one number. Texts of up to seven bytes are one number each.
func fewRows(s arrowio.Strings, n int, set []string) mask {
	m := make(mask, words(n))
	if keys, ok := wordsOf(set); ok && s.Offsets32 != nil {
		return wordRows(s, n, keys[:len(set)])
	}
	for i := range n {
		from, to := s.Span(i)
		for _, t := range set {
			if len(t) == to-from && string(s.Data[from:to]) == t {
				m.set(i)
				break
			}
		}
	}
	return m
}

// wordsOf are texts of up to seven bytes as numbers, their lengths in the upper byte.
func wordsOf(set []string) (out [few]uint64, ok bool) {
	if len(set) > few {
		return out, false
	}
	for i, t := range set {
		if len(t) > 7 {
			return out, false
		}
		var b [8]byte
		copy(b[:], t)
		out[i] = binary.LittleEndian.Uint64(b[:]) | uint64(len(t))<<56
	}
	return out, true
}

func wordRows(s arrowio.Strings, n int, keys []uint64) mask {
	m := make(mask, words(n))
	offsets, data := s.Offsets32[:n+1], s.Data
	for w := range m {
		var hit uint64
		block := offsets[w<<6 : min(w<<6+65, n+1)]
		for i := range len(block) - 1 {
			from, size := int(block[i]), int(block[i+1]-block[i])
			if size > 7 {
				continue
			}
			key := uint64(size) << 56
			if from+8 <= len(data) {
				key |= binary.LittleEndian.Uint64(data[from:]) & (1<<(8*size) - 1)
			} else {
				for k, b := range data[from : from+size] {
					key |= uint64(b) << (8 * k)
				}
			}
			var in uint64
			for _, k := range keys {
				in |= bit(k == key)
			}
			hit |= in << i
		}
		m[w] = hit
	}
	return m
}
