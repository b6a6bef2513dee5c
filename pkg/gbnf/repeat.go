package gbnf

// unlimited is the upper count of a repetition without one.
const unlimited = -1

// repetition reads ? * + {m} {m,} or {m,n}.
func (p *parser) repetition(nested bool) (low, high int, ok bool) {
	start := p.pos
	switch p.peek() {
	case '?':
		low, high = 0, 1
	case '*':
		low, high = 0, unlimited
	case '+':
		low, high = 1, unlimited
	case '{':
		p.pos++
		p.space(nested)
		low = p.number()
		p.space(nested)
		if high = low; p.peek() == ',' {
			p.pos++
			p.space(nested)
			if high = unlimited; p.peek() != '}' {
				high = p.number()
				p.space(nested)
			}
		}
		if p.peek() != '}' {
			p.fail(p.pos, "'}' is expected, not %s", p.found())
		}
		if high != unlimited && high < low {
			p.fail(start, "a repetition of at least %d and at most %d is impossible", low, high)
		}
	default:
		return 0, 0, false
	}
	p.pos++
	return low, high, true
}

// repeat returns the elements of an item that comes low to high times:
//
//	S{m,}  → S … S  loop        loop   ::= S loop |
//	S{m,n} → S … S  opt(n−m)    opt(k) ::= S opt(k−1) |
func (p *parser) repeat(item []elem, low, high int) []elem {
	if len(item) == 0 || high == 0 {
		return nil
	}
	one := item[0]
	if len(item) > 1 && (low > 1 || high != low) {
		one = p.add(item)
	} else if low == 1 && high == 1 {
		return item
	}
	var out []elem
	for range low {
		if len(out) > MaxElements {
			p.fail(p.pos, "the grammar is too large: this repetition has more than %d elements", MaxElements)
		}
		out = append(out, one)
	}
	if high == unlimited {
		self := elem{opRule, int32(len(p.rules))}
		p.rules = append(p.rules, rule{at: -1, rest: self.arg})
		p.define(self.arg, [][]elem{{one, self}, nil})
		return append(out, self)
	}
	var rest elem
	for k := range high - low {
		alt := []elem{one}
		if k > 0 {
			alt = append(alt, rest)
		}
		before := rest.arg
		rest = p.add(alt, nil)
		p.rules[rest.arg].rest = before
	}
	if high > low {
		out = append(out, rest)
	}
	return out
}
