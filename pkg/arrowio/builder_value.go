package arrowio

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"time"
)

// Value appends what Column.Value returns, and Go's other numbers, where nothing is lost by it: an int64 that fits, a float64 without a fraction to
// integers, an integer that a float64 has to floats. nil is a null, and an error in a column that is not nullable. After an error the column is as before.
func (c *ColumnBuilder) Value(v any) error {
	n := c.n
	if err := c.value(v); err != nil {
		c.truncate(n)
		return err
	}
	return nil
}

func (c *ColumnBuilder) value(v any) error {
	if v == nil {
		if !c.field.Nullable && c.field.Type.Kind != Null {
			return fmt.Errorf("column %q must not be null", c.field.Name)
		}
		c.Null()
		return nil
	}
	switch k := c.field.Type.Kind; k {
	case Bool:
		b, ok := v.(bool)
		if !ok {
			return c.unfit(v)
		}
		c.Bool(b)
		return nil
	case Float16, Float32, Float64:
		return c.floatValue(v)
	case Decimal128, Decimal256:
		return c.decimalValue(v)
	case String, LargeString, Binary, LargeBinary, FixedBinary:
		return c.textValue(v)
	case List, LargeList, FixedList, Map, Struct:
		return c.nestedValue(v)
	case Dictionary:
		return c.dictionaryValue(v)
	case Null, Interval:
		return c.unfit(v)
	}
	return c.integerValue(v)
}

func (c *ColumnBuilder) unfit(v any) error {
	return fmt.Errorf("column %q is %s and cannot hold a %T (%.60v)", c.field.Name, c.field.Type, v, v)
}

// integerOf is v where it is a whole number of 64 bits.
func integerOf(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case int:
		return int64(v), true
	case int32:
		return int64(v), true
	case int16:
		return int64(v), true
	case int8:
		return int64(v), true
	case uint8:
		return int64(v), true
	case uint16:
		return int64(v), true
	case uint32:
		return int64(v), true
	case uint64:
		return int64(v), v <= math.MaxInt64
	case float64:
		return int64(v), v == math.Trunc(v) && math.Abs(v) <= 1<<53
	}
	return 0, false
}

func (c *ColumnBuilder) integerValue(v any) error {
	switch t := v.(type) {
	case time.Time:
		return c.timeValue(t)
	case time.Duration:
		return c.durationValue(t)
	case uint64:
		if c.field.Type.Kind == Uint64 {
			c.Uint64(t)
			return nil
		}
	}
	n, ok := integerOf(v)
	if !ok || !c.fits(n) {
		return c.unfit(v)
	}
	c.Int64(n)
	return nil
}

func (c *ColumnBuilder) timeValue(v time.Time) error {
	var n int64
	switch t := c.field.Type; t.Kind {
	case Date32:
		n = int64(math.Floor(float64(v.Unix()) / 86400))
	case Date64:
		n = int64(math.Floor(float64(v.Unix())/86400)) * 86400000
	case Timestamp:
		per := t.Unit.per()
		n = v.Unix()*per + int64(v.Nanosecond())/(1e9/per)
		if t.Unit.instant(n).Unix() != v.Unix() {
			return fmt.Errorf("column %q is %s, which cannot hold the time %s", c.field.Name, t, v.Format(time.RFC3339))
		}
	default:
		return c.unfit(v)
	}
	if !c.fits(n) {
		return c.unfit(v)
	}
	c.Int64(n)
	return nil
}

func (c *ColumnBuilder) durationValue(v time.Duration) error {
	switch t := c.field.Type; t.Kind {
	case Time32, Time64, Duration:
		each := time.Duration(1e9 / t.Unit.per())
		if v%each != 0 || !c.fits(int64(v/each)) {
			return c.unfit(v)
		}
		c.Int64(int64(v / each))
		return nil
	}
	return c.unfit(v)
}

func (c *ColumnBuilder) floatValue(v any) error {
	switch f := v.(type) {
	case float64:
		c.Float64(f)
		return nil
	case float32:
		c.Float64(float64(f))
		return nil
	}
	n, ok := integerOf(v)
	if !ok || n > 1<<53 || n < -1<<53 {
		return c.unfit(v)
	}
	c.Float64(float64(n))
	return nil
}

func (c *ColumnBuilder) textValue(v any) error {
	t := c.field.Type
	switch v := v.(type) {
	case string:
		if t.Kind == FixedBinary && len(v) != t.Width {
			return c.unfit(v)
		}
		c.String(v)
		return nil
	case []byte:
		if t.Kind == FixedBinary && len(v) != t.Width {
			return c.unfit(v)
		}
		c.Binary(v)
		return nil
	}
	return c.unfit(v)
}

func (c *ColumnBuilder) decimalValue(v any) error {
	r, ok := v.(*big.Rat)
	if !ok {
		n, whole := integerOf(v)
		if !whole {
			return c.unfit(v)
		}
		r = new(big.Rat).SetInt64(n)
	}
	s := c.field.Type.Scale
	ten := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(s, -s))), nil))
	if s < 0 {
		ten.Inv(ten)
	}
	r = ten.Mul(ten, r)
	if !r.IsInt() {
		return fmt.Errorf("column %q is %s and cannot hold %s without rounding", c.field.Name, c.field.Type, v)
	}
	return c.Decimal(r.Num())
}

// Decimal appends unscaled·10^-Scale to a column of decimals; a value with more digits than the precision is an error.
func (c *ColumnBuilder) Decimal(unscaled *big.Int) error {
	t := c.field.Type
	c.must(t.Kind == Decimal128 || t.Kind == Decimal256, "Decimal")
	if most := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.Precision)), nil); unscaled.CmpAbs(most) >= 0 {
		return fmt.Errorf("column %q is %s and cannot hold %.80s: too many digits", c.field.Name, t, unscaled)
	}
	w := t.width() / 8
	twos := unscaled
	if unscaled.Sign() < 0 {
		twos = new(big.Int).Add(unscaled, new(big.Int).Lsh(big.NewInt(1), uint(8*w)))
	}
	b := twos.FillBytes(make([]byte, w))
	slices.Reverse(b)
	c.data = append(c.data, b...)
	c.one()
	return nil
}
