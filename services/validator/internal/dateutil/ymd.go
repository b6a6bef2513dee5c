package dateutil

import "time"

// label says what a member of a date is known to be.
type label byte

// ymd collects the numbers of a date until they can be told apart.
type ymd struct {
	values  []int64
	y, m, d int // places of the members that are known, or -1
	century bool
}

func newYMD() *ymd { return &ymd{y: -1, m: -1, d: -1} }

// text adds a member as written: more than two digits are a year.
func (u *ymd) text(s string, l label) error {
	if allDigits(s) && length(s) > 2 {
		if l != 0 && l != 'Y' {
			return errRefused
		}
		u.century, l = true, 'Y'
	}
	v, ok := asInt(s)
	if !ok {
		return errRefused
	}
	return u.put(v, l)
}

// number adds a member by value: above 100 it is a year.
func (u *ymd) number(v int64, above100 bool, l label) error {
	if above100 {
		if l != 0 && l != 'Y' {
			return errRefused
		}
		u.century, l = true, 'Y'
	}
	return u.put(v, l)
}

func (u *ymd) put(v int64, l label) error {
	u.values = append(u.values, v)
	place := &u.y
	switch l {
	case 0:
		return nil
	case 'M':
		place = &u.m
	case 'D':
		place = &u.d
	}
	if *place >= 0 {
		return errRefused
	}
	*place = len(u.values) - 1
	return nil
}

// couldBeDay reports whether a number may be the day of what is known so far.
func (u *ymd) couldBeDay(d decimal) bool {
	days := int64(31)
	switch {
	case u.d >= 0:
		return false
	case u.m < 0:
	case u.y < 0:
		days = daysIn(2000, u.values[u.m])
	default:
		days = daysIn(u.values[u.y], u.values[u.m])
	}
	return d.int() >= 1 && !d.above(days)
}

func daysIn(year, month int64) int64 {
	return int64(time.Date(int(2000+year%400), time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day())
}

// absent is a member that the text does not name.
const absent = -1

// resolve says which member is which.
func (u *ymd) resolve() (y, m, d int64, err error) {
	known := 0
	for _, at := range []int{u.y, u.m, u.d} {
		if at >= 0 {
			known++
		}
	}
	n := len(u.values)
	if n > 0 && n == known || n == 3 && known == 2 {
		return u.byPlace()
	}
	switch {
	case n > 3:
		return 0, 0, 0, errRefused
	case n == 1 || u.m >= 0 && n == 2:
		y, m, d = u.alone()
	case n == 2:
		y, m, d = u.two()
	case n == 3:
		y, m, d = u.three()
	default:
		y, m, d = absent, absent, absent
	}
	return y, m, d, nil
}

func (u *ymd) byPlace() (y, m, d int64, err error) {
	at := [3]int{u.y, u.m, u.d}
	out := [3]int64{absent, absent, absent}
	used := [3]bool{}
	for i, a := range at {
		if a >= 0 {
			out[i], used[a] = u.values[a], true
		}
	}
	if len(u.values) == 3 {
		for i := range out {
			for j := range used {
				if at[i] < 0 && !used[j] {
					out[i], used[j] = u.values[j], true
					break
				}
			}
		}
	}
	return out[0], out[1], out[2], nil
}

func (u *ymd) alone() (y, m, d int64) {
	y, m, d = absent, absent, absent
	other := u.values[0]
	if u.m >= 0 {
		m, other = u.values[u.m], u.values[len(u.values)-1-u.m]
	}
	if len(u.values) == 1 && u.m >= 0 {
		return y, m, d
	}
	if other > 31 {
		return other, m, d
	}
	return y, m, other
}

func (u *ymd) two() (y, m, d int64) {
	a, b := u.values[0], u.values[1]
	switch {
	case a > 31:
		return a, b, absent
	case b > 31:
		return b, a, absent
	}
	return absent, a, b
}

func (u *ymd) three() (y, m, d int64) {
	a, b, c := u.values[0], u.values[1], u.values[2]
	switch {
	case u.m == 0 && b > 31:
		return b, a, c
	case u.m == 0:
		return c, a, b
	case u.m == 1 && a > 31:
		return a, b, c
	case u.m == 1:
		return c, b, a
	case u.m == 2 && b > 31:
		return b, c, a
	case u.m == 2:
		return a, c, b
	case a > 31 || u.y == 0:
		return a, b, c
	case a > 12:
		return c, b, a
	}
	return c, a, b
}
