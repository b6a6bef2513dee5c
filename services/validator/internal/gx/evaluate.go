package gx

import (
	"bytes"
	"fmt"

	"github.com/leathq/leat/pkg/arrowio"
)

// truth works out a condition that is true or false of each row.
func truth(n *node, p *pass) (mask, error) {
	switch n.op {
	case "fail":
		return nil, fmt.Errorf("the row condition: %s", n.value)
	case "and", "or":
		a, err := truth(n.args[0], p)
		if err != nil {
			return nil, err
		}
		b, err := truth(n.args[1], p)
		if err != nil {
			return nil, err
		}
		if n.op == "and" {
			return a.and(b), nil
		}
		return a.or(b), nil
	case "not":
		a, err := truth(n.args[0], p)
		return a.not(p.n), err
	case "isnull", "notnull":
		v, err := column(n.args[0], p)
		if err != nil {
			return nil, err
		}
		if n.op == "notnull" {
			return v.present, nil
		}
		return v.present.not(p.n), nil
	case "in", "not in":
		return membership(n, p)
	case "==", "!=", "<", "<=", ">", ">=":
		return comparison(n, p)
	case "lit":
		if b, ok := n.value.(bool); ok {
			return decide(p.n, func(int) bool { return b }), nil
		}
	case "col":
		v, err := column(n, p)
		if err != nil {
			return nil, err
		}
		if v.class == isBool {
			return maskOf(v.column.Bools(), p.n).and(v.present), nil
		}
	}
	return nil, fmt.Errorf("the row condition has a part (%s) that is neither true nor false", n.op)
}

func column(n *node, p *pass) (*view, error) {
	if n.op != "col" {
		return nil, fmt.Errorf("the row condition asks for a column where it has %q", n.op)
	}
	i := p.batch.Schema().Index(n.value.(string))
	if i < 0 {
		return nil, fmt.Errorf("the row condition: name '%s' is not defined: there is no such column", n.value)
	}
	return p.view(i), nil
}

func membership(n *node, p *pass) (mask, error) {
	v, err := column(n.args[0], p)
	if err != nil {
		return nil, err
	}
	list := n.args[1]
	if list.op != "list" {
		list = &node{op: "list", args: []*node{list}}
	}
	var members []any
	for _, a := range list.args {
		c, ok := constant(a)
		if !ok {
			return nil, fmt.Errorf("the row condition: \"in\" needs a list of constants")
		}
		members = append(members, c)
	}
	in := newMembers(members).rows(v)
	if n.op == "in" {
		return in.and(v.present), nil
	}
	return in.and(v.present).not(p.n), nil
}

// constant is the value of a literal, with its sign.
func constant(n *node) (any, bool) {
	if n.op == "lit" {
		return n.value, true
	}
	if n.op != "neg" {
		return nil, false
	}
	switch v, _ := constant(n.args[0]); v := v.(type) {
	case int64:
		return -v, true
	case float64:
		return -v, true
	}
	return nil, false
}

// comparison compares numbers with numbers, texts with texts, points in time with texts that say one.
func comparison(n *node, p *pass) (mask, error) {
	a, b, op := n.args[0], n.args[1], n.op
	if b.op == "list" && (op == "==" || op == "!=") {
		return membership(&node{op: map[string]string{"==": "in", "!=": "not in"}[op], args: []*node{a, b}}, p)
	}
	if _, ok := constant(a); ok {
		a, b = b, a
		op = map[string]string{"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}[op]
	}
	if a.op == "col" {
		v, err := column(a, p)
		if err != nil {
			return nil, err
		}
		if lit, ok := constant(b); ok {
			return againstConstant(v, op, lit)
		}
		if b.op == "col" {
			w, err := column(b, p)
			if err != nil {
				return nil, err
			}
			if v.spelt() && w.spelt() {
				s, t := v.texts(), w.texts()
				return ordered(v.present.and(w.present), p.n, op, func(i int) int { return bytes.Compare(s.At(i), t.At(i)) }), nil
			}
		}
	}
	x, xThere, err := numeric(a, p)
	if err != nil {
		return nil, err
	}
	y, yThere, err := numeric(b, p)
	if err != nil {
		return nil, err
	}
	return ordered(xThere.and(yThere), p.n, op, func(i int) int { return compareFloats(x[i], y[i]) }), nil
}

func compareFloats(x, y float64) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// ordered decides each row of there by a comparison; all others are different from everything.
func ordered(there mask, n int, op string, compare func(i int) int) mask {
	m := decide(n, func(i int) bool {
		if !there.get(i) {
			return op == "!="
		}
		return holds(op, compare(i))
	})
	return m
}

func holds(op string, c int) bool {
	switch op {
	case "==":
		return c == 0
	case "!=":
		return c != 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

func againstConstant(v *view, op string, lit any) (mask, error) {
	s, isString := lit.(string)
	f, isNumber := numberOf(lit)
	switch {
	case v.class == isCategory && op != "==" && op != "!=", v.class == isStamp && isNumber:
		return nil, unlikeCondition(v, lit)
	case v.spelt() && isString:
		texts, want := v.texts(), []byte(s)
		return ordered(v.present, v.n, op, func(i int) int { return bytes.Compare(texts.At(i), want) }), nil
	case v.class == isStamp && isString && (op == "==" || op == "!="):
		break // pandas asks whether the text is one of the values, and it is none
	case v.class == isStamp && isString:
		want, aware, ok := instant(s)
		if !ok || aware != (v.column.Field().Type.Zone != "") {
			return nil, unlikeCondition(v, lit)
		}
		ints, unit := v.column.Int64s(), v.column.Field().Type.Unit
		if v.column.Kind() == arrowio.Date64 {
			unit = arrowio.Milli
		}
		return ordered(v.present, v.n, op, func(i int) int { return stamp{At: ints[i], Unit: unit}.time().Compare(want) }), nil
	case v.column.Kind() == arrowio.Int64 && isInt64(lit):
		ints, want := v.column.Int64s(), lit.(int64)
		return ordered(v.present, v.n, op, func(i int) int { return compareInts(ints[i], want) }), nil
	case numericClass(v.class) && isNumber:
		floats := v.numbers()
		return ordered(v.present, v.n, op, func(i int) int { return compareFloats(floats[i], f) }), nil
	}
	if op == "==" || op == "!=" {
		return decide(v.n, func(int) bool { return op == "!=" }), nil
	}
	return nil, unlikeCondition(v, lit)
}

func unlikeCondition(v *view, lit any) error {
	return fmt.Errorf("the row condition compares the column %q of %s with %s, which pandas does not do", v.column.Field().Name, v.column.Field().Type, appendJSON(nil, lit))
}

func isInt64(v any) bool { _, ok := v.(int64); return ok }

func compareInts(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func numericClass(c class) bool {
	return c == isInt || c == isUint || c == isBool || c == isFloat || c == isNumber
}
