package schema

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// value is a JSON value whose members keep their order.
type value struct {
	kind  byte   // n, t (true), f (false), " , 0, [ or {
	text  string // of a string, decoded; of a number, as it was written
	keys  []string
	items []*value // of an array; of an object: the members' values, as keys
}

func (v *value) get(key string) *value {
	if v == nil || v.kind != '{' {
		return nil
	}
	if i := slices.Index(v.keys, key); i >= 0 {
		return v.items[i]
	}
	return nil
}

func (v *value) has(key string) bool { return v.get(key) != nil }

// with returns a copy of an object with a member set.
func (v *value) with(key string, to *value) *value {
	out := &value{kind: '{', keys: slices.Clone(v.keys), items: slices.Clone(v.items)}
	if i := slices.Index(out.keys, key); i >= 0 {
		out.items[i] = to
		return out
	}
	out.keys, out.items = append(out.keys, key), append(out.items, to)
	return out
}

// without returns a copy of an object without some members.
func (v *value) without(keys ...string) *value {
	out := &value{kind: '{'}
	for i, key := range v.keys {
		if !slices.Contains(keys, key) {
			out.keys, out.items = append(out.keys, key), append(out.items, v.items[i])
		}
	}
	return out
}

func (v *value) String() string { return string(v.append(nil)) }

// append appends the value as compact JSON.
func (v *value) append(b []byte) []byte {
	switch v.kind {
	case 'n':
		return append(b, "null"...)
	case 't':
		return append(b, "true"...)
	case 'f':
		return append(b, "false"...)
	case '0':
		return append(b, v.text...)
	case '"':
		return appendQuoted(b, v.text)
	}
	b = append(b, v.kind)
	for i, item := range v.items {
		if i > 0 {
			b = append(b, ',')
		}
		if v.kind == '{' {
			b = append(appendQuoted(b, v.keys[i]), ':')
		}
		b = item.append(b)
	}
	return append(b, v.kind+2) // in ASCII the closing brackets stand two behind
}

func appendQuoted(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s) // it fails for text that is not UTF-8, which the decoder lets nobody have
	return b
}

// same tells whether two values are equal as JSON Schema has it; numbers are compared as they are written.
func same(a, b *value) bool { return a.canonical() == b.canonical() }

// canonical is the value as text with the members in the order of their names.
func (v *value) canonical() string {
	if v.kind != '{' && v.kind != '[' {
		return v.String()
	}
	parts := make([]string, len(v.items))
	for i, item := range v.items {
		parts[i] = item.canonical()
		if v.kind == '{' {
			parts[i] = string(appendQuoted(nil, v.keys[i])) + ":" + parts[i]
		}
	}
	if v.kind == '{' {
		slices.Sort(parts)
	}
	return string(v.kind) + strings.Join(parts, ",")
}

// parse reads a JSON text.
func parse(doc []byte) (*value, error) {
	d := jsontext.NewDecoder(bytes.NewReader(doc))
	v, err := read(d)
	if err == nil && d.InputOffset() != int64(len(bytes.TrimRight(doc, " \t\r\n"))) {
		err = fmt.Errorf("there is more after the schema")
	}
	return v, err
}

func read(d *jsontext.Decoder) (*value, error) {
	if d.StackDepth() > maxDepth {
		return nil, fmt.Errorf("it is nested deeper than %d levels", maxDepth)
	}
	t, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	v := &value{kind: byte(t.Kind())}
	switch v.kind {
	case '"', '0':
		v.text = t.String()
		return v, nil
	case '[', '{':
	default:
		return v, nil
	}
	for d.PeekKind() != ']' && d.PeekKind() != '}' {
		if v.kind == '{' {
			key, err := d.ReadToken()
			if err != nil {
				return nil, err
			}
			v.keys = append(v.keys, key.String())
		}
		item, err := read(d)
		if err != nil {
			return nil, err
		}
		v.items = append(v.items, item)
	}
	_, err = d.ReadToken()
	return v, err
}
