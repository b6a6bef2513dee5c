package gx

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// parameters puts values in place of {"$PARAMETER": …}: a name, or arithmetic over names and numbers.
func (p *Plan) parameters(kwargs Object) (Object, error) {
	out := make(Object, 0, len(kwargs))
	for _, m := range kwargs {
		o, ok := m.Value.(Object)
		raw, isParameter := o.Get("$PARAMETER")
		if !ok || !isParameter {
			out = append(out, m)
			continue
		}
		expression := fmt.Sprint(raw)
		if own, ok := o.Get("$PARAMETER." + expression); ok { // a value for trying out stands beside the name
			out = append(out, Member{m.Name, own})
			continue
		}
		v, err := p.parameter(expression)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		out = append(out, Member{m.Name, v})
	}
	return out, nil
}

// value is what a parameter of that name is: given with the options, or with the suite.
func (p *Plan) value(name string) (any, bool) {
	if v, ok := p.options.Parameters[name]; ok {
		return plain(v), true
	}
	return p.suite.Parameters.Get(name)
}

// plain makes one kind of Go's numbers.
func plain(v any) any {
	switch v := v.(type) {
	case int:
		return int64(v)
	case int32:
		return int64(v)
	case float32:
		return float64(v)
	}
	return v
}

func (p *Plan) parameter(expression string) (any, error) {
	if v, ok := p.value(strings.TrimSpace(expression)); ok {
		return v, nil
	}
	c := &calculator{text: expression, value: p.value, now: p.options.now()}
	if bare := strings.TrimSpace(expression); bare != "" && !strings.ContainsAny(bare, "+-*/^() ") {
		return nil, fmt.Errorf("No value found for $PARAMETER %s", bare) // a number by itself is no expression
	}
	v, err := c.sum(0)
	if err != nil {
		return nil, err
	}
	if c.skip(); c.at < len(c.text) {
		return nil, fmt.Errorf("Parse Failure: the parameter %q does not go on at byte %d", expression, c.at)
	}
	return plainResult(v)
}

// calculator evaluates the arithmetic that GX allows in a parameter. Whole numbers stay whole but for / as in Python.
type calculator struct {
	text  string
	at    int
	value func(name string) (any, bool)
	now   time.Time
}

func (c *calculator) skip() {
	for c.at < len(c.text) && c.text[c.at] == ' ' {
		c.at++
	}
}

// take reads one of the characters, or returns 0.
func (c *calculator) take(any string) byte {
	if c.skip(); c.at < len(c.text) && strings.IndexByte(any, c.text[c.at]) >= 0 {
		c.at++
		return c.text[c.at-1]
	}
	return 0
}

func (c *calculator) sum(depth int) (any, error) {
	return c.chain(depth, "+-", func() (any, error) { return c.chain(depth, "*/", func() (any, error) { return c.power(depth) }) })
}

func (c *calculator) chain(_ int, ops string, next func() (any, error)) (any, error) {
	x, err := next()
	for err == nil {
		op := c.take(ops)
		if op == 0 {
			return x, nil
		}
		var y any
		if y, err = next(); err == nil {
			x, err = operate(op, x, y)
		}
	}
	return nil, err
}

func (c *calculator) power(depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("the parameter %q is nested too deeply", c.text)
	}
	x, err := c.signed(depth)
	if err != nil || c.take("^") == 0 {
		return x, err
	}
	y, err := c.power(depth + 1)
	if err != nil {
		return nil, err
	}
	return operate('^', x, y)
}

// signed is an atom with its signs, which bind closer than ^ here: -2^2 is 4.
func (c *calculator) signed(depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("the parameter %q is nested too deeply", c.text)
	}
	switch c.take("+-") {
	case '+':
		return c.signed(depth + 1)
	case '-':
		x, err := c.signed(depth + 1)
		if err != nil {
			return nil, err
		}
		if d, ok := x.(span); ok {
			return -d, nil
		}
		return operate('-', int64(0), x)
	}
	return c.atom(depth)
}

func (c *calculator) atom(depth int) (any, error) {
	if c.take("(") != 0 {
		x, err := c.sum(depth + 1)
		if err == nil && c.take(")") == 0 {
			err = fmt.Errorf("Parse Failure: the parameter %q lacks a )", c.text)
		}
		return x, err
	}
	c.skip()
	from := c.at
	for c.at < len(c.text) && (isWord(c.text[c.at]) || c.text[c.at] == '.' && c.at > from) {
		c.at++
	}
	word := c.text[from:c.at]
	if n, err := strconv.ParseInt(word, 10, 64); err == nil {
		return n, nil
	}
	if f, err := strconv.ParseFloat(word, 64); err == nil && word[0] < 'A' {
		return f, nil
	}
	if c.take("(") != 0 {
		return c.call(word, depth)
	}
	if v, ok := c.value(word); ok {
		return operand(v, c.now)
	}
	switch strings.ToUpper(word) {
	case "PI":
		return math.Pi, nil
	case "E":
		return math.E, nil
	}
	return nil, fmt.Errorf("No value found for $PARAMETER %s", word)
}

func isWord(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_' || b == '$'
}

func operate(op byte, a, b any) (any, error) {
	if v, ok := shift(op, a, b); ok {
		return v, nil
	}
	x, okX := toFloat(a)
	y, okY := toFloat(b)
	if !okX || !okY {
		return nil, fmt.Errorf("Error while evaluating suite parameter expression: %v %c %v", a, op, b)
	}
	m, intX := a.(int64)
	n, intY := b.(int64)
	whole := intX && intY
	switch {
	case op == '+' && whole:
		return m + n, nil
	case op == '-' && whole:
		return m - n, nil
	case op == '*' && whole:
		return m * n, nil
	case op == '/' && y == 0:
		return nil, fmt.Errorf("Error while evaluating suite parameter expression: division by zero")
	case op == '^' && whole && n >= 0 && math.Abs(math.Pow(x, y)) < 1<<53:
		return int64(math.Pow(x, y)), nil
	}
	return map[byte]float64{'+': x + y, '-': x - y, '*': x * y, '/': x / y, '^': math.Pow(x, y)}[op], nil
}
