package gx

import "fmt"

// parser reads a condition with Python's precedences, as pandas does: & and | bind like "and" and "or" around comparisons.
type parser struct {
	lex   lexer
	cur   lexeme
	depth int
}

// parseQuery reads a condition in the grammar of DataFrame.query: comparisons (chained too), and, or, not, &, |, ~, in,
// not in, arithmetic, lists, isnull() and notnull(). An error says where the text stops making sense.
func parseQuery(src string) (*node, error) {
	p := &parser{lex: lexer{src: src}}
	if err := p.advance(); err != nil {
		return nil, err
	}
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.cur.kind != 0 {
		return nil, fmt.Errorf("unexpected %q at byte %d", src[p.cur.at:], p.cur.at)
	}
	return n, nil
}

func (p *parser) advance() (err error) {
	p.cur, err = p.lex.next()
	return err
}

func (p *parser) is(texts ...string) bool {
	if p.cur.kind != 'o' && p.cur.kind != 'w' {
		return false
	}
	for _, t := range texts {
		if p.cur.text == t {
			return true
		}
	}
	return false
}

// chain reads operands of next with any of ops between them.
func (p *parser) chain(op string, next func() (*node, error), spelt ...string) (*node, error) {
	left, err := next()
	for err == nil && p.is(spelt...) {
		if err = p.advance(); err != nil {
			break
		}
		var right *node
		right, err = next()
		left = &node{op: op, args: []*node{left, right}}
	}
	return left, err
}

func (p *parser) or() (*node, error)  { return p.chain("or", p.and, "or", "|") }
func (p *parser) and() (*node, error) { return p.chain("and", p.not, "and", "&") }

func (p *parser) not() (*node, error) {
	if !p.is("not") {
		return p.comparison()
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.depth++; p.depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	n, err := p.not()
	p.depth--
	return &node{op: "not", args: []*node{n}}, err
}

func (p *parser) comparison() (*node, error) {
	left, err := p.sum()
	if err != nil {
		return nil, err
	}
	var all *node
	for {
		op, err := p.compareOp()
		if err != nil || op == "" {
			if all == nil {
				all = left
			}
			return all, err
		}
		right, err := p.sum()
		if err != nil {
			return nil, err
		}
		one := &node{op: op, args: []*node{left, right}}
		if all == nil {
			all = one
		} else {
			all = &node{op: "and", args: []*node{all, one}}
		}
		left = right
	}
}

func (p *parser) compareOp() (string, error) {
	op := p.cur.text
	switch {
	case p.is("==", "!=", "<", "<=", ">", ">=", "in"):
		return op, p.advance()
	case p.is("not"):
		if err := p.advance(); err != nil {
			return "", err
		}
		if !p.is("in") {
			return "", fmt.Errorf("expected \"in\" after \"not\" at byte %d", p.cur.at)
		}
		return "not in", p.advance()
	}
	return "", nil
}

func (p *parser) sum() (*node, error) {
	left, err := p.product()
	for err == nil && p.is("+", "-") {
		op := p.cur.text
		if err = p.advance(); err == nil {
			var right *node
			right, err = p.product()
			left = &node{op: op, args: []*node{left, right}}
		}
	}
	return left, err
}

func (p *parser) product() (*node, error) {
	left, err := p.unary()
	for err == nil && p.is("*", "/", "//", "%") {
		op := p.cur.text
		if err = p.advance(); err == nil {
			var right *node
			right, err = p.unary()
			left = &node{op: op, args: []*node{left, right}}
		}
	}
	return left, err
}

func (p *parser) unary() (*node, error) {
	if !p.is("-", "+", "~") {
		return p.postfix()
	}
	op := p.cur.text
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.depth++; p.depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	n, err := p.unary()
	p.depth--
	switch op {
	case "-":
		n = &node{op: "neg", args: []*node{n}}
	case "~":
		n = &node{op: "not", args: []*node{n}}
	}
	return n, err
}

func (p *parser) postfix() (*node, error) {
	n, err := p.atom()
	for err == nil && p.is(".") {
		if err = p.advance(); err != nil {
			break
		}
		name := p.cur.text
		switch name {
		case "isnull", "isna", "notnull", "notna":
		default:
			return nil, fmt.Errorf("the method %q at byte %d is not supported in a condition; use isnull or notnull", name, p.cur.at)
		}
		for _, want := range []string{name, "(", ")"} {
			if !p.is(want) {
				return nil, fmt.Errorf("expected %q at byte %d", want, p.cur.at)
			}
			if err = p.advance(); err != nil {
				return nil, err
			}
		}
		op := "notnull"
		if name[0] == 'i' {
			op = "isnull"
		}
		n = &node{op: op, args: []*node{n}}
	}
	return n, err
}
