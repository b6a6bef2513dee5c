package pyre

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// set reads what follows "[".
func (p *parser) set(at int, f flags) *node {
	n := &node{kind: kSet, flags: f, not: p.accept('^')}
	for {
		t := p.member(at)
		if t.is(']') && len(n.items) > 0 {
			return n
		}
		it := p.setItem(t)
		if !p.accept('-') {
			n.add(it)
			continue
		}
		that := p.member(at)
		if that.is(']') {
			n.add(it)
			n.add(item{lo: '-', hi: '-'})
			return n
		}
		to := p.setItem(that)
		if it.category != 0 || to.category != 0 || to.lo < it.lo {
			p.fail("bad character range")
		}
		n.add(item{lo: it.lo, hi: to.lo, written: true})
	}
}

func (n *node) add(it item) {
	if !slices.Contains(n.items, it) {
		n.items = append(n.items, it)
	}
}

func (p *parser) member(at int) token {
	if p.next.end {
		p.fail(fmt.Sprintf("unterminated character set that begins at %d", at))
	}
	return p.take()
}

func (p *parser) setItem(t token) item {
	switch {
	case !t.escaped:
		return item{lo: t.r, hi: t.r}
	case strings.ContainsRune("dDsSwW", t.r):
		return item{category: byte(t.r)}
	case t.r == 'b':
		return item{lo: '\b', hi: '\b'}
	}
	r, ok := p.character(t)
	if !ok && '0' <= t.r && t.r <= '7' {
		r, ok = p.octal(string(t.r)+p.upTo(2, octDigits)), true
	}
	if !ok {
		p.badEscape(t)
	}
	return item{lo: r, hi: r}
}

const (
	octDigits = "01234567"
	decDigits = "0123456789"
	hexDigits = "0123456789abcdefABCDEF"
)

// upTo reads at most n characters of an alphabet.
func (p *parser) upTo(n int, alphabet string) string {
	var b strings.Builder
	for b.Len() < n && !p.next.end && !p.next.escaped && strings.ContainsRune(alphabet, p.next.r) {
		b.WriteRune(p.take().r)
	}
	return b.String()
}

func (p *parser) octal(digits string) rune {
	v, _ := strconv.ParseUint(digits, 8, 32)
	if v > 0o377 {
		p.fail("octal escape value outside of range 0-0o377")
	}
	return rune(v)
}

func (p *parser) badEscape(t token) {
	p.fail(fmt.Sprintf("bad escape \\%c", t.r))
}

// escape reads what follows a backslash outside a set.
func (p *parser) escape(t token, f flags) *node {
	if pl, ok := placeOf(t.r, f); ok {
		return &node{kind: kAssert, place: pl, flags: f}
	}
	if strings.ContainsRune("dDsSwW", t.r) {
		return &node{kind: kSet, items: []item{{category: byte(t.r)}}, flags: f}
	}
	r, ok := p.character(t)
	if !ok && '0' <= t.r && t.r <= '9' {
		var g int
		if r, g = p.octalOrGroup(t); g > 0 {
			return p.reference(g, f)
		}
		ok = true
	}
	if !ok {
		p.badEscape(t)
	}
	return &node{kind: kSet, items: []item{{lo: r, hi: r}}, flags: f}
}

func placeOf(r rune, f flags) (place, bool) {
	ascii := f&flagA != 0
	switch {
	case r == 'A':
		return textStart, true
	case r == 'Z':
		return textEnd, true
	case r == 'b' && ascii:
		return boundaryASCII, true
	case r == 'b':
		return boundary, true
	case r == 'B' && ascii:
		return noBoundaryASCII, true
	case r == 'B':
		return noBoundary, true
	}
	return 0, false
}

// octalOrGroup reads a number: octal when it begins with 0 or is three octal digits, else a group's, which is at most two digits.
func (p *parser) octalOrGroup(t token) (r rune, group int) {
	if t.r == '0' {
		return p.octal("0" + p.upTo(2, octDigits)), 0
	}
	digits := string(t.r) + p.upTo(1, decDigits)
	if len(digits) == 2 && strings.ContainsRune(octDigits, t.r) && strings.ContainsRune(octDigits, rune(digits[1])) {
		if third := p.upTo(1, octDigits); third != "" {
			return p.octal(digits + third), 0
		}
	}
	group, _ = strconv.Atoi(digits)
	return 0, group
}

var controls = map[rune]rune{'a': '\a', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v', '\\': '\\'}

// character is the character that an escape stands for, in a set or outside; digits are not looked at.
func (p *parser) character(t token) (rune, bool) {
	if r, ok := controls[t.r]; ok {
		return r, true
	}
	switch t.r {
	case 'x':
		return p.hex(2), true
	case 'u':
		return p.hex(4), true
	case 'U':
		return p.hex(8), true
	case 'N':
		return p.byName(), true
	}
	alnum := '0' <= t.r && t.r <= '9' || 'a' <= t.r|0x20 && t.r|0x20 <= 'z' && t.r < 0x80
	return t.r, !alnum
}

func (p *parser) hex(n int) rune {
	digits := p.upTo(n, hexDigits)
	v, err := strconv.ParseUint(digits, 16, 32)
	if len(digits) != n || err != nil || v > maxRune {
		p.fail("incomplete or too large escape")
	}
	return rune(v)
}
