package pyre

import "strings"

// flags are re's inline flags.
type flags uint8

const (
	flagA flags = 1 << iota // ASCII categories and folding
	flagI                   // without regard to case
	flagM                   // ^ and $ at lines
	flagS                   // . matches newlines
	flagU                   // Unicode, the default
	flagX                   // white space and comments in the pattern are skipped
	flagT                   // an old word for "without look-ahead optimisation"; only for a whole pattern
)

const letters = "aimsuxt"

const kinds = flagA | flagU // at most one may be asked for

func flagOf(c rune) flags {
	if i := strings.IndexRune(letters, c); i >= 0 {
		return 1 << i
	}
	return 0
}

func (f flags) with(add, del flags) flags {
	if add&kinds != 0 {
		f &^= kinds
	}
	return (f | add) &^ del
}

// flagGroup reads what follows "(?" up to ")" or ":". Global says that the flags are for the whole pattern.
func (p *parser) flagGroup(c rune) (add, del flags, global bool) {
	if c != '-' {
		add, c = p.addFlags(c)
	}
	if c == ')' {
		return add, 0, true
	}
	if c == '-' {
		del = p.delFlags()
	}
	if (add|del)&flagT != 0 {
		p.fail("bad inline flags: flag t is for a whole pattern")
	}
	if add&del != 0 {
		p.fail("bad inline flags: flag turned on and off")
	}
	return add, del, false
}

func (p *parser) addFlags(c rune) (flags, rune) {
	var add flags
	for {
		if c == 'L' {
			p.fail("bad inline flags: cannot use 'L' flag with a str pattern")
		}
		f := flagOf(c)
		if f == 0 {
			p.fail("unknown flag or missing -, : or )")
		}
		add |= f
		if add&kinds == kinds {
			p.fail("bad inline flags: flags 'a' and 'u' are incompatible")
		}
		if c = p.get(); c == ')' || c == '-' || c == ':' {
			return add, c
		}
	}
}

func (p *parser) delFlags() flags {
	var del flags
	for c := p.get(); ; {
		f := flagOf(c)
		if f == 0 {
			p.fail("unknown or missing flag")
		}
		if f&kinds != 0 {
			p.fail("bad inline flags: cannot turn off flags 'a', 'u' and 'L'")
		}
		del |= f
		if c = p.get(); c == ':' {
			return del
		}
	}
}
