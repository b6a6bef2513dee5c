package jsonschema

import (
	"github.com/leathq/leat/services/validator/internal/pyjson"
)

// seen are the members or places of a value that some keyword has looked at.
type seen map[any]bool

func unevaluatedItems(c *check, _, v any, p at) bool {
	list, ok := v.([]any)
	if !ok {
		return true
	}
	looked := seen{}
	c.items(looked, p.o, list, p.place)
	for i := range list {
		if !looked[i] {
			return false
		}
	}
	return true
}

func unevaluatedProperties(c *check, a, v any, p at) bool {
	o, ok := v.(*pyjson.Object)
	if !ok {
		return true
	}
	looked := seen{}
	c.members(looked, p.o, o, p.place)
	return every(c, o.Names, func(_ int, n string) bool { return looked[n] || c.valid(a, o.Values[n], p.place) })
}

// follow visits the schemas that a schema refers to, chooses by if, or holds for the value.
func (c *check) follow(o *pyjson.Object, v any, p place, visit func(schema any, p place)) {
	if ref, ok := o.Values["$ref"].(string); ok {
		schema, in := c.s.lookup(ref, p.scope)
		visit(schema, place{p.draft, in})
	}
	if ref, ok := o.Values["$dynamicRef"].(string); ok && p.draft == draft2020 {
		schema, in := c.s.lookup(ref, p.scope)
		visit(schema, place{p.draft, in})
	}
	if _, ok := o.Values["$recursiveRef"]; ok && p.draft == draft2019 {
		schema, in := c.s.recursive(p.scope)
		visit(schema, place{p.draft, in})
	}
	for _, k := range []string{"allOf", "oneOf", "anyOf"} {
		subs, _ := o.Values[k].([]any)
		for _, sub := range subs {
			if c.holds(sub, v, p) {
				visit(sub, p)
			}
		}
	}
	cond, ok := o.Values["if"]
	if !ok {
		return
	}
	branch := "else"
	if c.holds(cond, v, p) {
		visit(cond, p)
		branch = "then"
	}
	if sub, ok := o.Values[branch]; ok {
		visit(sub, p)
	}
}

func upTo(looked seen, n int) {
	for i := range n {
		looked[i] = true
	}
}

// items notes the places of a list that a schema has looked at. What counts follows the library, which differs from the specification.
func (c *check) items(looked seen, schema any, list []any, p place) {
	o, ok := schema.(*pyjson.Object)
	if !ok {
		return
	}
	if all, ok := o.Values["items"]; ok {
		subs, several := all.([]any)
		_, more := o.Values["additionalItems"]
		if p.draft == draft2020 || more || !several {
			upTo(looked, len(list))
			return
		}
		upTo(looked, len(subs))
	}
	if prefix, ok := o.Values["prefixItems"].([]any); ok && p.draft == draft2020 {
		upTo(looked, len(prefix))
	}
	for _, k := range []string{"contains", "unevaluatedItems"} {
		sub, ok := o.Values[k]
		for i, e := range list {
			if ok && c.holds(sub, e, p) {
				looked[i] = true
			}
		}
	}
	c.follow(o, list, p, func(sub any, p place) { c.items(looked, sub, list, p) })
}

// members notes the names of an object that a schema has looked at.
func (c *check) members(looked seen, schema any, v *pyjson.Object, p place) {
	o, ok := schema.(*pyjson.Object)
	if !ok {
		return
	}
	if p.draft == draft2019 {
		c.named2019(looked, o, v)
	} else {
		c.named(looked, o, v, p)
	}
	if patterns, ok := o.Values["patternProperties"].(*pyjson.Object); ok {
		for _, n := range v.Names {
			for _, pattern := range patterns.Names {
				looked[n] = looked[n] || c.s.found(pattern, n)
			}
		}
	}
	if deps, ok := o.Values["dependentSchemas"].(*pyjson.Object); ok {
		for _, n := range deps.Names {
			if _, has := v.Values[n]; has {
				c.members(looked, deps.Values[n], v, p)
			}
		}
	}
	c.follow(o, v, p, func(sub any, p place) { c.members(looked, sub, v, p) })
}

func (c *check) named(looked seen, o, v *pyjson.Object, p place) {
	if props, ok := o.Values["properties"].(*pyjson.Object); ok {
		for _, n := range props.Names {
			looked[n] = true
		}
	}
	for _, k := range []string{"additionalProperties", "unevaluatedProperties"} {
		sub, ok := o.Values[k]
		for _, n := range v.Names {
			if ok && c.holds(sub, v.Values[n], p) {
				looked[n] = true
			}
		}
	}
}

// named2019 takes the keywords of an additionalProperties schema for names of members, as the library does for that draft.
func (c *check) named2019(looked seen, o, v *pyjson.Object) {
	for _, k := range []string{"properties", "additionalProperties", "unevaluatedProperties"} {
		switch sub := o.Values[k].(type) {
		case bool:
			for _, n := range v.Names {
				looked[n] = looked[n] || sub
			}
		case *pyjson.Object:
			for _, n := range sub.Names {
				looked[n] = true
			}
		}
	}
}
