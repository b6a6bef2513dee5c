package schema

import (
	"slices"
	"strconv"
	"strings"
)

// constant matches one value, enum one of several, each in its compact form.
func (c *compiler) constant(v *value, a at) *Part {
	return c.listed(v, "const", []*value{v.get("const")}, a)
}

func (c *compiler) enum(v *value, a at) *Part {
	list := v.get("enum")
	if list.kind != '[' || len(list.items) == 0 {
		return c.fail(a, "enum", "'enum' must be a list with at least one value.")
	}
	return c.listed(v, "enum", list.items, a)
}

func (c *compiler) listed(v *value, keyword string, values []*value, a at) *Part {
	for _, key := range v.keys {
		if key != keyword && key != "type" && !slices.Contains(annotations, key) && !strings.HasPrefix(key, "x-") {
			return c.fail(a, key, "'"+clip(key)+"' beside '"+keyword+"' is not supported. List only what is allowed.")
		}
	}
	names := c.types(v, a)
	var out []*Part
	for _, item := range values {
		if names == nil || slices.ContainsFunc(names, item.is) {
			out = append(out, Text(item.String()))
		}
	}
	if len(out) == 0 {
		return c.fail(a, keyword, "no value of '"+keyword+"' has the type "+strings.Join(names, " or ")+".")
	}
	return Alt(out...)
}

// is tells whether a value has a type.
func (v *value) is(name string) bool {
	switch v.kind {
	case 'n':
		return name == "null"
	case 't', 'f':
		return name == "boolean"
	case '"':
		return name == "string"
	case '[':
		return name == "array"
	case '{':
		return name == "object"
	}
	return name == "number" || name == "integer" && !strings.ContainsAny(v.text, ".eE")
}

// options are the branches of anyOf and oneOf, each together with what stands beside them.
func (c *compiler) options(v *value, keyword string, a at) []*value {
	list := v.get(keyword)
	if list.kind != '[' || len(list.items) == 0 {
		c.fail(a, keyword, "'"+keyword+"' must be a list with at least one schema.")
		return nil
	}
	beside := v.without(keyword)
	out := make([]*value, len(list.items))
	for i, item := range list.items {
		if out[i] = item; c.asks(beside) {
			out[i] = c.merge(beside, c.resolve(item, a.into(keyword, strconv.Itoa(i))), a)
		}
	}
	return out
}

// asks tells whether a schema says more than annotations do.
func (c *compiler) asks(v *value) bool {
	return slices.ContainsFunc(v.keys, func(key string) bool {
		return !slices.Contains(annotations, key) && !strings.HasPrefix(key, "x-")
	})
}

func (c *compiler) anyOf(v *value, a at) *Part {
	var out []*Part
	for i, option := range c.options(v, "anyOf", a) {
		out = append(out, c.schema(option, a.into("anyOf", strconv.Itoa(i))))
	}
	return c.shared(Alt(out...))
}

// oneOf is anyOf where no value can match two branches; where that is not plain, it is refused.
func (c *compiler) oneOf(v *value, a at) *Part {
	options := c.options(v, "oneOf", a)
	seen := make([]*value, len(options))
	for i, option := range options {
		seen[i] = c.resolve(option, a.into("oneOf", strconv.Itoa(i)))
		for j := range i {
			if c.err == nil && !c.apart(seen[i], seen[j], a) {
				return c.fail(a, "oneOf", "'oneOf': a value might match both schema "+strconv.Itoa(j)+" and schema "+strconv.Itoa(i)+
					". Use anyOf, or give them different types, values, or a required property with different values.")
			}
		}
	}
	var out []*Part
	for i, option := range options {
		out = append(out, c.schema(option, a.into("oneOf", strconv.Itoa(i))))
	}
	return c.shared(Alt(out...))
}

// apart tells that no value matches both schemas, as far as that is plain to see.
func (c *compiler) apart(x, y *value, a at) bool {
	if s, t := allowed(x), allowed(y); s != nil && t != nil {
		return !slices.ContainsFunc(s, func(v *value) bool { return slices.ContainsFunc(t, func(w *value) bool { return same(v, w) }) })
	}
	s, t := c.types(x, a), c.types(y, a)
	if s != nil && t != nil && !slices.ContainsFunc(s, func(name string) bool {
		return slices.Contains(t, name) || name == "integer" && slices.Contains(t, "number") || name == "number" && slices.Contains(t, "integer")
	}) {
		return true
	}
	if len(s) != 1 || len(t) != 1 || s[0] != "object" || x.get("properties") == nil || y.get("properties") == nil {
		return false
	}
	others := c.required(y, a)
	for _, name := range c.required(x, a) {
		p, q := x.get("properties").get(name), y.get("properties").get(name)
		if p != nil && q != nil && slices.Contains(others, name) && c.apart(c.resolve(p, a), c.resolve(q, a), a) {
			return true
		}
	}
	return false
}

// allowed lists the values of an enum or a const; nil where a schema has neither.
func allowed(v *value) []*value {
	if one := v.get("const"); one != nil {
		return []*value{one}
	}
	if list := v.get("enum"); list != nil {
		return list.items
	}
	return nil
}

// allOf is one schema made of several.
func (c *compiler) allOf(v *value, a at) *Part {
	list := v.get("allOf")
	if list.kind != '[' || len(list.items) == 0 {
		return c.fail(a, "allOf", "'allOf' must be a list with at least one schema.")
	}
	rest := v.without("allOf")
	if len(list.items) == 1 && !c.asks(rest) {
		return c.schema(list.items[0], a.into("allOf", "0"))
	}
	out := c.resolve(rest, a)
	for i, item := range list.items {
		out = c.merge(out, c.resolve(item, a.into("allOf", strconv.Itoa(i))), a)
	}
	if c.err != nil {
		return nothing()
	}
	return c.schema(out, a)
}
