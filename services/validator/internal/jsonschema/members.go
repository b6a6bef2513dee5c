package jsonschema

import (
	"fmt"
	"strings"

	"github.com/leathq/leat/services/validator/internal/pyjson"
)

func properties(c *check, a, v any, p at) bool {
	o, ok := v.(*pyjson.Object)
	if !ok {
		return true
	}
	subs := a.(*pyjson.Object)
	return every(c, subs.Names, func(_ int, n string) bool {
		member, ok := o.Values[n]
		return !ok || c.valid(subs.Values[n], member, p.place)
	})
}

func patternProperties(c *check, a, v any, p at) bool {
	o, ok := v.(*pyjson.Object)
	if !ok {
		return true
	}
	subs := a.(*pyjson.Object)
	return every(c, subs.Names, func(_ int, pattern string) bool {
		return every(c, o.Names, func(_ int, n string) bool {
			return !c.s.found(pattern, n) || c.valid(subs.Values[pattern], o.Values[n], p.place)
		})
	})
}

// additional lists the members that neither properties nor patternProperties name. The library joins the patterns to one.
func (c *check) additional(o, schema *pyjson.Object) []string {
	named, _ := schema.Values["properties"].(*pyjson.Object)
	pattern := ""
	if patterns, ok := schema.Values["patternProperties"].(*pyjson.Object); ok {
		pattern = strings.Join(patterns.Names, "|")
	}
	var out []string
	for _, n := range o.Names {
		if named != nil {
			if _, ok := named.Values[n]; ok {
				continue
			}
		}
		if pattern == "" || !c.s.found(pattern, n) {
			out = append(out, n)
		}
	}
	return out
}

func additionalProperties(c *check, a, v any, p at) bool {
	o, ok := v.(*pyjson.Object)
	if !ok {
		return true
	}
	extra := c.additional(o, p.o)
	return every(c, extra, func(_ int, n string) bool { return c.valid(a, o.Values[n], p.place) })
}

func propertyNames(c *check, a, v any, p at) bool {
	o, ok := v.(*pyjson.Object)
	if !ok {
		return true
	}
	return every(c, o.Names, func(_ int, n string) bool { return c.valid(a, n, p.place) })
}

func required(_ *check, a, v any, _ at) bool {
	o, ok := v.(*pyjson.Object)
	return !ok || hasAll(o, a.([]any))
}

func hasAll(o *pyjson.Object, names []any) bool {
	for _, n := range names {
		name, ok := n.(string)
		if _, has := o.Values[name]; !ok || !has {
			return false
		}
	}
	return true
}

// dependencies are, by the name of a member, further names or a schema for the whole.
func dependencies(c *check, a, v any, p at) bool {
	o, ok := v.(*pyjson.Object)
	if !ok {
		return true
	}
	deps := a.(*pyjson.Object)
	return every(c, deps.Names, func(_ int, n string) bool {
		if _, has := o.Values[n]; !has {
			return true
		}
		if names, ok := deps.Values[n].([]any); ok {
			return hasAll(o, names)
		}
		return c.valid(deps.Values[n], v, p.place)
	})
}

func items(c *check, a, v any, p at) bool {
	list, ok := v.([]any)
	if !ok {
		return true
	}
	if subs, ok := a.([]any); ok && p.draft < draft2020 {
		return c.pairwise(subs, list, p)
	}
	if p.draft == draft2020 {
		prefix, _ := p.o.Values["prefixItems"].([]any)
		list = list[min(len(prefix), len(list)):]
	}
	return every(c, list, func(_ int, e any) bool { return c.valid(a, e, p.place) })
}

func (c *check) pairwise(subs, list []any, p at) bool {
	n := min(len(subs), len(list))
	return every(c, list[:n], func(i int, e any) bool { return c.valid(subs[i], e, p.place) })
}

func prefixItems(c *check, a, v any, p at) bool {
	list, ok := v.([]any)
	return !ok || c.pairwise(a.([]any), list, p)
}

func additionalItems(c *check, a, v any, p at) bool {
	list, ok := v.([]any)
	first, given := p.o.Values["items"]
	if _, whole := first.(*pyjson.Object); !ok || whole || !given {
		return true
	}
	subs, ok := first.([]any)
	if !ok {
		panic(raised{fmt.Errorf("additionalItems beside items that are neither a schema nor a list")})
	}
	list = list[min(len(subs), len(list)):]
	return every(c, list, func(_ int, e any) bool { return c.valid(a, e, p.place) })
}
