package dateutil

import "time"

var (
	jumps = map[string]bool{" ": true, ".": true, ",": true, ";": true, "-": true, "/": true, "'": true, "at": true, "on": true, "and": true,
		"ad": true, "m": true, "t": true, "of": true, "st": true, "nd": true, "rd": true, "th": true}
	weekdays = map[string]int64{"mon": 0, "monday": 0, "tue": 1, "tuesday": 1, "wed": 2, "wednesday": 2, "thu": 3, "thursday": 3,
		"fri": 4, "friday": 4, "sat": 5, "saturday": 5, "sun": 6, "sunday": 6}
	months = map[string]int64{"jan": 1, "january": 1, "feb": 2, "february": 2, "mar": 3, "march": 3, "apr": 4, "april": 4, "may": 5,
		"jun": 6, "june": 6, "jul": 7, "july": 7, "aug": 8, "august": 8, "sep": 9, "sept": 9, "september": 9, "oct": 10, "october": 10,
		"nov": 11, "november": 11, "dec": 12, "december": 12}
	units = map[string]int64{"h": 0, "hour": 0, "hours": 0, "m": 1, "minute": 1, "minutes": 1, "s": 2, "second": 2, "seconds": 2}
	// halves of the day.
	halves = map[string]int64{"am": 0, "a": 0, "pm": 1, "p": 1}
)

// maxOffset is where Python's timedelta ends, in seconds.
const maxOffset = 86400 * 1_000_000_000

// build checks the parts against the calendar and takes from now what is absent.
func (p *parser) build() (time.Time, error) {
	y, m, d, err := p.date.resolve()
	if err != nil {
		return time.Time{}, err
	}
	if y != absent && !p.date.century {
		y = p.century(y)
	}
	if p.empty(y, m, d) || p.offset.v >= maxOffset || p.offset.v <= -maxOffset {
		return time.Time{}, errRefused
	}
	given := d
	year, month := or(y, int64(p.now.Year())), or(m, int64(p.now.Month()))
	if month < 1 || month > 12 || year < 1 || year > 9999 {
		return time.Time{}, errRefused
	}
	if d == absent {
		d = min(int64(p.now.Day()), daysIn(year, month))
	}
	if d < 1 || d > daysIn(year, month) || p.hour.v > 23 || p.minute.v > 59 || p.second.v > 59 {
		return time.Time{}, errRefused
	}
	t := time.Date(int(year), time.Month(month), int(d), int(p.hour.v), int(p.minute.v), int(p.second.v), int(p.micro.v)*1000, time.UTC)
	if p.weekday.set && given == absent {
		t = t.AddDate(0, 0, int((p.weekday.v+8-int64(t.Weekday()))%7))
	}
	if t.Year() > 9999 {
		return time.Time{}, errRefused
	}
	return t, nil
}

func or(v, otherwise int64) int64 {
	if v == absent {
		return otherwise
	}
	return v
}

// empty reports a text of nothing but separators.
func (p *parser) empty(y, m, d int64) bool {
	return y == absent && m == absent && d == absent && !p.weekday.set && !p.hour.set && !p.minute.set && !p.second.set && !p.micro.set &&
		!p.offset.set && p.zone == "" && !p.half.set
}
