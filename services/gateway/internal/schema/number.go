package schema

import (
	"math/big"
	"slices"
	"strings"
)

// maxDigits bounds the whole part of numbers, so that a double holds every integer exactly.
const maxDigits = 15

// numeric matches a number within bounds. Bounds must be whole numbers.
func (c *compiler) numeric(v *value, integer bool, a at) *Part {
	if m := v.get("multipleOf"); m != nil && (!integer || m.kind != '0' || m.text != "1") {
		return c.unsupported(a, "multipleOf", "")
	}
	lo, above := c.bound(v, "minimum", "exclusiveMinimum", 1, integer, a)
	hi, below := c.bound(v, "maximum", "exclusiveMaximum", -1, integer, a)
	if c.err != nil {
		return nothing()
	}
	switch {
	case lo == nil && hi == nil && integer:
		return c.integer()
	case lo == nil && hi == nil:
		return c.number()
	}
	most := new(big.Int).Sub(new(big.Int).Exp(big.NewInt(10), big.NewInt(maxDigits), nil), big.NewInt(1))
	if lo == nil || lo.CmpAbs(most) > 0 && lo.Sign() < 0 {
		lo, above = new(big.Int).Neg(most), false
	}
	if hi == nil || hi.CmpAbs(most) > 0 && hi.Sign() > 0 {
		hi, below = most, false
	}
	return c.shared(within(lo, hi, above, below, integer))
}

// bound reads a limit and its exclusive form. For integers an exclusive one moves to the next, inwards.
func (c *compiler) bound(v *value, plain, exclusive string, inwards int64, integer bool, a at) (n *big.Int, open bool) {
	for _, key := range []string{plain, exclusive} {
		b := v.get(key)
		if b == nil {
			continue
		}
		f, ok := new(big.Rat).SetString(b.text)
		if b.kind != '0' || !ok || len(b.text) > 40 {
			c.fail(a, key, "'"+key+"' must be a number.")
			return nil, false
		}
		i := new(big.Int).Div(f.Num(), f.Denom()) // rounds down
		switch {
		case f.IsInt():
		case !integer:
			c.fail(a, key, "'"+key+"' of a number must be a whole number; "+clip(b.text)+" is not supported.")
			return nil, false
		case inwards > 0:
			i.Add(i, big.NewInt(1))
		}
		shut := key == exclusive && f.IsInt()
		if shut && integer {
			i.Add(i, big.NewInt(inwards))
			shut = false
		}
		if n != nil {
			cmp := i.Cmp(n) * int(inwards)
			if cmp < 0 || cmp == 0 && !shut {
				continue
			}
		}
		n, open = i, shut
	}
	return n, open
}

// within matches the numbers from lo to hi: the whole ones, and, of numbers that need not be whole, those with a fraction
// that does not end in 0. The ends may be left out.
func within(lo, hi *big.Int, above, below, integer bool) *Part {
	one := big.NewInt(1)
	from, to := new(big.Int).Set(lo), new(big.Int).Set(hi)
	if above {
		from.Add(from, one)
	}
	if below {
		to.Sub(to, one)
	}
	out := whole(from, to)
	if integer {
		return Alt(out...)
	}
	fraction := Seq(Text("."), Repeat(class("[0-9]"), 0, maxDigits-1), class("[1-9]"))
	if hi.Sign() > 0 { // k.f is between k and k + 1
		for _, p := range digits(max0(lo), new(big.Int).Sub(hi, one)) {
			out = append(out, Seq(p, fraction))
		}
	}
	if lo.Sign() < 0 { // -k.f is between -k - 1 and -k
		least := max0(new(big.Int).Neg(hi))
		for _, p := range digits(least, new(big.Int).Sub(new(big.Int).Neg(lo), one)) {
			out = append(out, Seq(Text("-"), p, fraction))
		}
	}
	return Alt(out...)
}

func max0(n *big.Int) *big.Int {
	if n.Sign() < 0 {
		return new(big.Int)
	}
	return n
}

// whole matches the integers from lo to hi.
func whole(lo, hi *big.Int) (out []*Part) {
	if lo.Sign() < 0 {
		least := big.NewInt(1)
		if hi.Sign() < 0 {
			least = new(big.Int).Neg(hi)
		}
		for _, p := range digits(least, new(big.Int).Neg(lo)) {
			out = append(out, Seq(Text("-"), p))
		}
	}
	if hi.Sign() >= 0 {
		out = append(out, digits(max0(lo), hi)...)
	}
	return out
}

// digits matches the integers from lo to hi, neither of which is negative: by their number of digits, then digit by digit.
func digits(lo, hi *big.Int) (out []*Part) {
	if lo.Cmp(hi) > 0 {
		return nil
	}
	from, to := lo.String(), hi.String()
	for n := len(from); n <= len(to); n++ {
		least, most := from, to
		if n > len(from) {
			least = "1" + strings.Repeat("0", n-1)
		}
		if n < len(to) {
			most = strings.Repeat("9", n)
		}
		out = append(out, between(least, most)...)
	}
	return out
}

// between matches the texts of digits from lo to hi, which are as long as each other.
func between(lo, hi string) []*Part {
	n := len(lo)
	switch {
	case n == 0:
		return []*Part{Text("")}
	case strings.Trim(lo, "0") == "" && strings.Trim(hi, "9") == "":
		return []*Part{Repeat(class("[0-9]"), n, n)}
	case n == 1:
		return []*Part{digit(lo[0], hi[0])}
	case lo[0] == hi[0]:
		return prefixed(lo[0], between(lo[1:], hi[1:]))
	}
	nines, zeros := strings.Repeat("9", n-1), strings.Repeat("0", n-1)
	first, last := lo[0], hi[0]
	var head, tail []*Part
	if lo[1:] != zeros {
		head = prefixed(first, between(lo[1:], nines))
		first++
	}
	if hi[1:] != nines {
		tail = prefixed(last, between(zeros, hi[1:]))
		last--
	}
	if first <= last {
		head = append(head, Seq(digit(first, last), Repeat(class("[0-9]"), n-1, n-1)))
	}
	return slices.Concat(head, tail)
}

func prefixed(d byte, rests []*Part) []*Part {
	out := make([]*Part, len(rests))
	for i, r := range rests {
		out[i] = Seq(Text(string(d)), r)
	}
	return out
}

func digit(lo, hi byte) *Part {
	if lo == hi {
		return Text(string(lo))
	}
	return class("[" + string(lo) + "-" + string(hi) + "]")
}
