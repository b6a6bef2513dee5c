package gx

import (
	"fmt"
)

func (p *parser) atom() (*node, error) {
	t := p.cur
	switch {
	case t.kind == 'n':
		return &node{op: "lit", value: t.num}, p.advance()
	case t.kind == 's':
		return &node{op: "lit", value: t.text}, p.advance()
	case t.kind == 'c':
		return &node{op: "col", value: t.text}, p.advance()
	case p.is("True", "False"):
		return &node{op: "lit", value: t.text == "True"}, p.advance()
	case p.is("None"):
		return &node{op: "lit"}, p.advance()
	case t.kind == 'w':
		return &node{op: "col", value: t.text}, p.advance()
	case p.is("(", "["):
		return p.bracket()
	}
	return nil, fmt.Errorf("the condition ends or has something unexpected at byte %d", t.at)
}

func (p *parser) bracket() (*node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	defer func() { p.depth-- }()
	closing, list := ")", p.cur.text == "["
	if list {
		closing = "]"
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	out := &node{op: "list"}
	for !p.is(closing) {
		n, err := p.or()
		if err != nil {
			return nil, err
		}
		out.args = append(out.args, n)
		if p.is(",") {
			list = true
			if err := p.advance(); err != nil {
				return nil, err
			}
		} else if !p.is(closing) {
			return nil, fmt.Errorf("expected %q at byte %d", closing, p.cur.at)
		}
	}
	if !list && len(out.args) == 1 {
		return out.args[0], p.advance()
	}
	return out, p.advance()
}
