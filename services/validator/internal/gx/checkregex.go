package gx

import (
	"encoding/binary"

	"github.com/leathq/leat/services/validator/internal/pyre"
)

func matchRegex(b *builder) error    { return regexes(b, []any{b.word("regex", "(?s).*")}, false, true) }
func notMatchRegex(b *builder) error { return regexes(b, []any{b.text("regex")}, false, false) }

func matchRegexList(b *builder) error {
	return regexes(b, b.list("regex_list"), b.word("match_on", "any") == "all", true)
}

func notMatchRegexList(b *builder) error { return regexes(b, b.list("regex_list"), false, false) }

// regexes searches values for patterns: any of them (or all) must be found, or none where want is false.
func regexes(b *builder, patterns []any, all, want bool) error {
	c, err := b.column("column")
	if err != nil {
		return err
	}
	compiled := make([]sought, len(patterns))
	for i, p := range patterns {
		if compiled[i].Regexp, err = pattern(p.(string)); err != nil {
			return b.onlyMissing(err.Error()) // pandas reads a pattern once it has a text to search
		}
	}
	if b.class(c) == isText {
		for i := range compiled {
			compiled[i].number = b.plan.sieve(c).Add(compiled[i].Regexp)
		}
	}
	return b.spelt(c, func(v *view, rows mask, how spelling) (mask, error) {
		found, err := search(v, rows, how, compiled, all)
		if err != nil || want {
			return found, err
		}
		return found.not(v.n), nil
	})
}

// sought is a pattern with its number in the sieve of its column.
type sought struct {
	*pyre.Regexp
	number int
}

// in searches all valid rows, with what a sieve says of them if there is one.
func (re sought) in(sifted *pyre.Sifted, texts pyre.Texts, valid, out pyre.Bits) error {
	if sifted != nil {
		return sifted.SearchAll(re.number, valid, out)
	}
	return re.SearchAll(texts, valid, out)
}

// sieve is that of a column, made where there is none.
func (p *Plan) sieve(column int) *pyre.Sieve {
	if p.sieves[column] == nil {
		p.sieves[column] = &pyre.Sieve{}
	}
	return p.sieves[column]
}

// sift is what the sieve says of the column's texts; nil: nothing.
func (v *view) sift(texts pyre.Texts) *pyre.Sifted {
	if v.sieve == nil || v.class != isText {
		return nil
	}
	if !v.sieved {
		v.sifted, v.sieved = v.sieve.Sift(texts, v.sifted), true
	}
	return v.sifted
}

// pattern compiles for the engine that pandas would choose. For some patterns that depends on the texts of the whole column, which come later: they
// get the engine for texts without line breaks and characters beyond ASCII.
func pattern(text string) (*pyre.Regexp, error) {
	c, err := pyre.CompileContains(text)
	if err != nil {
		return nil, err
	}
	return c.For(pyre.Facts{})
}

// search finds the rows in which any of the patterns (or all) is found, of those considered.
func search(v *view, rows mask, how spelling, patterns []sought, all bool) (mask, error) {
	s := textOf(v, how)
	texts := pyre.Texts{Offsets32: s.Offsets32, Offsets64: s.Offsets64, Data: s.Data}
	var found mask
	for i, re := range patterns {
		valid, out := rows, make([]byte, words(v.n)*8)
		if i > 0 { // rows that are decided need no second pattern
			valid = found
			if !all {
				valid = rows.and(found.not(v.n))
			}
		}
		if err := re.in(v.sift(texts), texts, pyre.Bits{Bytes: valid.bytes()}, pyre.Bits{Bytes: out}); err != nil {
			return nil, err
		}
		hit := maskFromBytes(out)
		if i > 0 && !all {
			hit = hit.or(found)
		}
		found = hit
	}
	return found, nil
}

// bytes is the mask as bits of bytes; nil for all rows.
func (m mask) bytes() []byte {
	if m == nil {
		return nil
	}
	out := make([]byte, len(m)*8)
	for i, w := range m {
		binary.LittleEndian.PutUint64(out[i*8:], w)
	}
	return out
}

func maskFromBytes(b []byte) mask {
	m := make(mask, len(b)/8)
	for i := range m {
		m[i] = binary.LittleEndian.Uint64(b[i*8:])
	}
	return m
}
