package dateutil

import (
	"math/big"
	"strings"
	"unicode/utf8"

	"github.com/leathq/leat/services/validator/internal/pyunicode"
)

// large stands for every integer beyond it. All of them are refused in the end, wherever they stand.
const large = 1 << 40

// decimal is a number as written: ASCII digits before and behind the point.
type decimal struct{ whole, part string }

// asNumber reads a token that Python's float accepts and is not infinite: digits of any script with at most one point.
func asNumber(token string) (decimal, bool) {
	var b strings.Builder
	points := 0
	for _, r := range token {
		if r == '.' {
			points++
			b.WriteByte('.')
			continue
		}
		v := pyunicode.DecimalValue(r)
		if v < 0 {
			return decimal{}, false
		}
		b.WriteByte(byte('0' + v))
	}
	if points > 1 || b.Len() == points {
		return decimal{}, false
	}
	whole, part, _ := strings.Cut(b.String(), ".")
	return decimal{whole, part}, true
}

// isInfinite reports words that Python's float takes for numbers; as decimals they are refused.
func isInfinite(token string) bool {
	switch lowered(token) {
	case "inf", "infinity", "nan":
		return true
	}
	return false
}

func (d decimal) int() int64 { return digitsValue(d.whole) }

func digitsValue(digits string) int64 {
	v := int64(0)
	for i := range len(digits) {
		v = min(large, v*10+int64(digits[i]-'0'))
	}
	return v
}

// above reports d > n for whole n.
func (d decimal) above(n int64) bool {
	return d.int() > n || d.int() == n && strings.Trim(d.part, "0") != ""
}

// sixtieths is int(60 * (d % 1)) with the 28 significant digits of Python's decimal context, and whether d % 1 is not zero. A whole part
// of more digits than that cannot be divided, which Python raises as an error of its own.
func (d decimal) sixtieths() (n int64, some bool, err error) {
	if len(strings.TrimLeft(d.whole, "0")) > precision {
		return 0, false, &RaisedError{Reason: "decimal.InvalidOperation: the quotient of a number's remainder is too large"}
	}
	digits := strings.TrimLeft(d.part, "0")
	if digits == "" {
		return 0, false, nil
	}
	rest, places := new(big.Int), len(d.part)
	rest.SetString(digits, 10)
	rest, places = rounded(rest, places)
	rest, places = rounded(rest.Mul(rest, big.NewInt(60)), places)
	return rest.Div(rest, pow10(places)).Int64(), true, nil
}

const precision = 28

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// rounded keeps 28 digits of n, half to even.
func rounded(n *big.Int, places int) (*big.Int, int) {
	drop := len(n.String()) - precision
	if drop <= 0 {
		return n, places
	}
	unit, rest := pow10(drop), new(big.Int)
	q, _ := new(big.Int).QuoRem(n, unit, rest)
	switch twice := rest.Mul(rest, big.NewInt(2)).Cmp(unit); {
	case twice > 0, twice == 0 && q.Bit(0) == 1:
		q.Add(q, big.NewInt(1))
	}
	return q, places - drop
}

// asInt is Python's int(s) for tokens and pieces of them.
func asInt(s string) (int64, bool) {
	d, ok := asNumber(s)
	if !ok || strings.Contains(s, ".") || len(d.whole) > 4300 {
		return 0, false
	}
	return d.int(), true
}

// allDigits is str.isdigit, which knows digits that int does not.
func allDigits(s string) bool {
	for _, r := range s {
		if !isNumber(r) {
			return false
		}
	}
	return s != ""
}

// cut is s[from:to] in characters; to below zero is the end.
func cut(s string, from, to int) string {
	r := []rune(s)
	if to < 0 || to > len(r) {
		to = len(r)
	}
	return string(r[min(from, to):to])
}

func length(s string) int { return utf8.RuneCountInString(s) }

// lowered is s in lower case. No word that the parser knows has a letter that only Unicode would fold to ASCII.
func lowered(s string) string {
	return strings.Map(pyunicode.LowerASCII, s)
}
