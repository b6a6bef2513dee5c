package table

import (
	"bytes"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"unsafe"

	"github.com/leathq/leat/pkg/arrowio"
)

// FromText says whether AppendText can read a type.
func FromText(t arrowio.Type) bool {
	switch t.Kind {
	case arrowio.Dictionary:
		return FromText(t.Elem[0].Type)
	case arrowio.Null, arrowio.Float16, arrowio.Duration, arrowio.Interval, arrowio.List, arrowio.LargeList, arrowio.FixedList, arrowio.Struct, arrowio.Map, arrowio.Other:
		return false
	}
	return true
}

// AppendText reads a value of the column's type. Nothing is rounded, wrapped or guessed: what is not exactly such a value is an error, the reason for
// which the record is refused, and nothing is appended. Floats are the nearest to the text, as everywhere. s is copied where it is kept.
func AppendText(c *arrowio.ColumnBuilder, s []byte) error {
	t := c.Field().Type
	switch k := t.Kind; k {
	case arrowio.String, arrowio.LargeString, arrowio.Binary, arrowio.LargeBinary:
		c.Binary(s)
		return nil
	case arrowio.Int8, arrowio.Int16, arrowio.Int32, arrowio.Int64, arrowio.Uint8, arrowio.Uint16, arrowio.Uint32, arrowio.Uint64:
		return appendInteger(c, s)
	case arrowio.Float32, arrowio.Float64:
		return appendFloat(c, s)
	case arrowio.Bool:
		return appendBool(c, s)
	case arrowio.FixedBinary:
		if len(s) != t.Width {
			return unfit(c, s, "has %d bytes, not %d", len(s), t.Width)
		}
		c.Binary(s)
		return nil
	case arrowio.Decimal128, arrowio.Decimal256:
		return appendDecimal(c, s)
	case arrowio.Dictionary:
		return appendDictionary(c, s)
	}
	return appendMoment(c, s)
}

// unfit is the reason for which text is no value of a column.
func unfit(c *arrowio.ColumnBuilder, s []byte, format string, args ...any) error {
	const shown = 60
	text := string(s[:min(len(s), shown)])
	if len(s) > shown {
		text += "…"
	}
	return fmt.Errorf("column %q: %q %s", c.Field().Name, text, fmt.Sprintf(format, args...))
}

// view is s without a copy, for parsers that keep nothing.
func view(s []byte) string { return unsafe.String(unsafe.SliceData(s), len(s)) }

// Integer reads [+-]digits; ok is false where s is none or does not fit 64 bits.
func Integer(s []byte) (n int64, ok bool) {
	i, negative := 0, false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		i, negative = 1, s[0] == '-'
	}
	if len(s)-i > 18 || i == len(s) {
		n, err := strconv.ParseInt(view(s), 10, 64)
		return n, err == nil
	}
	for ; i < len(s); i++ {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + int64(d)
	}
	if negative {
		n = -n
	}
	return n, true
}

// bounds of the integers, but for Uint64.
var bounds = map[arrowio.Kind][2]int64{
	arrowio.Int8: {math.MinInt8, math.MaxInt8}, arrowio.Int16: {math.MinInt16, math.MaxInt16}, arrowio.Int32: {math.MinInt32, math.MaxInt32},
	arrowio.Uint8: {0, math.MaxUint8}, arrowio.Uint16: {0, math.MaxUint16}, arrowio.Uint32: {0, math.MaxUint32},
}

func appendInteger(c *arrowio.ColumnBuilder, s []byte) error {
	t := c.Field().Type
	n, ok := Integer(s)
	if ok && t.Kind == arrowio.Int64 {
		c.Int64(n)
		return nil
	}
	if t.Kind == arrowio.Uint64 {
		u, err := strconv.ParseUint(view(bytes.TrimPrefix(s, []byte("+"))), 10, 64)
		if err != nil {
			return unfit(c, s, "is no uint64")
		}
		c.Uint64(u)
		return nil
	}
	b, narrow := bounds[t.Kind]
	if !ok || narrow && (n < b[0] || n > b[1]) {
		if digits(s) {
			return unfit(c, s, "does not fit %s", t)
		}
		return unfit(c, s, "is no %s", t)
	}
	c.Int64(n)
	return nil
}

func digits(s []byte) bool {
	s = bytes.TrimLeft(s, "+-")
	return len(s) > 0 && len(bytes.Trim(s, "0123456789")) == 0
}

func appendFloat(c *arrowio.ColumnBuilder, s []byte) error {
	if bytes.ContainsAny(s, "_xXpP") { // Go's own spellings, nobody else's
		return unfit(c, s, "is no number")
	}
	return parseFloat(c, s)
}

func parseFloat(c *arrowio.ColumnBuilder, s []byte) error {
	bits := 64
	if c.Field().Type.Kind == arrowio.Float32 {
		bits = 32
	}
	f, err := strconv.ParseFloat(view(s), bits)
	if err != nil {
		if math.IsInf(f, 0) {
			return unfit(c, s, "does not fit %s", c.Field().Type)
		}
		return unfit(c, s, "is no number")
	}
	c.Float64(f)
	return nil
}

func appendBool(c *arrowio.ColumnBuilder, s []byte) error {
	v, ok := Bool(s)
	if !ok && len(s) == 1 && (s[0] == '0' || s[0] == '1') {
		v, ok = s[0] == '1', true
	}
	if !ok {
		return unfit(c, s, "is no bool; true, false, 1 and 0 are")
	}
	c.Bool(v)
	return nil
}

// Bool reads true and false in any case.
func Bool(s []byte) (v, ok bool) {
	switch {
	case len(s) == 4 && bytes.EqualFold(s, []byte("true")):
		return true, true
	case len(s) == 5 && bytes.EqualFold(s, []byte("false")):
		return false, true
	}
	return false, false
}

func appendDecimal(c *arrowio.ColumnBuilder, s []byte) error {
	mantissa, exponent, ok := decimal(s)
	if !ok {
		return unfit(c, s, "is no number")
	}
	t := c.Field().Type
	shift := exponent + int64(t.Scale)
	if shift > 80 || shift < -400 {
		return unfit(c, s, "does not fit %s", t)
	}
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(max(shift, -shift)), nil)
	if shift >= 0 {
		mantissa.Mul(mantissa, ten)
	} else if _, rest := mantissa.QuoRem(mantissa, ten, new(big.Int)); rest.Sign() != 0 {
		return unfit(c, s, "has more than %d digits after the point", t.Scale)
	}
	if err := c.Decimal(mantissa); err != nil {
		return unfit(c, s, "does not fit %s", t)
	}
	return nil
}

// decimal reads [+-]digits[.digits][e[+-]digits] as mantissa·10^exponent.
func decimal(s []byte) (*big.Int, int64, bool) {
	const longest = 400
	number, power, hasPower := bytes.Cut(bytes.ToLower(s), []byte("e"))
	exponent := int64(0)
	if hasPower {
		n, ok := Integer(power)
		if !ok || n > longest || n < -longest {
			return nil, 0, false
		}
		exponent = n
	}
	head, tail, _ := bytes.Cut(number, []byte("."))
	all := string(head) + string(tail)
	if len(all) > longest || !digits([]byte(all)) || !digits(append([]byte("0"), tail...)) || len(bytes.TrimLeft(tail, "+-")) != len(tail) {
		return nil, 0, false
	}
	m, ok := new(big.Int).SetString(all, 10)
	return m, exponent - int64(len(tail)), ok
}

func appendDictionary(c *arrowio.ColumnBuilder, s []byte) error {
	values := c.Field().Type.Elem[0]
	if Textual(values.Type.Kind) {
		c.Binary(s)
		return nil
	}
	b := arrowio.NewBuilder(&arrowio.Schema{Fields: []arrowio.Field{{Name: c.Field().Name, Type: values.Type}}})
	if err := AppendText(b.Column(0), s); err != nil {
		return err
	}
	return c.Value(b.Batch().Column(0).Value(0))
}
