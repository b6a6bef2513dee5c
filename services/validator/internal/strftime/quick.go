package strftime

import (
	"strings"
	"unicode/utf8"
)

// part of a format: a directive, or a letter that must stand there as it is.
type part struct{ directive, literal byte }

const quickDirectives = "YmdHMSf"

// quickParts is a format of plain numbers with something between them that is neither a digit, a letter nor white space: there is one way
// only to match it, so no pattern is needed. It is nil for other formats.
func quickParts(format string) []part {
	var parts []part
	number := false
	for i := 0; i < len(format); i++ {
		c := format[i]
		if c != '%' {
			if strings.IndexByte("-/.:,;_+#@TZ", c) < 0 {
				return nil
			}
			parts, number = append(parts, part{literal: c}), false
			continue
		}
		i++
		if number || i == len(format) || strings.IndexByte(quickDirectives, format[i]) < 0 {
			return nil
		}
		parts, number = append(parts, part{directive: format[i]}), true
	}
	return parts
}

// quickMatch matches ASCII texts; it is not sure of others, nor where a text has white space or a letter in another case.
func quickMatch(parts []part, text []byte) (ok, sure bool) {
	d := date{year: 1900, month: 1, day: 1}
	yearGiven := false
	i := 0
	for _, p := range parts {
		if i < len(text) && (text[i] >= utf8.RuneSelf || text[i] == ' ') {
			return false, false
		}
		if p.directive == 0 {
			if i == len(text) || text[i] != p.literal {
				return false, i == len(text) || text[i]|0x20 != p.literal|0x20
			}
			i++
			continue
		}
		from, v := i, 0
		for most := width(p.directive); i < len(text) && i-from < most && '0' <= text[i] && text[i] <= '9'; i++ {
			v = v*10 + int(text[i]-'0')
		}
		if i < len(text) && text[i] >= utf8.RuneSelf {
			return false, false
		}
		if !d.take(p.directive, v, i-from) {
			return false, true
		}
		yearGiven = yearGiven || p.directive == 'Y'
	}
	if i < len(text) {
		return false, text[i] < utf8.RuneSelf
	}
	if !yearGiven && d.month == 2 && d.day == 29 {
		return false, true
	}
	return d.exists(), true
}

func width(directive byte) int {
	switch directive {
	case 'Y':
		return 4
	case 'f':
		return 6
	}
	return 2
}

// take notes a number of so many digits, and reports whether the directive's pattern takes it.
func (d *date) take(directive byte, v, digits int) bool {
	switch directive {
	case 'Y':
		d.year = v
		return digits == 4
	case 'm':
		d.month = v
		return digits > 0 && v >= 1 && v <= 12
	case 'd':
		d.day = v
		return digits > 0 && v >= 1 && v <= 31
	case 'H':
		return digits > 0 && v <= 23
	case 'M', 'S': // 60 and 61 seconds match the pattern, and are refused by datetime
		return digits > 0 && v <= 59
	}
	return digits > 0
}
