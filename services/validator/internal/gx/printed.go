package gx

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// printed is a value as Python's str() shows it; gaps says that its column has nulls, so that integers are floats.
func printed(c any, gaps bool) string {
	if n, ok := c.(int64); ok && gaps {
		return Repr(float64(n))
	}
	if n, ok := c.(uint64); ok && gaps {
		return Repr(float64(n))
	}
	switch v := c.(type) {
	case nil:
		return "nan"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(v, 10)
	case uint64:
		return strconv.FormatUint(v, 10)
	case float64:
		return Repr(v)
	case single:
		return repr32(float32(v))
	case string:
		return v
	case stamp: // by itself, as in a list
		return strings.Replace(v.iso(), "T", " ", 1)
	case day:
		return v.iso()
	case exact:
		return v.String()
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = printed(e, false)
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return fmt.Sprint(c)
}

// repr32 prints a float32 with the digits that it needs, in Python's form.
func repr32(f float32) string {
	wide := float64(f)
	if a := math.Abs(wide); math.IsNaN(wide) || math.IsInf(wide, 0) {
		return Repr(wide)
	} else if a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(wide, 'e', -1, 32)
	}
	s := strconv.FormatFloat(wide, 'f', -1, 32)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
