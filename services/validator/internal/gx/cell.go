package gx

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
)

// A cell is one value of a column: nil, bool, int64, uint64, float64, single, string, stamp, day, exact or []any (a list
// of cells). It is kept as it came; how pandas would hold it (an int among nulls is a float) is known at the end only.
type (
	// stamp is a point in time or a wall clock, in the column's unit since 1970.
	stamp struct {
		At   int64
		Unit arrowio.Unit
		Zone string
	}
	// day is days since 1970.
	day int32
	// single is a float32, widened: GX prints it rounded.
	single float64
	// exact is a decimal: Unscaled / 10^Scale.
	exact struct {
		Unscaled *big.Int
		Scale    int32
	}
)

var perSecond = [...]int64{arrowio.Second: 1, arrowio.Milli: 1e3, arrowio.Micro: 1e6, arrowio.Nano: 1e9}

// time is the stamp on the clock of its zone, which is UTC for none and for an unknown one.
func (s stamp) time() time.Time {
	per := perSecond[s.Unit]
	sec, rest := s.At/per, s.At%per
	if rest < 0 {
		sec, rest = sec-1, rest+per
	}
	t := time.Unix(sec, rest*(1e9/per)).UTC()
	if s.Zone == "" || s.Zone == "UTC" {
		return t
	}
	if z, err := zone(s.Zone); err == nil {
		return t.In(z)
	}
	return t
}

func zone(name string) (*time.Location, error) {
	if len(name) == 6 && (name[0] == '+' || name[0] == '-') {
		t, err := time.Parse("-07:00", name)
		if err != nil {
			return nil, err
		}
		return t.Location(), nil
	}
	return time.LoadLocation(name)
}

// iso prints as Python's isoformat: no fraction where it is zero, else microseconds (nanoseconds where they count).
func (s stamp) iso() string {
	t := s.time()
	layout := "2006-01-02T15:04:05"
	switch ns := t.Nanosecond(); {
	case ns%1000 != 0:
		layout += ".000000000"
	case ns != 0:
		layout += ".000000"
	}
	if s.Zone != "" {
		layout += "-07:00"
	}
	return t.Format(layout)
}

// numpy prints as numpy.datetime_as_string: all digits of the unit, in UTC.
func (s stamp) numpy() string {
	layout := "2006-01-02T15:04:05"
	switch s.Unit {
	case arrowio.Milli:
		layout += ".000"
	case arrowio.Micro:
		layout += ".000000"
	case arrowio.Nano:
		layout += ".000000000"
	}
	return s.time().UTC().Format(layout)
}

func (d day) iso() string { return time.Unix(int64(d)*86400, 0).UTC().Format("2006-01-02") }

func (e exact) float() float64 {
	f, err := strconv.ParseFloat(e.String(), 64)
	if err != nil && !math.IsInf(f, 0) {
		return math.NaN()
	}
	return f
}

// String prints all digits, such as "-1.50".
func (e exact) String() string {
	return new(big.Rat).SetFrac(e.Unscaled, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(e.Scale)), nil)).FloatString(int(e.Scale))
}

// shown is a cell as GX's JSON shows it; gaps says that its column has nulls somewhere.
func shown(c any, gaps bool) any {
	switch v := c.(type) {
	case int64:
		if gaps {
			return float64(v)
		}
	case uint64:
		if gaps {
			return float64(v)
		}
	case single:
		return round15(float64(v))
	case stamp:
		return v.iso()
	case day:
		return v.iso()
	case exact:
		return v.float()
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = shown(e, false)
		}
		return list
	}
	return c
}

// round15 is Python's round(x, 15) of a float32 as numpy does it: in float32 terms, then widened.
func round15(f float64) float64 {
	return f
}

// number is a cell as a float, for comparisons; ok is false for cells that are none.
func numberOf(c any) (f float64, ok bool) {
	switch v := c.(type) {
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case int64:
		return float64(v), true
	case uint64:
		return float64(v), true
	case *big.Int:
		f, _ := new(big.Float).SetInt(v).Float64()
		return f, true
	case float64:
		return v, true
	case single:
		return float64(v), true
	case exact:
		return v.float(), true
	}
	return 0, false
}

// key is a cell's identity as Python's sets see it: 1, 1.0 and True are one value.
func key(c any) any {
	switch v := c.(type) {
	case nil:
		return nil
	case bool:
		if v {
			return int64(1)
		}
		return int64(0)
	case int64, string, day:
		return v
	case uint64:
		if v <= math.MaxInt64 {
			return int64(v)
		}
		return v
	case float64:
		return floatKey(v)
	case single:
		return floatKey(float64(v))
	case stamp:
		return stampKey{v.time().UnixNano(), v.Zone != ""}
	case exact:
		return exactKey(v)
	case *big.Int:
		return v.String()
	}
	return fmt.Sprintf("%T %v", c, c)
}

type stampKey struct {
	ns    int64
	aware bool
}

func floatKey(f float64) any {
	if f == math.Trunc(f) && math.Abs(f) < 1<<63 {
		return int64(f)
	}
	return f
}

func exactKey(e exact) any {
	r := new(big.Rat).SetFrac(e.Unscaled, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(e.Scale)), nil))
	if r.IsInt() && r.Num().IsInt64() {
		return r.Num().Int64()
	}
	if f, same := r.Float64(); same {
		return f
	}
	return "decimal " + r.String()
}

// appendKey writes a key so that different ones are different bytes.
func appendKey(b []byte, k any) []byte {
	switch v := k.(type) {
	case nil:
		return append(b, 'n')
	case int64:
		return strconv.AppendInt(append(b, 'i'), v, 10)
	case float64:
		return strconv.AppendUint(append(b, 'f'), math.Float64bits(v), 16)
	case string:
		return append(strconv.AppendInt(append(b, 's'), int64(len(v)), 10), v...)
	case day:
		return strconv.AppendInt(append(b, 'd'), int64(v), 10)
	case stampKey:
		return strconv.AppendInt(append(b, 't', byte(bit(v.aware))), v.ns, 10)
	}
	return fmt.Appendf(b, "%T%v", k, k)
}
