package pyjson

import (
	"math"
	"math/big"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Object is a JSON object in the order of its names; the value of a name that repeats is its last.
type Object struct {
	Names  []string
	Values map[string]any
}

// Get is a member.
func (o *Object) Get(name string) (any, bool) {
	v, ok := o.Values[name]
	return v, ok
}

// Parse reads a text into nil, bool, *big.Int, float64, string, []any and *Object. A surrogate that stands alone is kept in a string as the
// three bytes that UTF-8 would give it.
func Parse(text []byte) (any, error) {
	s := scanner{text: text}
	if s.whole(); s.err != nil {
		return nil, s.err
	}
	r := reader{text: text}
	return r.value(), nil
}

// reader builds values of a text that has been checked.
type reader struct {
	text []byte
	at   int
}

func (r *reader) next() byte {
	for {
		c := r.text[r.at]
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' && c != ',' && c != ':' {
			return c
		}
		r.at++
	}
}

func (r *reader) value() any {
	switch r.next() {
	case '"':
		return r.str()
	case '{':
		return r.object()
	case '[':
		return r.array()
	case 'n':
		r.at += len("null")
		return nil
	case 't':
		r.at += len("true")
		return true
	case 'f':
		r.at += len("false")
		return false
	case 'N':
		r.at += len("NaN")
		return math.NaN()
	case 'I':
		r.at += len("Infinity")
		return math.Inf(1)
	}
	return r.number()
}

func (r *reader) array() []any {
	out := []any{}
	r.at++
	for r.next() != ']' {
		out = append(out, r.value())
	}
	r.at++
	return out
}

func (r *reader) object() *Object {
	o := &Object{Values: map[string]any{}}
	r.at++
	for r.next() != '}' {
		name := r.str()
		if _, again := o.Values[name]; !again {
			o.Names = append(o.Names, name)
		}
		o.Values[name] = r.value()
	}
	r.at++
	return o
}

func (r *reader) number() any {
	if r.text[r.at] == '-' && r.text[r.at+1] == 'I' {
		r.at += len("-Infinity")
		return math.Inf(-1)
	}
	s := scanner{text: r.text, at: r.at}
	s.number()
	word := string(r.text[r.at:s.at])
	r.at = s.at
	if i, ok := new(big.Int).SetString(word, 10); ok {
		return i
	}
	f, _ := strconv.ParseFloat(word, 64) // out of range is an infinity, as in Python
	return f
}

func (r *reader) str() string {
	r.next()
	s := scanner{text: r.text, at: r.at}
	s.str()
	raw := r.text[r.at+1 : s.at-1]
	r.at = s.at
	return unescaped(raw)
}

var controls = map[byte]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func unescaped(raw []byte) string {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			continue
		}
		i++
		if raw[i] != 'u' {
			c, ok := controls[raw[i]]
			if !ok {
				c = raw[i]
			}
			out = append(out, c)
			continue
		}
		u := unit(raw[i+1:])
		i += 4
		if i+6 < len(raw) && raw[i+1] == '\\' && raw[i+2] == 'u' {
			if pair := utf16.DecodeRune(u, unit(raw[i+3:])); pair != utf8.RuneError {
				u = pair
				i += 6
			}
		}
		out = appendRune(out, u)
	}
	return string(out)
}

func unit(hex []byte) rune {
	v, _ := strconv.ParseUint(string(hex[:4]), 16, 16)
	return rune(v)
}

// appendRune writes surrogates too.
func appendRune(out []byte, r rune) []byte {
	if utf16.IsSurrogate(r) {
		return append(out, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F)
	}
	return utf8.AppendRune(out, r)
}
