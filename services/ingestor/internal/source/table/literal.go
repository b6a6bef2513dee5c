package table

import (
	"github.com/leathq/leat/pkg/arrowio"
)

// Literal is the kind that a text is by itself, as inference sees it: Bool, Int64, Float64, or String for all else, such as numbers with zeros before
// them, which are more often names.
func Literal(s []byte) arrowio.Kind {
	if len(s) == 0 || len(s) > 40 {
		return arrowio.String
	}
	if _, ok := Bool(s); ok {
		return arrowio.Bool
	}
	i := 0
	if s[0] == '-' {
		i = 1
	}
	first, n := i, count(s[i:])
	i += n
	if n == 0 || n > 1 && s[first] == '0' {
		return arrowio.String
	}
	if i == len(s) {
		if _, ok := Integer(s); ok {
			return arrowio.Int64
		}
		return arrowio.String
	}
	if s[i] == '.' {
		n := count(s[i+1:])
		if n == 0 {
			return arrowio.String
		}
		i += n + 1
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		i++
		if i < len(s) && (s[i] == '-' || s[i] == '+') {
			i++
		}
		n := count(s[i:])
		if n == 0 {
			return arrowio.String
		}
		i += n
	}
	if i < len(s) {
		return arrowio.String
	}
	return arrowio.Float64
}

// count is how many digits s begins with.
func count(s []byte) int {
	n := 0
	for n < len(s) && s[n]-'0' <= 9 {
		n++
	}
	return n
}

// Exact is the largest whole number up to which a float64 has them all.
const Exact = 1 << 53

// appendLiteral appends to an Int64, Float64 or Bool column whose type was inferred: only what inference would have seen as that type, and exactly.
func appendLiteral(c *arrowio.ColumnBuilder, s []byte) error {
	k := c.Field().Type.Kind
	n, whole := Integer(s)
	canonical := whole && s[0] != '+' && (s[0] != '0' || len(s) == 1) && (s[0] != '-' || s[1] != '0' || len(s) == 2)
	switch {
	case k == arrowio.Int64 && canonical:
		c.Int64(n)
		return nil
	case k == arrowio.Int64 && digits(s):
		return unfit(c, s, "is no int64 as it stands there; declare a `type` for the column")
	case k == arrowio.Float64 && canonical && n <= Exact && n >= -Exact:
		c.Float64(float64(n))
		return nil
	case k == arrowio.Float64 && canonical:
		return unfit(c, s, "cannot be kept exactly as double; declare a `type` for the column")
	case k == arrowio.Float64 && Literal(s) == arrowio.Float64:
		return parseFloat(c, s)
	case k == arrowio.Bool:
		if v, ok := Bool(s); ok {
			c.Bool(v)
			return nil
		}
	}
	return unfit(c, s, "is no %s", c.Field().Type)
}
