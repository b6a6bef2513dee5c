package gx

import (
	"fmt"
	"math"
	"time"

	"github.com/leathq/leat/services/validator/internal/dateutil"
)

// A parameter's arithmetic knows points in time (on clocks without a zone) and the spans between them, beside numbers.
type (
	moment struct{ time.Time }
	span   time.Duration
)

// units are the kwargs of timedelta, in the order in which it takes them without names.
var units = []struct {
	name string
	size float64 // microseconds
}{{"days", 864e8}, {"seconds", 1e6}, {"microseconds", 1}, {"milliseconds", 1e3}, {"minutes", 6e7}, {"hours", 36e8}, {"weeks", 6048e8}}

// fields are those of datetime.
var fields = []string{"year", "month", "day", "hour", "minute", "second", "microsecond"}

// operand is the value of a name within arithmetic, which GX prints and reads again: a number, else a point in time.
func operand(v any, now time.Time) (any, error) {
	s, ok := v.(string)
	switch v.(type) {
	case bool, []any, Object, nil:
		return nil, fmt.Errorf("Error while evaluating suite parameter expression: %s is neither a number nor a point in time", appendJSON(nil, v))
	}
	if !ok {
		return v, nil
	}
	if n, ok := toInt(s); ok {
		return n, nil
	}
	if f, ok := toFloat(s); ok {
		return f, nil
	}
	t, err := dateutil.Parse(s, now)
	if err != nil {
		return nil, fmt.Errorf("Error while evaluating suite parameter expression: %q is neither a number nor a point in time", s)
	}
	return moment{t}, nil
}

// plainResult is the result of arithmetic as a kwarg takes it.
func plainResult(v any) (any, error) {
	switch v := v.(type) {
	case moment:
		if v.Nanosecond() == 0 {
			return v.Format("2006-01-02T15:04:05"), nil
		}
		return v.Format("2006-01-02T15:04:05.000000"), nil
	case span:
		return nil, fmt.Errorf("Error while evaluating suite parameter expression: it comes to a span of time (%s), which no kwarg takes", time.Duration(v))
	}
	return v, nil
}

// shift calculates with points in time and spans; ok is false where Python does not.
func shift(op byte, a, b any) (v any, ok bool) {
	x, isMoment := a.(moment)
	d, isSpan := a.(span)
	f, isNumber := toFloat(b)
	switch y := b.(type) {
	case moment:
		if isMoment && op == '-' {
			return span(x.Sub(y.Time)), true
		}
		if isSpan && op == '+' {
			return moment{y.Add(time.Duration(d))}, true
		}
	case span:
		switch {
		case isMoment && op == '+':
			return moment{x.Add(time.Duration(y))}, true
		case isMoment && op == '-':
			return moment{x.Add(-time.Duration(y))}, true
		case isSpan && op == '+':
			return d + y, true
		case isSpan && op == '-':
			return d - y, true
		case isSpan && op == '/' && y != 0:
			return float64(d) / float64(y), true
		}
		if g, number := toFloat(a); number && op == '*' && !isMoment && !isSpan {
			return span(g * float64(y)), true
		}
		return nil, false
	}
	switch {
	case !isSpan || !isNumber:
		return nil, false
	case op == '*':
		return span(float64(d) * f), true
	case op == '/' && f != 0:
		return span(float64(d) / f), true
	}
	return nil, false
}

// made calls one of the functions that make points in time and spans; ok is false for other names.
func (c *calculator) made(name string, args []any, named Object) (v any, ok bool, err error) {
	switch name {
	case "now":
		if len(args)+len(named) > 0 {
			return nil, true, fmt.Errorf("the parameter %q gives now() an argument, which it does not take", c.text)
		}
		return moment{c.now}, true, nil
	case "timedelta":
		v, err = c.timedelta(args, named)
		return v, true, err
	case "datetime":
		v, err = c.datetime(args, named)
		return v, true, err
	}
	return nil, false, nil
}

func (c *calculator) timedelta(args []any, named Object) (any, error) {
	micros := 0.0
	taken := 0
	for i, u := range units {
		v, given := named.Get(u.name)
		if given {
			taken++
		}
		if i < len(args) {
			v, given = args[i], true
		}
		f, isNumber := toFloat(v)
		if given && !isNumber {
			return nil, fmt.Errorf("the parameter %q gives timedelta %s that are no number", c.text, u.name)
		}
		micros += f * u.size
	}
	if taken < len(named) || len(args) > len(units) || math.Abs(micros) > math.MaxInt64/1000 {
		return nil, fmt.Errorf("the parameter %q gives timedelta what it does not take; it takes days, seconds, microseconds, milliseconds, minutes, hours, weeks", c.text)
	}
	return span(math.RoundToEven(micros) * 1000), nil
}

func (c *calculator) datetime(args []any, named Object) (any, error) {
	n := []int64{0, 0, 0, 0, 0, 0, 0}
	taken := 0
	for i, name := range fields {
		v, given := named.Get(name)
		if given {
			taken++
		}
		if i < len(args) {
			v, given = args[i], true
		}
		whole, ok := v.(int64)
		if given && !ok || !given && i < 3 {
			return nil, fmt.Errorf("the parameter %q gives datetime no whole number for its %s", c.text, name)
		}
		n[i] = whole
	}
	t := time.Date(int(n[0]), time.Month(n[1]), int(n[2]), int(n[3]), int(n[4]), int(n[5]), int(n[6])*1000, time.UTC)
	same := int64(t.Year()) == n[0] && int64(t.Month()) == n[1] && int64(t.Day()) == n[2] && int64(t.Hour()) == n[3] && int64(t.Minute()) == n[4] && int64(t.Second()) == n[5]
	if !same || taken < len(named) || len(args) > len(fields) || n[0] < 1 || n[0] > 9999 || n[6] < 0 || n[6] > 999999 {
		return nil, fmt.Errorf("the parameter %q gives datetime %v, which is no point in time", c.text, n)
	}
	return moment{t}, nil
}
