// Package pyunicode is what Python 3.11's str methods and re module know of Unicode (edition 14): classes of characters and the
// simple case mappings. Go's own tables are of another edition, and a suite must not change its verdict with the compiler.
// It does not fold, normalise or name characters.
package pyunicode

import "sort"

// Table is a set of characters as sorted pairs: first, last, first, last. Both ends belong to it. Not to be written to.
type Table []rune

// Has reports whether r belongs to the table.
func (t Table) Has(r rune) bool {
	n := len(t) / 2
	i := sort.Search(n, func(i int) bool { return t[2*i+1] >= r })
	return i < n && t[2*i] <= r
}

// shift maps the characters first … last to themselves plus delta.
type shift struct{ first, last, delta rune }

func shifted(table []shift, r rune) rune {
	i := sort.Search(len(table), func(i int) bool { return table[i].last >= r })
	if i == len(table) || table[i].first > r {
		return r
	}
	return r + table[i].delta
}

// Lower is the simple lower case of r: one character, whatever the language.
func Lower(r rune) rune {
	if r < 0x80 {
		return LowerASCII(r)
	}
	return shifted(lower, r)
}

// LowerASCII is Lower for A to Z and leaves every other character alone.
func LowerASCII(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

// UpperAbove is the simple upper case of r where r is above U+FFFF, else r.
func UpperAbove(r rune) rune { return shifted(upper, r) }

// Cased reports whether r has another case.
func Cased(r rune) bool { return cased.Has(r) }

// Extra lists the other lower-case letters that have the upper case of the lower-case letter r, such as ſ for s.
func Extra(r rune) []rune { return extra[r] }

// EachLowered calls f with every character that has a lower case of its own, and with that lower case.
func EachLowered(f func(r, low rune)) {
	for _, s := range lower {
		for r := s.first; r <= s.last; r++ {
			f(r, r+s.delta)
		}
	}
}

// DecimalValue is the value of a decimal digit of any script: 0 to 9, or -1 where r is none.
func DecimalValue(r rune) int {
	i := sort.Search(len(Decimal)/2, func(i int) bool { return Decimal[2*i+1] >= r })
	if 2*i == len(Decimal) || Decimal[2*i] > r {
		return -1
	}
	return int(r-Decimal[2*i]) % 10 // every block begins with its zero
}

// Identifier reports whether s is a Python identifier.
func Identifier(s string) bool {
	for i, r := range s {
		if i == 0 && !NameStart.Has(r) || !NamePart.Has(r) {
			return false
		}
	}
	return s != ""
}
