package pyre

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/leathq/leat/services/validator/internal/pyunicode"
)

// group reads what follows "(". It is nil for a comment and for flags of the whole pattern.
func (p *parser) group(s scope, first bool) *node {
	inner := scope{flags: p.in(s), depth: s.depth + 1}
	if !p.accept('?') {
		return p.captured("", inner)
	}
	c := p.get()
	switch c {
	case 'P':
		return p.named(inner)
	case ':':
		return p.closed(&node{kind: kGroup}, inner)
	case '>':
		return p.closed(&node{kind: kAtomic}, inner)
	case '#':
		for !p.next.is(')') {
			if p.next.end {
				p.fail("missing ), unterminated comment")
			}
			p.advance()
		}
		p.advance()
		return nil
	case '=', '!':
		return p.closed(&node{kind: kLook, not: c == '!'}, inner)
	case '<':
		return p.lookBehind(inner)
	case '(':
		return p.condition(inner)
	}
	return p.flagged(c, inner, first)
}

// flagged reads flags from behind "(?": for a group, or for the whole pattern.
func (p *parser) flagged(c rune, inner scope, first bool) *node {
	if c != '-' && c != 'L' && flagOf(c) == 0 {
		p.fail("unknown extension ?" + string(c))
	}
	add, del, global := p.flagGroup(c)
	if global {
		if !first {
			p.fail("global flags not at the start of the expression")
		}
		p.flags |= add
		if p.flags&kinds == kinds {
			p.fail("ASCII and UNICODE flags are incompatible")
		}
		return nil
	}
	inner.flags = inner.flags.with(add, del)
	return p.closed(&node{kind: kGroup, flags: add | del}, inner)
}

func (p *parser) closed(n *node, inner scope) *node {
	n.subs = []*node{p.branches(inner)}
	if !p.accept(')') {
		p.fail("missing ), unterminated subpattern")
	}
	return n
}

func (p *parser) captured(name string, inner scope) *node {
	g := len(p.widths)
	p.widths, p.mostWidths = append(p.widths, -1), append(p.mostWidths, -1)
	if name != "" {
		if p.names[name] != 0 {
			p.fail(fmt.Sprintf("redefinition of group name %q", name))
		}
		p.names[name] = g
	}
	n := p.closed(&node{kind: kGroup, group: g}, inner)
	p.widths[g], p.mostWidths[g] = p.widthOf(n.subs[0])
	return n
}

// until reads a name up to the closing mark.
func (p *parser) until(closing rune) string {
	var b strings.Builder
	for !p.next.is(closing) {
		if p.next.end {
			p.fail("missing " + string(closing) + ", unterminated name")
		}
		if p.next.escaped {
			b.WriteByte('\\')
		}
		b.WriteRune(p.take().r)
	}
	p.advance()
	if b.Len() == 0 {
		p.fail("missing name")
	}
	return b.String()
}

func (p *parser) named(inner scope) *node {
	switch c := p.get(); c {
	case '<':
		name := p.until('>')
		if !pyunicode.Identifier(name) {
			p.fail(fmt.Sprintf("bad character in group name %q", name))
		}
		return p.captured(name, inner)
	case '=':
		g, ok := p.names[p.until(')')]
		if !ok {
			p.fail("unknown group name")
		}
		return p.reference(g, inner.flags)
	default:
		p.fail("unknown extension ?P" + string(c))
		return nil
	}
}

// reference is the text of group g again, which must be closed by now.
func (p *parser) reference(g int, f flags) *node {
	if g >= len(p.widths) {
		p.fail(fmt.Sprintf("invalid group reference %d", g))
	}
	if p.widths[g] < 0 {
		p.fail("cannot refer to an open group")
	}
	p.checkBehindGroup(g)
	return &node{kind: kBackref, group: g, flags: f}
}

func (p *parser) checkBehindGroup(g int) {
	if p.behindFrom == 0 {
		return
	}
	if g >= len(p.widths) || p.widths[g] < 0 {
		p.fail("cannot refer to an open group")
	}
	if g >= p.behindFrom {
		p.fail("cannot refer to group defined in the same lookbehind subpattern")
	}
}

func (p *parser) lookBehind(inner scope) *node {
	c := p.get()
	if c != '=' && c != '!' {
		p.fail("unknown extension ?<" + string(c))
	}
	outer := p.behindFrom
	if outer == 0 {
		p.behindFrom = len(p.widths)
	}
	n := p.closed(&node{kind: kLook, behind: true, not: c == '!'}, inner)
	p.behindFrom = outer
	return n
}

// condition reads "(?(name)yes|no)" from behind the name's parenthesis.
func (p *parser) condition(inner scope) *node {
	name := p.until(')')
	g, ok := p.names[name]
	if !pyunicode.Identifier(name) {
		g, ok = p.number(name), true
	}
	if !ok {
		p.fail(fmt.Sprintf("unknown group name %q", name))
	}
	p.checkBehindGroup(g)
	n := &node{kind: kCond, group: g, subs: []*node{cat(p.sequence(inner, false)...), cat()}}
	if p.accept('|') {
		n.subs[1] = cat(p.sequence(inner, false)...)
		if p.next.is('|') {
			p.fail("conditional backref with more than two branches")
		}
	}
	if !p.accept(')') {
		p.fail("missing ), unterminated subpattern")
	}
	return n
}

// number is int(name): Python takes white space around, a plus, underscores between digits, and digits of any script.
func (p *parser) number(name string) int {
	digits := strings.TrimPrefix(strings.TrimFunc(name, pyunicode.Space.Has), "+")
	if strings.HasPrefix(digits, "_") || strings.HasSuffix(digits, "_") || strings.Contains(digits, "__") {
		p.fail(fmt.Sprintf("bad character in group name %q", name))
	}
	digits = strings.Map(func(r rune) rune {
		if v := pyunicode.DecimalValue(r); v >= 0 {
			return rune('0' + v)
		}
		return r
	}, strings.ReplaceAll(digits, "_", ""))
	g, err := strconv.ParseUint(digits, 10, 31)
	if err != nil || g == 0 {
		p.fail(fmt.Sprintf("bad character or number in group name %q", name))
	}
	if !slices.Contains(p.wanted, int(g)) {
		p.wanted = append(p.wanted, int(g))
	}
	return int(g)
}
