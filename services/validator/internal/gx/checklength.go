package gx

import (
	"math"
	"math/bits"
	"unicode/utf8"

	"github.com/leathq/leat/pkg/arrowio"
)

func lengthBetween(b *builder) error {
	if err := b.someBound(); err != nil {
		return err
	}
	l := b.limits()
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	if n, ok := l.low.(int64); ok {
		low = n + int64(bit(l.strictLow))
	}
	if n, ok := l.high.(int64); ok {
		high = n - int64(bit(l.strictHigh))
	}
	return b.lengths(low, high)
}

func lengthEquals(b *builder) error {
	want, _ := b.arg("value").(float64)
	if want != math.Trunc(want) || math.Abs(want) > 1<<40 {
		return b.lengths(1, 0)
	}
	return b.lengths(int64(want), int64(want))
}

func (b *builder) lengths(low, high int64) error {
	low, high = max(low, math.MinInt32), min(high, math.MaxInt32)
	c, err := b.column("column")
	if err != nil {
		return err
	}
	return b.spelt(c, func(v *view, rows mask, how spelling) (mask, error) {
		if !v.spelt() {
			return printedLengths(v, rows, low, high, how), nil
		}
		return v.lengthsWithin(low, high), nil
	})
}

// lengthsWithin finds the texts of low to high code points. A text has at most as many as bytes and at least a quarter of
// them, so most are decided without looking at it.
func (v *view) lengthsWithin(low, high int64) mask {
	if v.lengths != nil {
		return decide(v.n, func(i int) bool { n := int64(v.lengths[i]); return n >= low && n <= high })
	}
	s := v.texts()
	m, unsure := sizesWithin(s, v.n, low, high)
	unsure.each(v.n, func(i int) bool {
		if n := int64(points(s.At(i), high)); n >= low && n <= high {
			m.set(i)
		}
		return true
	})
	return m
}

// points counts code points of UTF-8, eight bytes at a time: those that are not continuation bytes (10xxxxxx). Above most it may stop.
func points(b []byte, most int64) int {
	n := 0
	for len(b) >= 8 {
		if int64(n) > most {
			return n
		}
		w := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		const ones = 0x0101010101010101
		n += 8 - bits.OnesCount64((w>>7)&^(w>>6)&ones)
		b = b[8:]
	}
	for _, c := range b {
		if c&0xC0 != 0x80 {
			n++
		}
	}
	return n
}

// printedLengths measures values of other types as Python's str() prints them.
func printedLengths(v *view, rows mask, low, high int64, how spelling) mask {
	good := make(mask, words(v.n))
	rows.each(v.n, func(i int) bool {
		if n := int64(utf8.RuneCountInString(how.spell(v.cell(i)))); n >= low && n <= high {
			good.set(i)
		}
		return true
	})
	return good
}

// textOf is the texts of a column as pandas' astype(str) makes them, for searching.
func textOf(v *view, how spelling) arrowio.Strings {
	if v.spelt() {
		return v.texts()
	}
	return v.printedAll(how)
}
