package repr

import (
	"strconv"
	"time"
)

// Timestamp appends a date and time: sep 'T' is isoformat of datetime and of pandas' Timestamp, ' ' is their str. A fraction has six digits,
// or nine where there are nanoseconds; the offset is written when zoned, from t's own zone.
func Timestamp(dst []byte, t time.Time, sep byte, zoned bool) []byte {
	dst = append(Date(dst, t), sep)
	dst = Clock(dst, t)
	if !zoned {
		return dst
	}
	_, offset := t.Zone()
	sign := byte('+')
	if offset < 0 {
		sign, offset = '-', -offset
	}
	dst = pad(append(dst, sign), offset/3600, 2)
	dst = pad(append(dst, ':'), offset/60%60, 2)
	if offset%60 != 0 {
		dst = pad(append(dst, ':'), offset%60, 2)
	}
	return dst
}

// Date appends a date: both isoformat and str.
func Date(dst []byte, t time.Time) []byte {
	y, m, d := t.Date()
	dst = pad(dst, y, 4)
	dst = pad(append(dst, '-'), int(m), 2)
	return pad(append(dst, '-'), d, 2)
}

// Clock appends a time of day: both isoformat and str.
func Clock(dst []byte, t time.Time) []byte {
	h, m, s := t.Clock()
	dst = pad(dst, h, 2)
	dst = pad(append(dst, ':'), m, 2)
	dst = pad(append(dst, ':'), s, 2)
	return fraction(dst, t.Nanosecond())
}

func fraction(dst []byte, nanos int) []byte {
	switch {
	case nanos == 0:
		return dst
	case nanos%1000 == 0:
		return pad(append(dst, '.'), nanos/1000, 6)
	}
	return pad(append(dst, '.'), nanos, 9)
}

func pad(dst []byte, v, width int) []byte {
	for limit := 10; width > 1; width-- {
		if v < pow(limit, width-1) {
			dst = append(dst, '0')
		}
	}
	return strconv.AppendInt(dst, int64(v), 10)
}

func pow(base, n int) int {
	out := 1
	for range n {
		out *= base
	}
	return out
}

// Timedelta appends str of pandas' Timedelta: days, and a time that is never negative.
func Timedelta(dst []byte, nanos int64) []byte {
	const day = int64(24 * time.Hour)
	days, rest := nanos/day, nanos%day
	if rest < 0 {
		days, rest = days-1, rest+day
	}
	dst = append(strconv.AppendInt(dst, days, 10), " days "...)
	if days < 0 {
		dst = append(dst, '+')
	}
	return Clock(dst, time.Unix(0, rest).UTC())
}
