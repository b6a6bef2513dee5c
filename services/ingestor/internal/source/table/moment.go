package table

import (
	"bytes"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
)

// appendMoment reads dates, times of day and timestamps in ISO 8601's extended form: 2026-01-31, 23:59:59.5, and both with T or a space between
// them and an offset or Z behind. In a column with a zone, text without an offset is that zone's wall clock; in one without, an offset is refused.
func appendMoment(c *arrowio.ColumnBuilder, s []byte) error {
	t := c.Field().Type
	switch t.Kind {
	case arrowio.Date32, arrowio.Date64:
		d, ok := date(s)
		if !ok {
			return unfit(c, s, "is no date such as 2026-01-31")
		}
		days := d.Unix() / 86400
		if d.Unix()%86400 < 0 {
			days--
		}
		if t.Kind == arrowio.Date64 {
			days *= 86400000
		}
		c.Int64(days)
		return nil
	case arrowio.Time32, arrowio.Time64:
		d, rest, ok := clock(s)
		if !ok || len(rest) > 0 {
			return unfit(c, s, "is no time of day such as 23:59:59.5")
		}
		return appendNanos(c, s, 0, d)
	case arrowio.Timestamp:
		return appendTimestamp(c, s)
	}
	return unfit(c, s, "cannot be read as %s", t)
}

func two(s []byte) int {
	a, b := s[0]-'0', s[1]-'0'
	if a > 9 || b > 9 {
		return -1
	}
	return int(a)*10 + int(b)
}

// date reads 2026-01-31 and nothing more.
func date(s []byte) (time.Time, bool) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return time.Time{}, false
	}
	century, year, month, day := two(s), two(s[2:]), two(s[5:]), two(s[8:])
	if century < 0 || year < 0 || month < 1 || month > 12 || day < 1 {
		return time.Time{}, false
	}
	d := time.Date(century*100+year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return d, d.Day() == day
}

// clock reads 23:59[:59[.fraction]] in nanoseconds, and gives what follows.
func clock(s []byte) (time.Duration, []byte, bool) {
	if len(s) < 5 || s[2] != ':' {
		return 0, nil, false
	}
	h, m, sec := two(s), two(s[3:]), 0
	s = s[5:]
	if len(s) >= 3 && s[0] == ':' {
		sec, s = two(s[1:]), s[3:]
	}
	d := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(sec)*time.Second
	ok := h >= 0 && h < 24 && m >= 0 && m < 60 && sec >= 0 && sec < 60
	if len(s) > 1 && s[0] == '.' {
		unit, n := time.Duration(1e8), 0
		for s = s[1:]; n < len(s) && s[n] >= '0' && s[n] <= '9'; n++ {
			d += time.Duration(s[n]-'0') * unit
			ok = ok && (unit > 0 || s[n] == '0') // beyond nanoseconds only zeros
			unit /= 10
		}
		ok, s = ok && n > 0, s[n:]
	}
	return d, s, ok
}

// offset reads Z, +02:00, +0200 or +02; empty is none.
func offset(s []byte) (seconds int, has, ok bool) {
	switch {
	case len(s) == 0:
		return 0, false, true
	case len(s) == 1 && (s[0] == 'Z' || s[0] == 'z'):
		return 0, true, true
	case s[0] != '+' && s[0] != '-':
		return 0, false, false
	}
	digits := bytes.Replace(s[1:], []byte(":"), nil, 1)
	if len(digits) != 2 && len(digits) != 4 {
		return 0, false, false
	}
	h, m := two(digits), 0
	if len(digits) == 4 {
		m = two(digits[2:])
	}
	seconds = h*3600 + m*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, true, h >= 0 && h < 24 && m >= 0 && m < 60
}

func appendTimestamp(c *arrowio.ColumnBuilder, s []byte) error {
	zone := c.Field().Type.Zone
	if len(s) < 10 {
		return unfit(c, s, "is no timestamp such as 2026-01-31T23:59:59Z")
	}
	d, ok := date(s[:10])
	var of time.Duration
	rest := s[10:]
	if ok && len(rest) > 0 {
		if rest[0] == 'T' || rest[0] == 't' || rest[0] == ' ' {
			of, rest, ok = clock(rest[1:])
			rest = bytes.TrimPrefix(rest, []byte(" "))
		}
	}
	shift, has, fine := offset(rest)
	switch {
	case !ok || !fine:
		return unfit(c, s, "is no timestamp such as 2026-01-31T23:59:59Z")
	case has && zone == "":
		return unfit(c, s, "has an offset, and the column no time zone; declare it timestamp[us, tz=UTC]")
	case !has && zone != "":
		l, err := location(zone)
		if err != nil {
			return unfit(c, s, "cannot be read: %v", err)
		}
		wall := time.Date(d.Year(), d.Month(), d.Day(), 0, 0, int(of/time.Second), int(of%time.Second), l)
		return appendNanos(c, s, wall.Unix(), time.Duration(wall.Nanosecond()))
	}
	return appendNanos(c, s, d.Unix()-int64(shift), of)
}

// location knows IANA names and offsets such as +02:00.
func location(zone string) (*time.Location, error) {
	if seconds, has, ok := offset([]byte(zone)); has && ok {
		return time.FixedZone(zone, seconds), nil
	}
	return time.LoadLocation(zone)
}

// appendNanos appends seconds and nanoseconds in the column's unit, and refuses what that would cut or cannot hold.
func appendNanos(c *arrowio.ColumnBuilder, s []byte, seconds int64, nanos time.Duration) error {
	per := [...]int64{arrowio.Second: 1, arrowio.Milli: 1e3, arrowio.Micro: 1e6, arrowio.Nano: 1e9}[c.Field().Type.Unit]
	each := 1e9 / per
	if int64(nanos)%each != 0 {
		return unfit(c, s, "is finer than %s", c.Field().Type)
	}
	seconds += int64(nanos) / 1e9
	part := int64(nanos) % 1e9 / each
	n := seconds*per + part
	if (n-part)/per != seconds {
		return unfit(c, s, "does not fit %s", c.Field().Type)
	}
	c.Int64(n)
	return nil
}
