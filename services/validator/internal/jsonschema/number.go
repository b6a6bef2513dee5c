package jsonschema

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/leathq/leat/services/validator/internal/pyjson"
)

func isNumber(v any) bool {
	switch v.(type) {
	case *big.Int, float64:
		return true
	}
	return false
}

// compare orders two numbers exactly, whatever their types; ok is false when one is not a number.
func compare(a, b any) (order int, ok bool) {
	x, xi := a.(*big.Int)
	y, yi := b.(*big.Int)
	switch {
	case xi && yi:
		return x.Cmp(y), true
	case xi:
		order, ok = compare(b, a)
		return -order, ok
	}
	f := a.(float64)
	if !yi {
		g := b.(float64)
		switch {
		case f < g:
			return -1, true
		case f > g:
			return 1, true
		}
		return 0, f == g
	}
	switch {
	case math.IsNaN(f):
		return 0, false
	case math.IsInf(f, 0):
		return int(math.Copysign(1, f)), true
	}
	return new(big.Rat).SetFloat64(f).Cmp(new(big.Rat).SetInt(y)), true
}

// multiple reports whether v is a multiple of d as Python decides it: by floating-point division where d is a float.
func multiple(v, d any) bool {
	f, isFloat := d.(float64)
	i, isInt := v.(*big.Int)
	switch {
	case !isFloat && isInt:
		return new(big.Int).Rem(i, d.(*big.Int)).Sign() == 0
	case !isFloat:
		n, _ := new(big.Float).SetInt(d.(*big.Int)).Float64()
		return math.Mod(v.(float64), n) == 0
	}
	var x float64
	if isInt {
		if x, _ = new(big.Float).SetInt(i).Float64(); math.IsInf(x, 0) {
			panic(raised{fmt.Errorf("multipleOf %v: the integer is too large for a float", f)})
		}
	} else {
		x = v.(float64)
	}
	switch q := x / f; {
	case math.IsNaN(q) || math.IsInf(x, 0):
		panic(raised{fmt.Errorf("multipleOf %v: the value is not a finite number", f)})
	case !math.IsInf(q, 0):
		return math.Trunc(q) == q
	}
	exact := new(big.Rat).Quo(new(big.Rat).SetFloat64(x), new(big.Rat).SetFloat64(f))
	return exact.IsInt()
}

// key writes a value so that two values are equal, as the library sees it, when their keys are: 1 and 1.0 are, true and 1 are not.
func key(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, 'n')
	case bool:
		return strconv.AppendBool(dst, v)
	case *big.Int:
		return v.Append(append(dst, '#'), 10)
	case float64:
		return floatKey(dst, v)
	case string:
		return strconv.AppendQuote(dst, v)
	case []any:
		dst = append(dst, '[')
		for _, e := range v {
			dst = append(key(dst, e), ',')
		}
		return append(dst, ']')
	}
	o := v.(*pyjson.Object)
	names := slices.Clone(o.Names)
	slices.Sort(names)
	dst = append(dst, '{')
	for _, n := range names {
		dst = append(strconv.AppendQuote(dst, n), ':')
		dst = append(key(dst, o.Values[n]), ',')
	}
	return append(dst, '}')
}

func floatKey(dst []byte, f float64) []byte {
	if math.Trunc(f) == f && !math.IsInf(f, 0) {
		i, _ := new(big.Float).SetFloat64(f).Int(nil)
		return i.Append(append(dst, '#'), 10)
	}
	return strconv.AppendFloat(append(dst, '~'), f, 'g', -1, 64)
}

func keyOf(v any) string { return string(key(nil, v)) }

// length is the number of code points, surrogates that stand alone among them.
func length(s string) int {
	n := 0
	for i := range len(s) {
		if s[i]&0xC0 != 0x80 {
			n++
		}
	}
	return n
}

func count(n int) *big.Int { return big.NewInt(int64(n)) }

// isType is the library's type check; in draft 4 a float is no integer, whatever its value.
func isType(v any, name string, d draft) bool {
	switch name {
	case "array":
		_, ok := v.([]any)
		return ok
	case "boolean":
		_, ok := v.(bool)
		return ok
	case "integer":
		if f, ok := v.(float64); ok {
			return d >= draft6 && math.Trunc(f) == f && !math.IsInf(f, 0)
		}
		_, ok := v.(*big.Int)
		return ok
	case "null":
		return v == nil
	case "number":
		return isNumber(v)
	case "object":
		_, ok := v.(*pyjson.Object)
		return ok
	case "string":
		_, ok := v.(string)
		return ok
	}
	panic(raised{fmt.Errorf("unknown type %q", strings.ToValidUTF8(name, "?"))})
}
