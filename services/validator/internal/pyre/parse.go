package pyre

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// SyntaxError is a pattern that cannot be compiled: why, and at which character of it, counted from 0.
type SyntaxError struct {
	Pattern, Reason string
	At              int
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("regular expression %q: %s at position %d; correct the pattern", e.Pattern, e.Reason, e.At)
}

// maxNesting bounds groups in groups; Python's own limit is its stack, a little deeper.
const maxNesting = 400

// token is one character of the pattern, or an escaped one.
type token struct {
	r       rune
	escaped bool
	end     bool
}

func (t token) is(r rune) bool { return t.r == r && !t.escaped && !t.end }

type parser struct {
	pattern string
	text    []rune
	index   int // behind next
	next    token

	flags      flags // the whole pattern's
	widths     []int // width of each group that is closed, else -1; group 0 is open. A pair: least and most.
	mostWidths []int
	names      map[string]int
	behindFrom int   // groups from here on belong to the look-behind that is being read; 0: none
	wanted     []int // groups that conditions name by number
}

// parse reads a str pattern as Python 3.11 reads it, or refuses it where Python does.
func parse(pattern string) (root *node, p *parser, err error) {
	if !utf8.ValidString(pattern) {
		return nil, nil, &SyntaxError{Pattern: pattern, Reason: "the pattern is not UTF-8"}
	}
	p = &parser{pattern: pattern, text: []rune(pattern), widths: []int{-1}, mostWidths: []int{-1}, names: map[string]int{}}
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *SyntaxError:
			err = e
		default:
			panic(e)
		}
	}()
	p.advance()
	root = p.branches(scope{})
	if !p.next.end {
		p.fail("unbalanced parenthesis")
	}
	for _, g := range p.wanted {
		if g >= len(p.widths) {
			p.fail(fmt.Sprintf("invalid group reference %d", g))
		}
	}
	p.checkBehind(root)
	root.resolve()
	return root, p, nil
}

func (p *parser) fail(reason string) {
	panic(&SyntaxError{Pattern: p.pattern, Reason: reason, At: min(p.index, len(p.text))})
}

func (p *parser) advance() {
	if p.index >= len(p.text) {
		p.next = token{end: true}
		return
	}
	p.next = token{r: p.text[p.index]}
	p.index++
	if p.next.r != '\\' {
		return
	}
	if p.index >= len(p.text) {
		p.fail("bad escape (end of pattern)")
	}
	p.next = token{r: p.text[p.index], escaped: true}
	p.index++
}

func (p *parser) take() token {
	t := p.next
	p.advance()
	return t
}

// get takes a token that must be there, unescaped.
func (p *parser) get() rune {
	if p.next.end || p.next.escaped {
		p.fail("unexpected end of pattern or escape")
	}
	return p.take().r
}

func (p *parser) accept(r rune) bool {
	if !p.next.is(r) {
		return false
	}
	p.advance()
	return true
}

func (p *parser) tell() int {
	switch {
	case p.next.end:
		return p.index
	case p.next.escaped:
		return p.index - 2
	}
	return p.index - 1
}

func (p *parser) seek(at int) {
	p.index = at
	p.advance()
}

// scope is what holds in the group that is being read; depth 0 is the pattern itself, whose flags may still come.
type scope struct {
	flags flags
	depth int
}

func (p *parser) in(s scope) flags {
	if s.depth == 0 {
		return p.flags
	}
	return s.flags
}

func (p *parser) branches(s scope) *node {
	if s.depth > maxNesting {
		p.fail("groups are nested too deep")
	}
	var all [][]*node
	for {
		all = append(all, p.sequence(s, s.depth == 0 && len(all) == 0))
		if !p.accept('|') {
			break
		}
	}
	if len(all) == 1 {
		return &node{kind: kCat, subs: all[0]}
	}
	return joined(all)
}

// joined is an alternation, its common start taken out, and a set where each branch is one character: case folding treats a set
// and a lone letter differently, so this shows.
func joined(all [][]*node) *node {
	var head []*node
	for commonStart(all) {
		head = append(head, all[0][0])
		for i := range all {
			all[i] = all[i][1:]
		}
	}
	if !slices.ContainsFunc(all, func(b []*node) bool { return len(b) != 1 || b[0].kind != kSet || b[0].not }) {
		set := &node{kind: kSet, flags: all[0][0].flags}
		for _, b := range all {
			for _, it := range b[0].items {
				if !slices.Contains(set.items, it) {
					set.items = append(set.items, it)
				}
			}
		}
		return &node{kind: kCat, subs: append(head, set)}
	}
	alt := &node{kind: kAlt}
	for _, b := range all {
		alt.subs = append(alt.subs, cat(b...))
	}
	return &node{kind: kCat, subs: append(head, alt)}
}

func commonStart(all [][]*node) bool {
	return !slices.ContainsFunc(all, func(b []*node) bool { return len(b) == 0 || !b[0].same(all[0][0]) })
}

// sequence reads items up to "|", ")" or the end.
func (p *parser) sequence(s scope, first bool) []*node {
	var out []*node
	for !p.next.end && !p.next.is('|') && !p.next.is(')') {
		if p.in(s)&flagX != 0 && p.skipped() {
			continue
		}
		at := p.tell()
		t := p.take()
		switch {
		case !t.escaped && (t.r == '*' || t.r == '+' || t.r == '?' || t.r == '{'):
			out = p.repeat(t, out, s)
		case t.is('('):
			if n := p.group(s, first && len(out) == 0); n != nil {
				out = append(out, n)
			}
		default:
			out = append(out, p.one(t, at, s))
		}
	}
	return unwrapped(out)
}

// unwrapped replaces plain groups by what is in them.
func unwrapped(in []*node) []*node {
	var out []*node
	for _, n := range in {
		if n.kind == kGroup && n.group == 0 && n.flags == 0 {
			if inner := n.subs[0]; inner.kind == kCat {
				out = append(out, inner.subs...)
				continue
			}
		}
		out = append(out, n)
	}
	return out
}
