package gx

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

func (c *calculator) call(name string, depth int) (any, error) {
	args, named, err := c.arguments(depth)
	if err != nil {
		return nil, err
	}
	if v, ok, err := c.made(name, args, named); ok {
		return v, err
	}
	if name == "round" && len(args) == 2 {
		return c.rounded(args)
	}
	if len(args) != 1 || len(named) > 0 {
		return nil, fmt.Errorf("the parameter %q calls %s with %d arguments; it takes one", c.text, name, len(args)+len(named))
	}
	x := args[0]
	f, ok := toFloat(x)
	if !ok {
		return nil, fmt.Errorf("the parameter %q calculates with something that is no number", c.text)
	}
	switch name {
	case "sin":
		return math.Sin(f), nil
	case "cos":
		return math.Cos(f), nil
	case "tan":
		return math.Tan(f), nil
	case "exp":
		return math.Exp(f), nil
	case "trunc":
		return int64(f), nil
	case "round":
		return int64(math.RoundToEven(f)), nil
	case "sgn":
		return int64(bit(f > 1e-12)) - int64(bit(f < -1e-12)), nil
	case "abs":
		if n, ok := x.(int64); ok {
			return max(n, -n), nil
		}
		return math.Abs(f), nil
	}
	return nil, fmt.Errorf("the parameter %q calls %s, which is not supported; there are sin, cos, tan, exp, abs, trunc, round, sgn, now, datetime, timedelta", c.text, name)
}

// rounded is round with a number of digits, by the value's exact decimals, halves to even.
func (c *calculator) rounded(args []any) (any, error) {
	f, isNumber := toFloat(args[0])
	digits, whole := args[1].(int64)
	if !isNumber || !whole || digits < 0 || digits > 300 {
		return nil, fmt.Errorf("the parameter %q rounds something that is no number, or to digits that are no whole number from 0 to 300", c.text)
	}
	if n, isInt := args[0].(int64); isInt {
		return n, nil
	}
	return strconv.ParseFloat(strconv.FormatFloat(f, 'f', int(digits), 64), 64)
}

// arguments reads what stands in the parentheses of a call: values, or names with values.
func (c *calculator) arguments(depth int) (args []any, named Object, err error) {
	if c.take(")") != 0 {
		return nil, nil, nil
	}
	for {
		name := c.keyword()
		v, err := c.sum(depth + 1)
		if err != nil {
			return nil, nil, err
		}
		if name != "" {
			named.Set(name, v)
		} else {
			args = append(args, v)
		}
		switch c.take(",)") {
		case ')':
			if len(args) > 0 && len(named) > 0 {
				return nil, nil, fmt.Errorf("Parse Failure: the parameter %q mixes arguments with and without names", c.text)
			}
			return args, named, nil
		case 0:
			return nil, nil, fmt.Errorf("Parse Failure: the parameter %q lacks a )", c.text)
		}
	}
}

// keyword reads a name and the equals sign behind it, if they come next.
func (c *calculator) keyword() string {
	c.skip()
	rest := c.text[c.at:]
	n := 0
	for n < len(rest) && (isWord(rest[n]) && (rest[n] < '0' || rest[n] > '9')) {
		n++
	}
	after := strings.TrimLeft(rest[n:], " ")
	if n == 0 || !strings.HasPrefix(after, "=") {
		return ""
	}
	c.at = len(c.text) - len(after) + 1
	return rest[:n]
}
