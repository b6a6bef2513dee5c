package dateutil

import "strings"

// number reads the number at i and says which is the last token that it took.
func (p *parser) number(i int, d decimal) (int, error) {
	t := p.tokens[i]
	n := length(t)
	next := p.at(i + 1)
	_, nextIsUnit := units[lowered(next)]
	switch {
	case len(p.date.values) == 3 && (n == 2 || n == 4) && !p.hour.set && (!p.has(i+1) || next != ":" && !nextIsUnit):
		return i, p.clock(t, n)
	case n == 6 || n > 6 && strings.IndexByte(t, '.') == len(cut(t, 0, 6)) && strings.Contains(t, "."):
		return i, p.six(t)
	case n == 8 || n == 12 || n == 14:
		return i, p.stamp(t, n)
	}
	if at, unit, ok := p.unit(i); ok {
		return at, p.assign(t, d, unit)
	}
	switch {
	case p.has(i+2) && next == ":":
		return p.colons(i, d)
	case next == "-" || next == "/" || next == ".":
		return p.separated(i, next)
	case !p.has(i+1) || jumps[lowered(next)]:
		if half, ok := halves[lowered(p.at(i+2))]; ok && p.has(i+2) {
			p.hour = some(halfDay(d.int(), half))
			return i + 2, nil
		}
		return i + 1, p.date.number(d.int(), d.above(100), 0)
	}
	if half, ok := halves[lowered(next)]; ok && d.int() < 24 {
		p.hour = some(halfDay(d.int(), half))
		return i + 1, nil
	}
	if p.date.couldBeDay(d) {
		return i, p.date.number(d.int(), d.above(100), 0)
	}
	return i, errRefused
}

// ints reads pieces as integers.
func ints(into []*field, pieces ...string) error {
	for i, s := range pieces {
		v, ok := asInt(s)
		if !ok {
			return errRefused
		}
		*into[i] = some(v)
	}
	return nil
}

// clock reads HH or HHMM behind a whole date.
func (p *parser) clock(t string, n int) error {
	if err := ints([]*field{&p.hour}, cut(t, 0, 2)); err != nil || n != 4 {
		return err
	}
	return ints([]*field{&p.minute}, cut(t, 2, -1))
}

// six reads YYMMDD where no date has begun, else HHMMSS with or without a fraction.
func (p *parser) six(t string) error {
	if len(p.date.values) == 0 && !strings.Contains(t, ".") {
		return p.texts(cut(t, 0, 2), cut(t, 2, 4), cut(t, 4, -1))
	}
	if err := ints([]*field{&p.hour, &p.minute}, cut(t, 0, 2), cut(t, 2, 4)); err != nil {
		return err
	}
	return p.seconds(cut(t, 4, -1))
}

func (p *parser) texts(members ...string) error {
	for _, m := range members {
		if err := p.date.text(m, 0); err != nil {
			return err
		}
	}
	return nil
}

// stamp reads YYYYMMDD, YYYYMMDDhhmm and YYYYMMDDhhmmss.
func (p *parser) stamp(t string, n int) error {
	if err := p.date.text(cut(t, 0, 4), 'Y'); err != nil {
		return err
	}
	if err := p.texts(cut(t, 4, 6), cut(t, 6, 8)); err != nil || n == 8 {
		return err
	}
	if err := ints([]*field{&p.hour, &p.minute}, cut(t, 8, 10), cut(t, 10, 12)); err != nil || n == 12 {
		return err
	}
	return ints([]*field{&p.second}, cut(t, 12, -1))
}

// seconds reads seconds with a fraction of any length; digits behind the sixth are cut.
func (p *parser) seconds(t string) error {
	whole, part, some := strings.Cut(t, ".")
	if !some {
		p.micro = field{0, true}
		return ints([]*field{&p.second}, t)
	}
	if strings.Contains(part, ".") {
		return errRefused
	}
	for length(part) < 6 {
		part += "0"
	}
	return ints([]*field{&p.second, &p.micro}, whole, cut(part, 0, 6))
}

// unit finds an "h", "m" or "s" that belongs to the number at i, behind it or before it, and the last token that it takes.
func (p *parser) unit(i int) (at int, unit int64, ok bool) {
	if u, ok := units[lowered(p.at(i+1))]; ok {
		return i + 1, u, true
	}
	if u, ok := units[lowered(p.at(i+2))]; ok && p.at(i+1) == " " {
		return i + 2, u, true
	}
	if u, ok := units[lowered(p.at(i-1))]; ok {
		return i, u + 1, true
	}
	if u, ok := units[lowered(p.at(i-2))]; ok && i == len(p.tokens)-1 && p.at(i-1) == " " {
		return i, u + 1, true
	}
	return i, 0, false
}

func (p *parser) assign(t string, d decimal, unit int64) error {
	switch unit {
	case 0:
		n, some60, err := d.sixtieths()
		if p.hour = some(d.int()); some60 {
			p.minute = some(n)
		}
		return err
	case 1:
		return p.minutes(d)
	case 2:
		return p.seconds(t)
	}
	return nil
}

// minutes reads minutes whose fraction is seconds; without one, seconds are forgotten.
func (p *parser) minutes(d decimal) error {
	n, some60, err := d.sixtieths()
	p.minute, p.second = some(d.int()), field{n, some60}
	return err
}

// colons reads HH:MM and HH:MM:SS.
func (p *parser) colons(i int, d decimal) (int, error) {
	p.hour = some(d.int())
	m, ok := asNumber(p.at(i + 2))
	if !ok {
		return i, errRefused
	}
	if err := p.minutes(m); err != nil {
		return i, err
	}
	if !p.has(i+4) || p.at(i+3) != ":" {
		return i + 2, nil
	}
	return i + 4, p.seconds(p.at(i + 4))
}

// separated reads 01-02, 01-02-03, 01-Jan and 01-Jan-03.
func (p *parser) separated(i int, sep string) (int, error) {
	if err := p.date.text(p.tokens[i], 0); err != nil {
		return i, err
	}
	if !p.has(i+2) || jumps[lowered(p.at(i+2))] {
		return i + 1, nil
	}
	if err := p.member(p.at(i+2), allDigits(p.at(i+2))); err != nil {
		return i, err
	}
	if p.at(i+3) != sep {
		return i + 2, nil
	}
	if !p.has(i + 4) {
		return i, errRefused
	}
	_, named := months[lowered(p.at(i+4))]
	return i + 4, p.member(p.at(i+4), !named)
}

func (p *parser) member(t string, number bool) error {
	if number {
		return p.date.text(t, 0)
	}
	m, ok := months[lowered(t)]
	if !ok {
		return errRefused
	}
	return p.date.number(m, false, 'M')
}
