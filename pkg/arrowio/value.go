package arrowio

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/apache/arrow-go/v18/arrow/float16"
)

// Value is value i in Go's terms, the slow way: nil, bool, int64 (signed integers; Date64, Time32, Time64 and Duration as their units are not lost in
// it), uint64, float64, string, []byte, time.Time (Date32, Date64, Timestamp, the latter in its zone), *big.Rat (decimals), []any (lists), map[string]any (structs), []any of {"key","value"} maps
// (maps), time.Duration (Duration, Time32, Time64), string (Interval). A dictionary's is that of its value.
func (c *Column) Value(i int) any {
	if c.IsNull(i) {
		return nil
	}
	switch k := c.Kind(); k {
	case Bool:
		return c.Bools().Get(i)
	case Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64:
		return c.integer(i)
	case Float16:
		return float64(float16.FromBits(c.Uint16s()[i]).Float32())
	case Float32:
		return float64(c.Float32s()[i])
	case Float64:
		return c.Float64s()[i]
	case Decimal128, Decimal256:
		return c.Decimals().Rat(i)
	case String, LargeString:
		return string(c.Strings().At(i))
	case Binary, LargeBinary, FixedBinary:
		return c.Strings().At(i)
	case Interval:
		return c.interval(i)
	case Date32, Date64, Time32, Time64, Timestamp, Duration:
		return c.time(i)
	case Dictionary:
		values, index := c.Dictionary()
		return values.Value(index(i))
	}
	return c.nestedValue(i)
}

func (c *Column) integer(i int) any {
	switch c.Kind() {
	case Int8:
		return int64(c.Int8s()[i])
	case Int16:
		return int64(c.Int16s()[i])
	case Int32:
		return int64(c.Int32s()[i])
	case Int64:
		return c.Int64s()[i]
	case Uint8:
		return uint64(c.Uint8s()[i])
	case Uint16:
		return uint64(c.Uint16s()[i])
	case Uint32:
		return uint64(c.Uint32s()[i])
	}
	return c.Uint64s()[i]
}

// per is how many of a unit a second has.
func (u Unit) per() int64 { return [...]int64{1, 1e3, 1e6, 1e9}[u] }

func (c *Column) time(i int) any {
	u := c.field.Type.Unit
	switch c.Kind() {
	case Date32:
		return time.Unix(int64(c.Int32s()[i])*86400, 0).UTC()
	case Date64:
		return time.UnixMilli(c.Int64s()[i]).UTC()
	case Time32:
		return time.Duration(c.Int32s()[i]) * time.Duration(1e9/u.per())
	case Time64, Duration:
		return time.Duration(c.Int64s()[i]) * time.Duration(1e9/u.per())
	}
	return u.instant(c.Int64s()[i]).In(c.zone())
}

// instant is v units since 1970, without overflow: Go's time has a wider range than any unit.
func (u Unit) instant(v int64) time.Time {
	s, rest := v/u.per(), v%u.per()
	return time.Unix(s, rest*(1e9/u.per())).UTC()
}

// zone is the timestamp's, UTC where it has none or one that this machine does not know.
func (c *Column) zone() *time.Location {
	z := c.field.Type.Zone
	if z == "" || z == "UTC" {
		return time.UTC
	}
	if t, err := time.Parse("-07:00", z); err == nil {
		return t.Location()
	}
	if l, err := time.LoadLocation(z); err == nil {
		return l
	}
	return time.UTC
}

func (c *Column) interval(i int) any {
	w := c.field.Type.Width
	b := c.buffer(1)[(c.data.Offset()+i)*w:]
	months := int32(binary.LittleEndian.Uint32(b))
	switch w {
	case 4:
		return fmt.Sprintf("%d months", months)
	case 8:
		return fmt.Sprintf("%d days %d ms", months, int32(binary.LittleEndian.Uint32(b[4:])))
	}
	return fmt.Sprintf("%d months %d days %d ns", months, int32(binary.LittleEndian.Uint32(b[4:])), int64(binary.LittleEndian.Uint64(b[8:])))
}

func (c *Column) nestedValue(i int) any {
	if c.Kind() == Struct {
		m := make(map[string]any, len(c.field.Type.Elem))
		for j, f := range c.Children() {
			m[c.field.Type.Elem[j].Name] = f.Value(i)
		}
		return m
	}
	o, v := c.Lists()
	out := make([]any, 0, o.At(i+1)-o.At(i))
	for j := o.At(i); j < o.At(i+1); j++ {
		out = append(out, v.Value(j))
	}
	return out
}

// half is the nearest Float16 of f.
func half(f float64) uint16 { return float16.New(float32(f)).Uint16() }

func float32Bits(f float64) uint32 { return math.Float32bits(float32(f)) }
