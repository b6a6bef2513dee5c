// Package dateutil accepts and refuses what python-dateutil's parser.parse does with its default settings, which is what Great
// Expectations asks of "parseable" texts. The rules are the original's, its oddities among them; nothing is added.
// It does not interpret time zones beyond deciding whether the text is accepted.
package dateutil

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

var errRefused = errors.New("no date that dateutil understands")

// RaisedError is an error that dateutil lets through although it is no ValueError: Great Expectations does not count such a value as
// not parseable, it fails.
type RaisedError struct{ Reason string }

func (e *RaisedError) Error() string { return "dateutil raises " + e.Reason }

// Parse reads a date. What the text leaves out is taken from the day of now, whose year also decides the century of years of two
// digits, so verdicts such as that on "31" depend on it. The result is the local time that the text names, in UTC, without its zone.
// An error that is a *RaisedError is one that Python raises otherwise than as ValueError or OverflowError.
func Parse(text string, now time.Time) (time.Time, error) {
	p := &parser{tokens: lex(text), date: newYMD(), now: now}
	if err := p.walk(); err != nil {
		return time.Time{}, p.named(text, err)
	}
	t, err := p.build()
	if err != nil {
		return time.Time{}, p.named(text, err)
	}
	return t, nil
}

func (p *parser) named(text string, err error) error {
	if len(text) > 100 {
		text = text[:100] + "…"
	}
	return fmt.Errorf("parse %q as a date: %w", text, err)
}

// field is a number that may be absent.
type field struct {
	v   int64
	set bool
}

func some(v int64) field { return field{v, true} }

// parser holds what has been read so far.
type parser struct {
	tokens []string
	date   *ymd
	now    time.Time

	hour, minute, second, micro field
	offset                      field
	zone                        string
	weekday                     field
	half                        field // 0: a.m., 1: p.m.
}

func (p *parser) has(i int) bool { return i >= 0 && i < len(p.tokens) }

// at is a token, or "" behind the end, which nothing matches.
func (p *parser) at(i int) string {
	if !p.has(i) {
		return ""
	}
	return p.tokens[i]
}

func (p *parser) walk() error {
	for i := 0; i < len(p.tokens); i++ {
		var err error
		if i, err = p.token(i); err != nil {
			return err
		}
	}
	return nil
}

// token reads the token at i and says which is the last that it took.
func (p *parser) token(i int) (int, error) {
	t := p.tokens[i]
	if isInfinite(t) {
		return i, errRefused
	}
	if d, ok := asNumber(t); ok {
		return p.number(i, d)
	}
	if v, ok := weekdays[lowered(t)]; ok {
		p.weekday = some(v)
		return i, nil
	}
	if m, ok := months[lowered(t)]; ok {
		return p.month(i, m)
	}
	if half, ok := halves[lowered(t)]; ok {
		if !p.hour.set || p.hour.v > 12 {
			return i, errRefused
		}
		p.hour, p.half = some(halfDay(p.hour.v, half)), some(half)
		return i, nil
	}
	switch {
	case p.couldBeZone(t, p.offset.set):
		p.zoneName(i)
		return i, nil
	case p.hour.set && (t == "+" || t == "-"):
		return p.zoneOffset(i)
	case jumps[lowered(t)]:
		return i, nil
	}
	return i, errRefused
}

func halfDay(hour, half int64) int64 {
	switch {
	case hour < 12 && half == 1:
		return hour + 12
	case hour == 12 && half == 0:
		return 0
	}
	return hour
}

// month reads what may follow a month's name: Jan-01, Jan-01-99, Jan of 01.
func (p *parser) month(i int, m int64) (int, error) {
	if err := p.date.number(m, false, 'M'); err != nil || !p.has(i+1) {
		return i, err
	}
	if sep := p.at(i + 1); sep == "-" || sep == "/" {
		if err := p.date.text(p.at(i+2), 0); err != nil {
			return i, err
		}
		if p.at(i+3) != sep {
			return i + 2, nil
		}
		return i + 4, p.date.text(p.at(i+4), 0)
	}
	if !p.has(i+4) || p.at(i+1) != " " || p.at(i+3) != " " || lowered(p.at(i+2)) != "of" {
		return i, nil
	}
	if !allDigits(p.at(i + 4)) {
		return i + 4, nil
	}
	y, ok := asInt(p.at(i + 4))
	if !ok {
		return i, errRefused
	}
	y = p.century(y)
	return i + 4, p.date.text(fmt.Sprint(y), 'Y')
}

// century completes a year below 100 to within fifty years of now.
func (p *parser) century(y int64) int64 {
	now := int64(p.now.Year())
	if y >= 100 {
		return y
	}
	y += now / 100 * 100
	switch {
	case y >= now+50:
		return y - 100
	case y < now-50:
		return y + 100
	}
	return y
}

func (p *parser) couldBeZone(t string, offset bool) bool {
	if !p.hour.set || p.zone != "" || offset || len(t) > 5 {
		return false
	}
	return t == "z" || strings.Trim(t, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func isUTC(zone string) bool {
	switch lowered(zone) {
	case "utc", "gmt", "z":
		return true
	}
	return false
}

// zoneName notes a zone. In "GMT+3" and "BRST+3" the sign is what to add to get to GMT, so it is turned.
func (p *parser) zoneName(i int) {
	p.zone = p.tokens[i]
	if p.zone == "z" {
		p.offset = some(0)
	}
	next := p.at(i + 1)
	if next != "+" && next != "-" {
		return
	}
	p.tokens[i+1] = map[string]string{"+": "-", "-": "+"}[next]
	p.offset = field{}
	if isUTC(p.zone) {
		p.zone = ""
	}
}

// zoneOffset reads +0300, +03:00, +3 and a name in parentheses behind them.
func (p *parser) zoneOffset(i int) (int, error) {
	sign := int64(1)
	if p.tokens[i] == "-" {
		sign = -1
	}
	if !p.has(i + 1) {
		return i, errRefused
	}
	digits := p.at(i + 1)
	hours, minutes := digits, "0"
	switch n := length(digits); {
	case n == 4:
		hours, minutes = cut(digits, 0, 2), cut(digits, 2, -1)
	case p.at(i+2) == ":":
		minutes = p.at(i + 3)
		i += 2
	case n > 2:
		return i, errRefused
	}
	h, ok := asInt(hours)
	m, ok2 := asInt(minutes)
	if !ok || !ok2 {
		return i, errRefused
	}
	p.offset = some(sign * (h*3600 + m*60))
	if p.has(i+5) && jumps[lowered(p.at(i+2))] && p.at(i+3) == "(" && p.at(i+5) == ")" && length(p.at(i+4)) >= 3 && p.couldBeZone(p.at(i+4), false) {
		p.zone = p.at(i + 4)
		i += 4
	}
	return i + 1, nil
}
