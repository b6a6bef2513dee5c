package schema

import (
	"fmt"
	"strings"
)

// Part is a piece of a grammar: what a [Builder] makes and combines.
type Part struct {
	op       op
	text     string // literal: as it is; class: in GBNF; ref: the rule's name
	subs     []*Part
	min, max int // of a repetition; max −1 is no bound
}

type op byte

const (
	opText op = iota
	opClass
	opSeq
	opAlt
	opRepeat
	opRule
)

// Text matches itself.
func Text(s string) *Part { return &Part{op: opText, text: s} }

// Seq matches parts one after the other.
func Seq(parts ...*Part) *Part { return &Part{op: opSeq, subs: parts} }

// Alt matches one of the parts; of no parts nothing matches.
func Alt(parts ...*Part) *Part {
	if len(parts) == 1 {
		return parts[0]
	}
	return &Part{op: opAlt, subs: parts}
}

// Repeat matches a part from min to max times; a max of −1 is no bound.
func Repeat(p *Part, min, max int) *Part {
	return &Part{op: opRepeat, subs: []*Part{p}, min: min, max: max}
}

func maybe(p *Part) *Part    { return Repeat(p, 0, 1) }
func class(s string) *Part   { return &Part{op: opClass, text: s} }
func rule(name string) *Part { return &Part{op: opRule, text: name} }

// nothing is what no text matches.
func nothing() *Part { return &Part{op: opAlt} }

// ends finds the rules that some finite text matches: a repeated look until nothing new is found.
func (b *Builder) ends() map[string]bool {
	good := map[string]bool{}
	for again := true; again; {
		again = false
		for _, name := range b.order {
			if !good[name] && b.rules[name].ends(good) {
				good[name], again = true, true
			}
		}
	}
	return good
}

func (p *Part) ends(good map[string]bool) bool {
	switch p.op {
	case opSeq:
		for _, s := range p.subs {
			if !s.ends(good) {
				return false
			}
		}
		return true
	case opAlt:
		for _, s := range p.subs {
			if s.ends(good) {
				return true
			}
		}
		return false
	case opRepeat:
		return p.min == 0 || p.subs[0].ends(good)
	case opRule:
		return good[p.text]
	}
	return true
}

// pruned is the part without what leads nowhere: a model that took such a way could never end.
func (p *Part) pruned(good map[string]bool) *Part {
	switch p.op {
	case opText, opClass, opRule:
		return p
	case opRepeat:
		if !p.subs[0].ends(good) {
			return Text("")
		}
	}
	out := &Part{op: p.op, min: p.min, max: p.max}
	for _, s := range p.subs {
		if p.op != opAlt || s.ends(good) {
			out.subs = append(out.subs, s.pruned(good))
		}
	}
	if out.op == opAlt && len(out.subs) == 1 {
		return out.subs[0]
	}
	return out
}

// cost counts elements as an engine that unrolls repetitions does.
func (p *Part) cost() int {
	n := 1
	for _, s := range p.subs {
		n = min(n+s.cost(), maxCost+1)
	}
	if p.op == opRepeat {
		n = min(n*max(p.min, p.max, 1), maxCost+1)
	}
	return n
}

// Build writes the grammar whose root is a part. Its error, an [*Error], says that nothing can match, or that the grammar
// became too large.
func (b *Builder) Build(root *Part) (string, error) {
	good := b.ends()
	if b.turns() {
		return "", &Error{Keyword: "$ref", Message: "a '$ref' leads back to itself with nothing between."}
	}
	if !root.ends(good) {
		return "", &Error{Message: "no value can match it: something that is required contains itself without an end, or cannot be."}
	}
	var out strings.Builder
	cost := b.write(&out, "root", root.pruned(good))
	for _, name := range b.order {
		if good[name] {
			cost += b.write(&out, name, b.rules[name].pruned(good))
		}
	}
	if out.Len() > maxText || cost > maxCost {
		return "", &Error{Message: fmt.Sprintf("it makes a grammar of more than %d bytes or %d elements. Make it smaller; repetitions (maxItems, maxLength, {m,n}) count as often as they can happen.", maxText, maxCost)}
	}
	return out.String(), nil
}

// turns tells whether a rule can begin with itself. A rule counts as one that may be empty: where nothing but rules stand
// before, that finds more than there is, and JSON has no such place.
func (b *Builder) turns() bool {
	const open, done = 1, 2
	state := map[string]int{}
	var visit func(name string) bool
	visit = func(name string) bool {
		state[name] = open
		found := false
		b.rules[name].firsts(func(next string) {
			found = found || state[next] == open || state[next] == 0 && visit(next)
		})
		state[name] = done
		return found
	}
	for _, name := range b.order {
		if state[name] == 0 && visit(name) {
			return true
		}
	}
	return false
}

// firsts calls each for every rule that the part may begin with, and tells whether the part may be empty.
func (p *Part) firsts(each func(name string)) (empty bool) {
	switch p.op {
	case opText:
		return p.text == ""
	case opClass:
		return strings.HasSuffix(p.text, "?")
	case opRule:
		each(p.text)
		return true
	case opRepeat:
		return p.subs[0].firsts(each) || p.min == 0
	case opAlt:
		for _, s := range p.subs {
			empty = s.firsts(each) || empty
		}
		return empty
	}
	for _, s := range p.subs {
		if !s.firsts(each) {
			return false
		}
	}
	return true
}

func (b *Builder) write(out *strings.Builder, name string, p *Part) (cost int) {
	out.WriteString(name + " ::= ")
	p.write(out, false)
	out.WriteByte('\n')
	return p.cost()
}

// write appends the part; tight says that it must hold together beside a quantifier or in a sequence.
func (p *Part) write(out *strings.Builder, tight bool) {
	switch p.op {
	case opText:
		out.WriteString(quote(p.text))
		return
	case opClass, opRule:
		out.WriteString(p.text)
		return
	case opRepeat:
		p.subs[0].write(out, true)
		out.WriteString(p.quantifier())
		return
	}
	if len(p.subs) == 0 {
		out.WriteString(`""`)
		return
	}
	if tight {
		out.WriteByte('(')
	}
	for i, s := range p.subs {
		switch {
		case i == 0:
		case p.op == opAlt:
			out.WriteString(" | ")
		default:
			out.WriteByte(' ')
		}
		s.write(out, s.op == opAlt || s.op == opSeq && len(s.subs) > 0)
	}
	if tight {
		out.WriteByte(')')
	}
}

func (p *Part) quantifier() string {
	switch {
	case p.min == 0 && p.max == 1:
		return "?"
	case p.min == 0 && p.max < 0:
		return "*"
	case p.min == 1 && p.max < 0:
		return "+"
	case p.max < 0:
		return fmt.Sprintf("{%d,}", p.min)
	case p.min == p.max:
		return fmt.Sprintf("{%d}", p.min)
	}
	return fmt.Sprintf("{%d,%d}", p.min, p.max)
}

// quote writes a literal in GBNF.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\x%02X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
