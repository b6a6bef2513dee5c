package gx

import (
	"regexp"
	"time"
)

// clock is a date with a time of day as a kwarg gives it; aware says that it names a zone.
type clock struct {
	time.Time
	aware bool
}

// date is a day as a kwarg gives it. GX does not compare it with points in time.
type date struct{ time.Time }

var (
	dateForm  = regexp.MustCompile(`^\d{4}-\d{1,2}-\d{1,2}$`)
	clockForm = regexp.MustCompile(`^(\d{4}-\d{1,2}-\d{1,2})[T ](\d{1,2}:\d{1,2})(:\d{1,2}(?:\.\d{1,6})?\d*)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?$`)
)

// pydate reads a date as pydantic does.
func pydate(s string) (date, bool) {
	if !dateForm.MatchString(s) {
		return date{}, false
	}
	t, err := time.Parse("2006-1-2", s)
	return date{t}, err == nil
}

// pydatetime reads a date with a time as pydantic does: ISO 8601's usual forms.
func pydatetime(s string) (clock, bool) {
	m := clockForm.FindStringSubmatch(s)
	if m == nil {
		return clock{}, false
	}
	text, layout := m[1]+" "+m[2], "2006-1-2 15:4"
	if m[3] != "" {
		text, layout = text+m[3], layout+":5.999999999"
	}
	switch len(m[4]) {
	case 1:
		text, layout = text+"Z", layout+"Z07:00"
	case 3:
		text, layout = text+m[4], layout+"-07"
	case 5:
		text, layout = text+m[4], layout+"-0700"
	case 6:
		text, layout = text+m[4], layout+"-07:00"
	}
	t, err := time.Parse(layout, text)
	return clock{t, m[4] != ""}, err == nil
}

// instant reads a constant of a condition as a point in time; aware says that it names its zone.
func instant(s string) (at time.Time, aware, ok bool) {
	if d, ok := pydate(s); ok {
		return d.Time, false, true
	}
	c, ok := pydatetime(s)
	return c.Time, c.aware, ok
}
