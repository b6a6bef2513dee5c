package pyre

import (
	"math"
	"strconv"
)

// maxRepeat is where Python says that a number of repetitions is too large.
const maxRepeat = math.MaxUint32

// repeat applies a quantifier to the last of out. A brace that begins none is a letter.
func (p *parser) repeat(t token, out []*node, s scope) []*node {
	lo, hi := 0, unlimited
	switch t.r {
	case '?':
		hi = 1
	case '+':
		lo = 1
	case '{':
		var ok bool
		if lo, hi, ok = p.counts(); !ok {
			return append(out, &node{kind: kSet, items: []item{{lo: '{', hi: '{'}}, flags: p.in(s)})
		}
	}
	if len(out) == 0 || out[len(out)-1].kind == kAssert {
		p.fail("nothing to repeat")
	}
	last := out[len(out)-1]
	if last.kind == kRepeat {
		p.fail("multiple repeat")
	}
	n := &node{kind: kRepeat, subs: []*node{last}, min: lo, max: hi}
	switch {
	case p.accept('?'):
		n.greed = lazy
	case p.accept('+'):
		n.greed = possessive
	}
	out[len(out)-1] = n
	return out
}

// counts reads what follows "{": "3}", "3,}", ",5}" or "3,5}". If it is none of these, nothing is read.
func (p *parser) counts() (lo, hi int, ok bool) {
	here := p.tell()
	if p.next.is('}') {
		return 0, 0, false
	}
	lo, hi = 0, unlimited
	least := p.digits()
	most := least
	if p.accept(',') {
		most = p.digits()
	}
	if !p.accept('}') {
		p.seek(here)
		return 0, 0, false
	}
	if least != "" {
		lo = p.count(least)
	}
	if most != "" {
		if hi = p.count(most); hi < lo {
			p.fail("min repeat greater than max repeat")
		}
	}
	return lo, hi, true
}

func (p *parser) digits() string {
	from := p.tell()
	n := 0
	for !p.next.end && !p.next.escaped && '0' <= p.next.r && p.next.r <= '9' {
		p.advance()
		n++
	}
	return string(p.text[from : from+n])
}

func (p *parser) count(digits string) int {
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || n >= maxRepeat {
		p.fail("the repetition number is too large")
	}
	return int(n)
}

// endless is a width without a bound.
const endless = math.MaxInt64

func times(width, n int) int {
	if width == 0 || n == 0 {
		return 0
	}
	if n == unlimited || width > endless/n {
		return endless
	}
	return width * n
}

func plus(a, b int) int {
	if a > endless-b {
		return endless
	}
	return a + b
}

// widthOf is the least and the most characters that n can match.
func (p *parser) widthOf(n *node) (least, most int) {
	switch n.kind {
	case kSet:
		return 1, 1
	case kLook, kAssert, kNothing:
		return 0, 0
	case kBackref:
		return p.widths[n.group], p.mostWidths[n.group]
	case kAlt, kCond:
		return p.eitherWidth(n.subs)
	case kRepeat:
		least, most = p.widthOf(n.subs[0])
		return times(least, n.min), times(most, n.max)
	}
	for _, s := range n.subs {
		l, m := p.widthOf(s)
		least, most = plus(least, l), plus(most, m)
	}
	return least, most
}

func (p *parser) eitherWidth(subs []*node) (least, most int) {
	least = endless
	for _, s := range subs {
		l, m := p.widthOf(s)
		least, most = min(least, l), max(most, m)
	}
	return least, most
}

// checkBehind refuses a look-behind that may be of several widths, and notes the width of the others.
func (p *parser) checkBehind(n *node) {
	if n.kind == kLook && n.behind {
		least, most := p.widthOf(n.subs[0])
		if least != most {
			p.fail("look-behind requires fixed-width pattern")
		}
		n.width = least
	}
	for _, s := range n.subs {
		p.checkBehind(s)
	}
}
