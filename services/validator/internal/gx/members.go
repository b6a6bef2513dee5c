package gx

import (
	"math/big"

	"github.com/leathq/leat/pkg/arrowio"
)

// members is a set of values prepared for one class of column.
type members struct {
	texts  map[string]struct{}
	keys   map[any]struct{}
	ints   map[int64]struct{}
	sorted []string
}

// newMembers keeps what of the values can be in the column, as pandas' isin sees it: numbers of any type are equal by
// value, texts are equal to texts only: one that says a point in time is none, unless it is given as one (a clock).
func newMembers(values []any) *members {
	m := &members{texts: map[string]struct{}{}, keys: map[any]struct{}{}, ints: map[int64]struct{}{}}
	for _, x := range values {
		x = word64(x)
		if at, ok := x.(clock); ok {
			m.keys[stampKey{at.UnixNano(), at.aware}] = struct{}{}
			continue
		}
		if s, isString := x.(string); isString {
			m.texts[s] = struct{}{}
			m.sorted = append(m.sorted, s)
			continue
		}
		k := key(x)
		if n, ok := k.(int64); ok {
			m.ints[n] = struct{}{}
		}
		m.keys[k] = struct{}{}
	}
	return m
}

// rows returns the rows whose value is in the set; what it says of rows without a value means nothing.
func (m *members) rows(v *view) mask {
	switch {
	case v.class == isBool:
		_, hasTrue := m.keys[int64(1)]
		_, hasFalse := m.keys[int64(0)]
		return boolRows(v, hasTrue, hasFalse)
	case v.spelt():
		return m.textRows(v.texts(), v.n)
	case v.class == isInt && v.column.Kind() == arrowio.Int64:
		return intRows(m.ints, v.column.Int64s())
	case v.class == isInt && v.column.Kind() == arrowio.Int32:
		return intRows(m.ints, v.column.Int32s())
	}
	return decide(v.n, func(i int) bool {
		c := v.cell(i)
		if s, ok := c.(string); ok {
			_, in := m.texts[s]
			return in
		}
		_, in := m.keys[key(c)]
		return in && c != nil
	})
}

func (m *members) textRows(s arrowio.Strings, n int) mask {
	if len(m.texts) == 0 {
		return make(mask, words(n))
	}
	if len(m.texts) <= few {
		return fewRows(s, n, m.sorted)
	}
	longest := 0
	for t := range m.texts {
		longest = max(longest, len(t))
	}
	return decide(n, func(i int) bool {
		from, to := s.Span(i)
		if to-from > longest {
			return false
		}
		_, in := m.texts[string(s.Data[from:to])]
		return in
	})
}

// intRows looks small ranges up in a table of bits, and others in the map.
func intRows[T int64 | int32](set map[int64]struct{}, values []T) mask {
	const widest = 1 << 16
	lo, hi := int64(1)<<62, int64(-1)<<62
	for n := range set {
		lo, hi = min(lo, n), max(hi, n)
	}
	if len(set) == 0 || hi-lo >= widest {
		return decide(len(values), func(i int) bool { _, in := set[int64(values[i])]; return in })
	}
	table := make([]bool, hi-lo+1)
	for n := range set {
		table[n-lo] = true
	}
	return decide(len(values), func(i int) bool {
		at := uint64(int64(values[i]) - lo)
		return at < uint64(len(table)) && table[at]
	})
}

// word64 is a whole number beyond int64 as a column of unsigned integers has it.
func word64(x any) any {
	if n, ok := x.(*big.Int); ok && n.IsUint64() {
		return n.Uint64()
	}
	return x
}
