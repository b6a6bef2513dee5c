package strftime

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/leathq/leat/services/validator/internal/pyunicode"
)

type date struct{ year, month, day int }

// exists reports whether Python's calendar, 1 to 9999, has the date.
func (d date) exists() bool {
	return d.year >= 1 && d.year <= 9999 && d.month >= 1 && d.month <= 12 && d.day >= 1 && d.day <= time.Date(d.year, time.Month(d.month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// ordinal is the day's number; day 1 is the first of the year 1.
func (d date) ordinal() int {
	const first = -62135596800 // seconds of 0001-01-01
	return int((time.Date(d.year, time.Month(d.month), d.day, 0, 0, 0, 0, time.UTC).Unix()-first)/86400) + 1
}

const lastOrdinal = 3652059 // 9999-12-31

// weekday counts from Monday, 0.
func (d date) weekday() int { return (d.ordinal() + 6) % 7 }

const absent = -1

// reading is what the directives of a text said.
type reading struct {
	date
	isoYear, isoWeek, week, weekday, julian int
	sundays                                 bool // weeks begin with them
	second                                  int
	zone                                    string
}

// valid makes a date of the groups of a match, as strptime does, and reports whether there is one.
func (f *Format) valid(text []byte, spans []int) bool {
	r := reading{date: date{absent, 1, 1}, isoYear: absent, isoWeek: absent, week: absent, weekday: absent, julian: absent}
	for _, g := range f.groups {
		s := string(text[spans[2*g.number]:spans[2*g.number+1]])
		if !r.take(g.directive, s) {
			return false
		}
	}
	return r.consistent() && r.second <= 59 && validZone(r.zone) && r.resolve()
}

func (r *reading) take(directive byte, s string) bool {
	v := number(s)
	switch directive {
	case 'y':
		r.year = v + 1900
		if v <= 68 {
			r.year = v + 2000
		}
	case 'Y':
		r.year = v
	case 'G':
		r.isoYear = v
	case 'm':
		r.month = v
	case 'd':
		r.day = v
	case 'S':
		r.second = v
	case 'j':
		r.julian = v
	case 'u':
		r.weekday = v - 1
	case 'w':
		r.weekday = (v + 6) % 7
	case 'U', 'W':
		r.week, r.sundays = v, directive == 'U'
	case 'V':
		r.isoWeek = v
	case 'z':
		r.zone = s
	case 'A', 'a', 'B', 'b':
		return r.name(directive, lowerName(s))
	}
	return true
}

// name looks a name up. The pattern also takes letters that only fold to ASCII, such as ſ; then no name is found.
func (r *reading) name(directive byte, s string) bool {
	list, into := names.weekdays, &r.weekday
	first := 0
	if directive == 'B' || directive == 'b' {
		list, into, first = names.months, &r.month, 1
	}
	i := slices.IndexFunc(list, func(n string) bool { return n == s || (directive == 'a' || directive == 'b') && n[:3] == s })
	*into = i + first
	return i >= 0
}

func lowerName(s string) string { return strings.Map(pyunicode.Lower, s) }

// number is int(s) for digits of any script, with white space around.
func number(s string) int {
	v := 0
	for _, r := range s {
		if d := pyunicode.DecimalValue(r); d >= 0 {
			v = v*10 + d
		}
	}
	return v
}

// consistent refuses ISO years and weeks without what they need.
func (r *reading) consistent() bool {
	if r.year == absent && r.isoYear != absent {
		return r.isoWeek != absent && r.weekday != absent && r.julian == absent
	}
	return r.week != absent || r.isoWeek == absent
}

// resolve finds the date by month and day, by the day of the year, or by the week.
func (r *reading) resolve() bool {
	noYear := r.year == absent
	if noYear {
		r.year = 1900
		if r.month == 2 && r.day == 29 {
			r.year = 1904 // only to find the weekday by; 1900 has no such day, so it is refused in the end
		}
	}
	leap := noYear && r.year == 1904
	if r.julian == absent && r.weekday != absent {
		ok := true
		switch {
		case r.week != absent:
			ok = r.fromWeek()
		case r.isoYear != absent && r.isoWeek != absent:
			ok = r.fromISO()
		}
		if !ok {
			return false
		}
	}
	if r.julian == absent {
		return r.exists() && !leap
	}
	if !(date{r.year, 1, 1}).exists() {
		return false
	}
	n := r.julian - 1 + date{r.year, 1, 1}.ordinal()
	if leap { // the year is put back to 1900 whatever was found
		found := time.Date(r.year, 1, r.julian, 0, 0, 0, 0, time.UTC)
		return date{1900, int(found.Month()), found.Day()}.exists()
	}
	return n >= 1 && n <= lastOrdinal
}

// before moves a day of the year that is not positive into the year before.
func (r *reading) before() {
	if r.julian > 0 {
		return
	}
	r.year--
	r.julian += time.Date(r.year, 12, 31, 0, 0, 0, 0, time.UTC).YearDay()
}

func (r *reading) fromWeek() bool {
	if !(date{r.year, 1, 1}).exists() {
		return false
	}
	first, day := date{r.year, 1, 1}.weekday(), r.weekday
	if r.sundays {
		first, day = (first+1)%7, (day+1)%7
	}
	if r.week == 0 {
		r.julian = 1 + day - first
	} else {
		r.julian = 1 + (7-first)%7 + 7*(r.week-1) + day
	}
	r.before()
	return true
}

func (r *reading) fromISO() bool {
	if !(date{r.isoYear, 1, 1}).exists() {
		return false
	}
	r.year = r.isoYear
	r.julian = r.isoWeek*7 + r.weekday + 1 - (date{r.year, 1, 4}.weekday() + 1 + 3)
	if r.julian < 1 {
		if r.year == 1 {
			return false
		}
		r.julian += date{r.year, 1, 1}.ordinal()
		r.year--
		r.julian -= date{r.year, 1, 1}.ordinal()
	}
	r.before()
	return true
}

// validZone refuses an offset of a day or more, and colons before the minutes but not before the seconds, or the other way round.
func validZone(z string) bool {
	if z == "" || z == "Z" {
		return true
	}
	c := []rune(z)
	if c[3] == ':' {
		c = slices.Delete(c, 3, 4)
		if len(c) > 5 {
			if c[5] != ':' {
				return false
			}
			c = slices.Delete(c, 5, 6)
		}
	}
	if len(c) > 5 && c[5] == ':' {
		return false
	}
	return number(string(c[1:3])) < 24
}

// decode is the first character of a format.
func decode(s string) (rune, int) { return utf8.DecodeRuneInString(s) }
