package gbnf

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// op is what an element is.
type op uint8

const (
	opEnd    op = iota // the alternative's end
	opByte             // arg is a set of bytes
	opRule             // arg is a rule
	opAccept           // the whole grammar's end
)

// elem is one element of the compiled grammar.
type elem struct {
	op  op
	arg int32
}

// rule is alternatives, each the index of its first element.
type rule struct {
	name string // as in the text; empty: made by the compiler
	at   int    // where in the text it is defined, or else first named; -1 for a made one
	alts []int32
	// rest is the rule at the end of a repetition's first alternative, 0 where the rule is no repetition. Coming to it
	// without having read anything adds nothing, so it does not count as left recursion.
	rest int32
}

// parser turns text into elements.
type parser struct {
	scanner
	elems   []elem
	rules   []rule // the first is none
	names   map[string]int32
	sets    []set
	setIDs  map[set]int32
	classes map[string]elem // by its ranges
	depth   int
}

// Parse reads a grammar. The error is a *SyntaxError.
func Parse(text string) (g *Grammar, err error) {
	defer func() {
		if v := recover(); v != nil {
			e, ok := v.(*SyntaxError)
			if !ok {
				panic(v)
			}
			g, err = nil, e
		}
	}()
	p := &parser{scanner: scanner{text: text}, names: map[string]int32{}, rules: make([]rule, 1), setIDs: map[set]int32{}, classes: map[string]elem{}}
	switch i := strings.IndexByte(text, 0); {
	case len(text) > MaxText:
		p.fail(0, "the grammar has %d bytes; at most %d are allowed", len(text), MaxText)
	case i >= 0:
		p.fail(i, `a NUL byte: write it as \x00 within a literal or a class`)
	case !utf8.ValidString(text):
		p.fail(0, "the grammar is not valid UTF-8")
	}
	p.emit(elem{op: opAccept})
	p.space(true)
	for p.peek() != 0 {
		p.rule()
	}
	return p.finish(), nil
}

func (p *parser) emit(e elem) {
	if len(p.elems) >= MaxElements {
		p.fail(p.pos, "the grammar is too large: up to here it has more than %d elements, repetitions counted out", MaxElements)
	}
	p.elems = append(p.elems, e)
}

// add makes a rule of the given alternatives.
func (p *parser) add(alts ...[]elem) elem {
	p.rules = append(p.rules, rule{at: -1})
	id := int32(len(p.rules) - 1)
	p.define(id, alts)
	return elem{opRule, id}
}

func (p *parser) define(id int32, alts [][]elem) {
	for _, alt := range alts {
		p.rules[id].alts = append(p.rules[id].alts, int32(len(p.elems)))
		for _, e := range alt {
			p.emit(e)
		}
		p.emit(elem{op: opEnd})
	}
}

// ref returns the element that names a rule, which may be defined later.
func (p *parser) ref(name string, at int) elem {
	id, ok := p.names[name]
	if !ok {
		id = int32(len(p.rules))
		p.names[name] = id
		p.rules = append(p.rules, rule{name: name, at: at})
	}
	return elem{opRule, id}
}

// rule reads "name ::= alternatives" to the line's end.
func (p *parser) rule() {
	at := p.pos
	name := p.word()
	p.space(false)
	if !strings.HasPrefix(p.text[p.pos:], "::=") {
		p.fail(p.pos, `"::=" is expected after the rule's name %s, not %s`, name, p.found())
	}
	p.pos += len("::=")
	p.space(true)
	id := p.ref(name, at).arg
	if len(p.rules[id].alts) > 0 {
		p.fail(at, "the rule %s is defined twice", name)
	}
	p.rules[id].at = at
	p.define(id, p.alternatives(false))
	if c := p.peek(); c != '\n' && c != '\r' && c != 0 {
		p.fail(p.pos, "%s does not fit here: an element or the end of the rule %s is expected", p.found(), name)
	}
	p.space(true)
}

func (p *parser) alternatives(nested bool) [][]elem {
	alts := [][]elem{p.sequence(nested)}
	for p.peek() == '|' {
		p.pos++
		p.space(true)
		alts = append(alts, p.sequence(nested))
	}
	return alts
}

func (p *parser) sequence(nested bool) []elem {
	var out []elem
	last := -1 // where the item begins that a repetition would repeat
	for {
		start := p.pos
		if item, ok := p.item(); ok {
			last = len(out)
			out = append(out, item...)
		} else if low, high, ok := p.repetition(nested); ok {
			if last < 0 {
				p.fail(start, "there is nothing before %q that it could repeat", p.text[start:start+1])
			}
			out = append(out[:last], p.repeat(slices.Clone(out[last:]), low, high)...)
		} else {
			return out
		}
		if len(out) > MaxElements {
			p.fail(start, "the grammar is too large: this rule has more than %d elements", MaxElements)
		}
		p.space(nested)
	}
}

// item reads what can be repeated: a literal, a class, a name or a group.
func (p *parser) item() ([]elem, bool) {
	switch c := p.peek(); {
	case c == '"':
		var out []elem
		for _, b := range p.literal() {
			var s set
			s.add(b, b)
			out = append(out, p.bytes(s))
		}
		return out, true
	case c == '[':
		return []elem{p.chars(p.class())}, true
	case c == '.':
		p.pos++
		return []elem{p.chars(anyChar)}, true
	case c == '(':
		return []elem{p.group()}, true
	case c == '<' || c == '!':
		p.fail(p.pos, "references to tokens (<name>, <[id]>) are not supported: write the text as a literal")
	case isWord(c):
		at := p.pos
		return []elem{p.ref(p.word(), at)}, true
	}
	return nil, false
}

func (p *parser) group() elem {
	open := p.pos
	if p.depth++; p.depth > MaxNesting {
		p.fail(open, "parentheses are nested more than %d deep", MaxNesting)
	}
	p.pos++
	p.space(true)
	alts := p.alternatives(true)
	if p.peek() != ')' {
		p.fail(p.pos, "')' is expected, not %s", p.found())
	}
	p.pos++
	p.depth--
	return p.add(alts...)
}

func (p *parser) bytes(s set) elem {
	id, ok := p.setIDs[s]
	if !ok {
		id = int32(len(p.sets))
		p.setIDs[s] = id
		p.sets = append(p.sets, s)
	}
	return elem{opByte, id}
}

// chars returns the element of a class: a set of bytes where it is ASCII, else a rule that spells its characters.
func (p *parser) chars(r ranges) elem {
	var key strings.Builder
	for _, s := range r {
		key.WriteString(string([]rune{s.lo, s.hi}))
	}
	if e, ok := p.classes[key.String()]; ok {
		return e
	}
	rows := r.sequences()
	var e elem
	if len(rows) == 1 && len(rows[0]) == 1 {
		e = p.bytes(rows[0][0])
	} else {
		alts := make([][]elem, len(rows))
		for i, row := range rows {
			for _, s := range row {
				alts[i] = append(alts[i], p.bytes(s))
			}
		}
		e = p.add(alts...)
	}
	p.classes[key.String()] = e
	return e
}

// finish checks the rules against each other and makes the grammar.
func (p *parser) finish() *Grammar {
	root, ok := p.names["root"]
	if !ok {
		p.fail(0, "the grammar has no rule named root: matching starts there")
	}
	for _, r := range p.rules[1:] {
		if len(r.alts) == 0 {
			p.fail(r.at, "the rule %s is used here but defined nowhere", r.name)
		}
	}
	g := &Grammar{elems: p.elems, rules: p.rules, root: root, nullable: nullable(p.elems, p.rules)}
	g.order = p.leftOrder(g.nullable)
	g.alphabet(p.sets)
	if err := g.begin(); err != nil {
		p.fail(p.rules[root].at, "%s", err)
	}
	return g
}

var errAmbiguous = errors.New("the grammar allows too much at once already at its start")
