package openai

import (
	"bytes"
	"math"
	"strconv"
)

// float reads a number within [lo, hi].
func (c *cursor) float(lo, hi float64) float64 {
	if !c.expect('0', "a number") {
		return 0
	}
	raw := c.value()
	f, err := strconv.ParseFloat(string(raw), 64)
	switch {
	case c.err != nil:
	case err == nil && f >= lo && f <= hi:
		return f
	case f < lo:
		c.fail(invalid(c.path(), CodeDecimalBelowMin,
			"Invalid '%s': decimal below minimum value. Expected a value >= %v, but got %s instead.", c.path(), lo, clip(raw)))
	default:
		c.fail(invalid(c.path(), CodeDecimalAboveMax,
			"Invalid '%s': decimal above maximum value. Expected a value <= %v, but got %s instead.", c.path(), hi, clip(raw)))
	}
	return 0
}

// integer reads a whole number within [lo, hi]; 3.0 and 3e0 are 3.
func (c *cursor) integer(lo, hi int64) int64 {
	if !c.expect('0', "an integer") {
		return 0
	}
	raw := c.value()
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil && bytes.ContainsAny(raw, ".eE") {
		f, ferr := strconv.ParseFloat(string(raw), 64)
		if ferr != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<53 {
			c.wrongType("an integer", "a decimal number")
			return 0
		}
		n, err = int64(f), nil
	}
	switch {
	case c.err != nil:
	case err == nil && n >= lo && n <= hi:
		return n
	case n < lo || err != nil && raw[0] == '-':
		c.fail(invalid(c.path(), CodeIntegerBelowMin,
			"Invalid '%s': integer below minimum value. Expected a value >= %d, but got %s instead.", c.path(), lo, clip(raw)))
	default:
		c.fail(invalid(c.path(), CodeIntegerAboveMax,
			"Invalid '%s': integer above maximum value. Expected a value <= %d, but got %s instead.", c.path(), hi, clip(raw)))
	}
	return 0
}
