package schema

import (
	"slices"
	"strconv"
)

// property is one member that an object may have.
type property struct {
	part     *Part
	required bool
}

// object matches the members in the order of properties, then, where they are allowed, others. A member that is not
// required may be left out. Where additionalProperties is not given there are no others.
func (c *compiler) object(v *value, a at) *Part {
	required := c.required(v, a)
	props := v.get("properties")
	if props != nil && props.kind != '{' {
		return c.fail(a, "properties", "'properties' must be an object.")
	}
	var list []property
	if props != nil {
		for i, name := range props.keys {
			value := c.schema(props.items[i], a.key("properties", name))
			list = append(list, property{member(name, c.shared(value)), slices.Contains(required, name)})
		}
	}
	for _, name := range required {
		if props.has(name) {
			continue
		}
		// It is required and not described: what describes others describes it.
		more := v.get("additionalProperties")
		if more == nil {
			more = &value{kind: 't'}
		}
		list = append(list, property{member(name, c.shared(c.schema(more, a.key("additionalProperties")))), true})
	}
	if n := c.count(v, "minProperties", a, 0); n > len(required) {
		return c.unsupported(a, "minProperties", "List the members that there must be in required.")
	}
	return c.add(Seq(Text("{"), c.members(list, c.others(v, a)), Text("}")))
}

func (c *compiler) required(v *value, a at) (names []string) {
	list := v.get("required")
	if list == nil {
		return nil
	}
	if list.kind != '[' {
		c.fail(a, "required", "'required' must be a list of strings.")
		return nil
	}
	for _, item := range list.items {
		if item.kind != '"' {
			c.fail(a, "required", "'required' must be a list of strings.")
		}
		if !slices.Contains(names, item.text) {
			names = append(names, item.text)
		}
	}
	return names
}

// others matches a member that properties does not list; nil where there is none.
func (c *compiler) others(v *value, a at) *Part {
	more := v.get("additionalProperties")
	switch {
	case more == nil && !v.has("properties") && !v.has("required"):
		return c.Builder.member() // an object of which nothing is said
	case more == nil || more.kind == 'f':
		return nil
	}
	key := c.text()
	if taken := c.required(v, a); v.has("properties") || len(taken) > 0 {
		if props := v.get("properties"); props != nil {
			taken = append(taken, props.keys...)
		}
		key = c.unlike(taken)
	}
	return c.add(Seq(key, Text(":"), space(), c.shared(c.schema(more, a.key("additionalProperties")))))
}

func member(name string, value *Part) *Part {
	return Seq(Text(string(appendQuoted(nil, name))+":"), space(), value)
}

// shared makes a rule of what is not small, so that its text stands once wherever it is used.
func (c *compiler) shared(p *Part) *Part {
	if p.op == opRule || p.op == opText || p.op == opClass {
		return p
	}
	return c.add(p)
}

// members matches a list of members with commas between them, of which some may be left out.
func (c *compiler) members(list []property, other *Part) *Part {
	rest := Text("") // what may follow a member
	if other != nil {
		rest = Repeat(Seq(comma(), other), 0, -1)
	}
	begin := []*Part{} // the ways to begin, the last first
	if other != nil {
		begin = append(begin, Seq(other, rest))
	}
	empty := true // all of the list may be left out
	for _, p := range slices.Backward(list) {
		if p.required {
			begin, empty = nil, false
		}
		begin = append(begin, Seq(p.part, rest))
		next := Seq(comma(), p.part)
		if !p.required {
			next = maybe(next)
		}
		rest = c.add(Seq(next, rest))
	}
	slices.Reverse(begin)
	if len(begin) == 0 {
		return Text("")
	}
	if empty {
		return maybe(Alt(begin...))
	}
	return Alt(begin...)
}

// list matches an array.
func (c *compiler) list(v *value, a at) *Part {
	if u := v.get("uniqueItems"); u != nil && u.kind != 'f' {
		return c.unsupported(a, "uniqueItems", "A grammar cannot compare items.")
	}
	lo, hi := c.span(v, "minItems", "maxItems", a)
	first := v.get("prefixItems")
	if first != nil && first.kind != '[' {
		return c.fail(a, "prefixItems", "'prefixItems' must be a list of schemas.")
	}
	var items []*Part
	if first != nil {
		for i, s := range first.items {
			items = append(items, c.shared(c.schema(s, a.key("prefixItems", strconv.Itoa(i)))))
		}
	}
	other := v.get("items")
	switch {
	case other == nil:
		other = &value{kind: 't'}
	case other.kind == '[':
		return c.fail(a, "items", "'items' must be one schema. Use prefixItems for a list of them.")
	}
	return c.add(Seq(Text("["), c.items(items, c.shared(c.schema(other, a.key("items"))), lo, hi), Text("]")))
}

// items matches from lo to hi items: those of first, then others. Each allows the next only after it.
func (c *compiler) items(first []*Part, other *Part, lo, hi int) *Part {
	if hi == 0 {
		return Text("")
	}
	if hi > 0 && len(first) > hi {
		first = first[:hi]
	}
	n := len(first)
	most := -1
	if hi >= 0 {
		most = hi - n
	}
	out := Repeat(Seq(comma(), other), max(0, lo-n), most) // what follows the first ones
	if n == 0 {
		if most > 0 {
			most--
		}
		out = Seq(other, Repeat(Seq(comma(), other), max(0, lo-1), most))
	}
	for i := n - 1; i >= 0; i-- {
		out = Seq(first[i], out)
		if i > 0 {
			out = Seq(comma(), out)
		}
		if lo <= i && i > 0 {
			out = maybe(out)
		}
	}
	if lo == 0 {
		return maybe(out)
	}
	return out
}
