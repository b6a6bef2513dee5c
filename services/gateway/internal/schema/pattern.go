package schema

import (
	"regexp"
	"regexp/syntax"
	"unicode/utf8"
)

const maxPattern = 4096 // bytes

// pattern matches the strings in which a regular expression matches.
func (c *compiler) pattern(v *value, a at) *Part {
	switch {
	case v.kind != '"':
		return c.fail(a, "pattern", "'pattern' must be a string.")
	case len(v.text) > maxPattern:
		return c.fail(a, "pattern", "'pattern' is too long.")
	}
	return c.regexp(v.text, a)
}

// unicodeEscape is ECMA-262's spelling of what Go spells \x{…}.
var unicodeEscape = regexp.MustCompile(`\\u([0-9a-fA-F]{4})`)

func (c *compiler) regexp(text string, a at) *Part {
	re, err := syntax.Parse(unicodeEscape.ReplaceAllString(text, `\x{$1}`), syntax.Perl)
	if err != nil {
		return c.fail(a, "pattern", "'pattern' "+clip(text)+" is not supported: "+clip(err.Error())+
			". Look-around, references and counts above 1000 are not.")
	}
	x := &regex{compiler: c, at: a, text: text}
	return Seq(Text(`"`), x.whole(re), Text(`"`))
}

// regex turns one regular expression into parts; each character is matched as JSON spells it in a string.
type regex struct {
	*compiler
	at   at
	text string
}

func (x *regex) refuse(what string) *Part {
	return x.fail(x.at, "pattern", "'pattern' "+clip(x.text)+" is not supported: "+what)
}

// whole matches strings: where an alternative is not anchored, anything may stand before or behind it.
func (x *regex) whole(re *syntax.Regexp) *Part {
	switch re.Op {
	case syntax.OpAlternate:
		var out []*Part
		for _, sub := range re.Sub {
			out = append(out, x.whole(sub))
		}
		return Alt(out...)
	case syntax.OpCapture:
		return x.whole(re.Sub[0])
	}
	subs := []*syntax.Regexp{re}
	if re.Op == syntax.OpConcat {
		subs = re.Sub
	}
	var out []*Part
	if len(subs) > 0 && subs[0].Op == syntax.OpBeginText {
		subs = subs[1:]
	} else {
		out = append(out, Repeat(x.char(), 0, -1))
	}
	end := len(subs) > 0 && subs[len(subs)-1].Op == syntax.OpEndText
	if end {
		subs = subs[:len(subs)-1]
	}
	for _, sub := range subs {
		out = append(out, x.part(sub))
	}
	if !end {
		out = append(out, Repeat(x.char(), 0, -1))
	}
	return Seq(out...)
}

func (x *regex) part(re *syntax.Regexp) *Part {
	if re.Flags&syntax.FoldCase != 0 {
		return x.refuse("the flag i is not.")
	}
	switch re.Op {
	case syntax.OpEmptyMatch:
		return Text("")
	case syntax.OpLiteral:
		return x.literal(re.Rune)
	case syntax.OpCharClass:
		return x.class(re.Rune)
	case syntax.OpAnyCharNotNL, syntax.OpAnyChar:
		return x.class([]rune{0, '\n' - 1, '\n' + 1, utf8.MaxRune})
	case syntax.OpCapture:
		return x.part(re.Sub[0])
	case syntax.OpConcat, syntax.OpAlternate:
		out := make([]*Part, len(re.Sub))
		for i, sub := range re.Sub {
			out[i] = x.part(sub)
		}
		if re.Op == syntax.OpConcat {
			return Seq(out...)
		}
		return x.shared(Alt(out...))
	case syntax.OpStar:
		return Repeat(x.part(re.Sub[0]), 0, -1)
	case syntax.OpPlus:
		return Repeat(x.part(re.Sub[0]), 1, -1)
	case syntax.OpQuest:
		return Repeat(x.part(re.Sub[0]), 0, 1)
	case syntax.OpRepeat:
		return Repeat(x.part(re.Sub[0]), re.Min, re.Max)
	case syntax.OpBeginText, syntax.OpEndText, syntax.OpBeginLine, syntax.OpEndLine:
		return x.refuse("^ and $ may stand only at the ends of the pattern or of its alternatives.")
	}
	return x.refuse("it uses more than characters, classes, groups, |, ?, *, + and {m,n}.")
}

func (x *regex) literal(rs []rune) *Part {
	out := make([]*Part, len(rs))
	for i, r := range rs {
		out[i] = x.class([]rune{r, r})
	}
	return Seq(out...)
}

// elsewhere are the characters on which dialects disagree whether \s, \S, . and the like match them: a class that is as
// good as everything does without.
var elsewhere = runes{0x0b, 0x0b, 0x85, 0x85, 0xa0, 0xa0, 0x1680, 0x1680, 0x2000, 0x200a, 0x2028, 0x2029, 0x202f, 0x202f, 0x205f, 0x205f, 0x3000, 0x3000, 0xfeff, 0xfeff}

// class matches one character of a set as it stands in a JSON string. Of the control characters only those with a short
// escape are matched.
func (x *regex) class(set runes) *Part {
	if n := len(set); n > 0 && set[n-1] == utf8.MaxRune && set[0] < 0x80 {
		set = set.minus(elsewhere)
	}
	var out []*Part
	if bare := set.and(plainRunes); len(bare) == 2 && bare[0] == bare[1] {
		out = append(out, Text(string(bare[0])))
	} else if len(bare) > 0 {
		out = append(out, class(bare.class()))
	}
	for _, e := range []struct {
		r       rune
		spelled string
	}{{'"', `\"`}, {'\\', `\\`}, {'\n', `\n`}, {'\r', `\r`}, {'\t', `\t`}, {'\f', `\f`}, {'\b', `\b`}} {
		if len(set.and(runes{e.r, e.r})) > 0 {
			out = append(out, Text(e.spelled))
		}
	}
	if len(out) == 0 {
		return nothing()
	}
	return Alt(out...)
}
