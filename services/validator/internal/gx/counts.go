package gx

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// counted is a value of the partial counts with how often it was seen.
type counted struct {
	row   []any
	times int64
}

// counts is GX's partial_unexpected_counts: the most frequent of the listed values, the earlier first among equals,
// then sorted by count and value. ok is false where Python cannot hash or sort them.
func (s *rowPart) counts(e *ending) ([]any, bool) {
	var seen []counted
	at := map[string]int{}
	var k []byte
	for n, row := range s.Values {
		var hashable bool
		if k, hashable = s.identity(k[:0], e, row, n); !hashable {
			return nil, false
		}
		if i, ok := at[string(k)]; ok {
			seen[i].times++
			continue
		}
		at[string(k)] = len(seen)
		seen = append(seen, counted{row, 1})
	}
	slices.SortStableFunc(seen, func(a, b counted) int { return cmp.Compare(b.times, a.times) })
	seen = seen[:min(len(seen), s.check.format.partial())]
	if !s.sort(e, seen) {
		return nil, false
	}
	out := make([]any, len(seen))
	for i, c := range seen {
		v := s.show(e, c.row)
		if o, ok := v.(Object); ok {
			values := make([]any, len(o))
			for k, m := range o {
				values[k] = m.Value
			}
			v = values
		}
		out[i] = Object{{"value", v}, {"count", c.times}}
	}
	return out, true
}

// identity appends what makes values one in Python's Counter. NaN is never equal to NaN: each missing value counts alone,
// but None is one value.
func (s *rowPart) identity(b []byte, e *ending, row []any, n int) ([]byte, bool) {
	for i, c := range row {
		if _, ok := c.([]any); ok {
			return b, false
		}
		if c == nil && !s.one(e, i) {
			b = strconv.AppendInt(append(b, "nan "...), int64(n), 10)
		}
		b = append(appendKey(b, key(c)), 0)
	}
	return b, true
}

// one says whether missing values of column i of the domain are one object. Pairs are made of numpy's arrays, in which each
// NaT is its own.
func (s *rowPart) one(e *ending, i int) bool {
	pair := len(s.check.columns) == 2 && !s.check.many
	return e.none(s.check.columns[i]) && (!pair || e.class(s.check.columns[i]) != isStamp)
}

// sort orders by count and value as Python compares tuples; false where it would raise: None beside a value.
func (s *rowPart) sort(e *ending, seen []counted) bool {
	ok := true
	pysort(seen, func(a, b counted) bool {
		if a.times != b.times {
			return a.times > b.times
		}
		for i := range a.row {
			c, order := s.order(e, i, a.row[i], b.row[i])
			ok = ok && order != impossible
			switch {
			case c != 0:
				return c < 0
			case order == unordered:
				return false
			}
		}
		return false
	})
	return ok
}

// How two values compare.
const (
	orders     = iota
	unordered  // neither is less, and they are not equal: NaN beside anything
	impossible // Python raises a TypeError
)

// order compares two cells of column i of the domain.
func (s *rowPart) order(e *ending, i int, a, b any) (int, int) {
	column := s.check.columns[i]
	if a == nil || b == nil {
		nan := !s.one(e, i)
		number := numericClass(e.class(column)) && nan
		switch {
		case a == nil && b == nil && nan:
			return 0, unordered
		case a == nil && b == nil:
			return 0, orders
		case number || e.class(column) == isStamp:
			return 0, unordered
		}
		return 0, impossible
	}
	c, ok := compareCells(a, b)
	if !ok {
		return 0, impossible
	}
	return c, orders
}

// compareCells orders cells as Python does; ok is false where it cannot. A missing value is not ordered with anything.
func compareCells(a, b any) (int, bool) {
	if a == nil || b == nil {
		return 0, true
	}
	if s, ok := a.(string); ok {
		t, ok := b.(string)
		return strings.Compare(s, t), ok
	}
	if s, ok := a.(stamp); ok {
		if d, ok := b.(day); ok {
			return s.time().Compare(time.Unix(int64(d)*86400, 0)), true
		}
		t, ok := b.(stamp)
		return s.time().Compare(t.time()), ok
	}
	if s, ok := a.(day); ok {
		if t, ok := b.(stamp); ok {
			return time.Unix(int64(s)*86400, 0).Compare(t.time()), true
		}
		t, ok := b.(day)
		return cmp.Compare(s, t), ok
	}
	x, xNumber := numberOf(a)
	y, yNumber := numberOf(b)
	if m, ok := a.(int64); ok && xNumber {
		if n, ok := b.(int64); ok {
			return cmp.Compare(m, n), true
		}
	}
	if math.IsNaN(x) || math.IsNaN(y) {
		return 0, true
	}
	return compareFloats(x, y), xNumber && yNumber
}
