package gx

import (
	"fmt"
	"math"
)

// numeric works out arithmetic over columns of numbers.
func numeric(n *node, p *pass) ([]float64, mask, error) {
	if lit, ok := constant(n); ok {
		f, isNumber := numberOf(lit)
		if !isNumber {
			return nil, nil, fmt.Errorf("the row condition calculates with %s, which is no number", appendJSON(nil, lit))
		}
		out := make([]float64, p.n)
		for i := range out {
			out[i] = f
		}
		return out, nil, nil
	}
	switch n.op {
	case "col":
		v, err := column(n, p)
		if err != nil {
			return nil, nil, err
		}
		if !numericClass(v.class) {
			return nil, nil, fmt.Errorf("the row condition compares or calculates with the column %q, which has another type", n.value)
		}
		return v.numbers(), v.present, nil
	case "neg":
		x, there, err := numeric(n.args[0], p)
		out := make([]float64, len(x))
		for i := range x {
			out[i] = -x[i]
		}
		return out, there, err
	case "+", "-", "*", "/", "//", "%":
		return arithmetic(n, p)
	}
	return nil, nil, fmt.Errorf("the row condition has %q where a number is needed", n.op)
}

func arithmetic(n *node, p *pass) ([]float64, mask, error) {
	x, xThere, err := numeric(n.args[0], p)
	if err != nil {
		return nil, nil, err
	}
	y, yThere, err := numeric(n.args[1], p)
	if err != nil {
		return nil, nil, err
	}
	out := make([]float64, p.n)
	for i := range out {
		out[i] = calculate(n.op, x[i], y[i])
	}
	return out, xThere.and(yThere).and(noNaN(out)), nil
}

func calculate(op string, x, y float64) float64 {
	switch op {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	case "/":
		return x / y
	case "//":
		return math.Floor(x / y)
	}
	return x - y*math.Floor(x/y)
}
