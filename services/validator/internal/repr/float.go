// Package repr writes values as Python writes them: repr of floats and of str, json.dumps of both, and the ISO and str forms of dates
// and times of datetime and pandas. Every function appends to a slice and returns it.
package repr

import (
	"math"
	"strconv"
)

// Float appends repr(f): the shortest digits that read back as f, an exponent below 1e-4 and from 1e16 on, and ".0" behind whole numbers.
func Float(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "nan"...)
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.AppendFloat(dst, f, 'e', -1, 64) // two digits of exponent at least, as in Python
	}
	from := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	for _, c := range dst[from:] {
		if c == '.' {
			return dst
		}
	}
	return append(dst, ".0"...)
}

// JSONFloat appends json.dumps(f), which is no JSON where f is no number: NaN, Infinity, -Infinity.
func JSONFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	return Float(dst, f)
}
