package schema

import (
	"math/big"
	"slices"
	"strings"
)

// merge makes one schema that allows what both allow. What it cannot bring together it refuses.
func (c *compiler) merge(x, y *value, a at) *value {
	if c.parts++; c.parts > maxParts {
		c.fail(a, "allOf", "the schema has too many parts that are combined. Make it smaller.")
	}
	switch {
	case c.err != nil:
		return x
	case x.kind == 't' || y.kind == 'f':
		return y
	case y.kind == 't' || x.kind == 'f':
		return x
	case x.kind != '{' || y.kind != '{':
		c.fail(a, "", "a schema must be an object or a boolean.")
		return x
	}
	if !c.roomy(x, y, a) || !c.roomy(y, x, a) {
		return x
	}
	out := x
	for i, key := range y.keys {
		old := out.get(key)
		if old == nil {
			out = out.with(key, y.items[i])
		} else if !slices.Contains(annotations, key) && !same(old, y.items[i]) {
			out = out.with(key, c.both(key, old, y.items[i], a))
		}
	}
	return out
}

// roomy refuses to bring together a schema that allows no further members, or only some, with one that has others: each
// looks only at its own properties.
func (c *compiler) roomy(x, y *value, a at) bool {
	more := x.get("additionalProperties")
	if more == nil || more.kind == 't' || !y.has("properties") {
		return true
	}
	for _, name := range y.get("properties").keys {
		if !x.get("properties").has(name) {
			c.fail(a, "additionalProperties", "'additionalProperties' of one schema forbids or limits the property '"+clip(name)+
				"' of another that must match as well. Leave additionalProperties out of schemas that are combined.")
			return false
		}
	}
	return true
}

// both is the value of a keyword that two schemas give.
func (c *compiler) both(key string, x, y *value, a at) *value {
	switch key {
	case "properties":
		for i, name := range y.keys {
			if old := x.get(name); old != nil && !same(old, y.items[i]) {
				x = x.with(name, object("allOf", &value{kind: '[', items: []*value{old, y.items[i]}}))
			} else if old == nil {
				x = x.with(name, y.items[i])
			}
		}
		return x
	case "required":
		return union(x, y)
	case "type":
		return c.bothTypes(x, y, a)
	case "minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties":
		return farther(x, y, 1)
	case "maximum", "exclusiveMaximum", "maxLength", "maxItems":
		return farther(x, y, -1)
	case "items":
		return object("allOf", &value{kind: '[', items: []*value{x, y}})
	case "additionalProperties":
		if x.kind == 't' || y.kind == 'f' {
			return y
		}
		if y.kind == 't' || x.kind == 'f' {
			return x
		}
	case "enum":
		return c.bothListed(x, y, a)
	}
	c.fail(a, key, "'"+clip(key)+"' of two schemas that must match both cannot be brought together.")
	return x
}

func object(key string, v *value) *value {
	return &value{kind: '{', keys: []string{key}, items: []*value{v}}
}

func union(x, y *value) *value {
	out := &value{kind: '[', items: slices.Clone(x.items)}
	for _, item := range y.items {
		if !slices.ContainsFunc(out.items, func(v *value) bool { return same(v, item) }) {
			out.items = append(out.items, item)
		}
	}
	return out
}

func (c *compiler) bothListed(x, y *value, a at) *value {
	out := &value{kind: '['}
	for _, item := range x.items {
		if slices.ContainsFunc(y.items, func(v *value) bool { return same(v, item) }) {
			out.items = append(out.items, item)
		}
	}
	if len(out.items) == 0 {
		c.fail(a, "enum", "no value is in both of two 'enum' that must match.")
	}
	return out
}

func (c *compiler) bothTypes(x, y *value, a at) *value {
	s, t := c.types(object("type", x), a), c.types(object("type", y), a)
	out := &value{kind: '['}
	for _, name := range s {
		switch {
		case slices.Contains(t, name), name == "integer" && slices.Contains(t, "number"):
		case name == "number" && slices.Contains(t, "integer"):
			name = "integer"
		default:
			continue
		}
		out.items = append(out.items, &value{kind: '"', text: name})
	}
	if len(out.items) == 0 && c.err == nil {
		c.fail(a, "type", "no value has both the type "+strings.Join(s, " or ")+" and the type "+strings.Join(t, " or ")+".")
	}
	return out
}

// farther is the larger of two numbers, or, with a sign of −1, the smaller.
func farther(x, y *value, sign int) *value {
	n, ok := new(big.Rat).SetString(x.text)
	m, fine := new(big.Rat).SetString(y.text)
	if !ok || !fine || n.Cmp(m)*sign >= 0 {
		return x // what is no number is refused where it is used
	}
	return y
}
