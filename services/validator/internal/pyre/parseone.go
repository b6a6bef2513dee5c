package pyre

// skipped passes over white space and comments of the flag x.
func (p *parser) skipped() bool {
	t := p.next
	switch {
	case t.escaped:
		return false
	case t.r == ' ' || '\t' <= t.r && t.r <= '\r':
		p.advance()
		return true
	case t.r != '#':
		return false
	}
	for !p.next.end && !p.next.is('\n') {
		p.advance()
	}
	if !p.next.end {
		p.advance()
	}
	return true
}

// one reads a single character, set or assertion.
func (p *parser) one(t token, at int, s scope) *node {
	f := p.in(s)
	switch {
	case t.escaped:
		return p.escape(t, f)
	case t.r == '[':
		return p.set(at, f)
	case t.r == '.' && f&flagS != 0:
		return &node{kind: kSet, set: everything, flags: f, items: []item{{lo: 0, hi: maxRune}}}
	case t.r == '.':
		return &node{kind: kSet, set: single('\n').not(), flags: f, not: true, items: []item{{lo: '\n', hi: '\n'}}}
	case t.r == '^' && f&flagM != 0:
		return &node{kind: kAssert, place: lineStart, flags: f}
	case t.r == '^':
		return &node{kind: kAssert, place: textStart, flags: f}
	case t.r == '$' && f&flagM != 0:
		return &node{kind: kAssert, place: lineEnd, flags: f, fromDollar: true}
	case t.r == '$':
		return &node{kind: kAssert, place: dollar, flags: f, fromDollar: true}
	}
	return &node{kind: kSet, items: []item{{lo: t.r, hi: t.r}}, flags: f}
}
