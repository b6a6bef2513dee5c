package jsonschema

import (
	"math/big"

	"github.com/leathq/leat/services/validator/internal/pyjson"
)

// keyword checks the value v against its argument a.
type keyword struct {
	since, until draft // zero until: to the last
	check        func(c *check, a, v any, p at) bool
}

// table is the keywords by name. Those that need others to be there (then, else, minContains) have no entry. It is made for each schema, since
// a variable would refer to itself through its checks.
func table() map[string]keyword {
	all := func(f func(c *check, a, v any, p at) bool) keyword { return keyword{check: f} }
	since := func(d draft, f func(c *check, a, v any, p at) bool) keyword { return keyword{since: d, check: f} }
	return map[string]keyword{
		"$ref":        all(func(c *check, a, v any, p at) bool { return c.ref(a, v, p.place) }),
		"$dynamicRef": since(draft2020, func(c *check, a, v any, p at) bool { return c.ref(a, v, p.place) }),
		"$recursiveRef": {draft2019, draft2019, func(c *check, _, v any, p at) bool {
			schema, in := c.s.recursive(p.scope)
			return c.valid(schema, v, place{p.draft, in})
		}},
		"additionalItems":      {0, draft2019, additionalItems},
		"additionalProperties": all(additionalProperties),
		"allOf":                all(allOf), "anyOf": all(anyOf), "oneOf": all(oneOf), "not": all(not), "if": since(draft7, ifThen),
		"const":             since(draft6, func(c *check, a, v any, _ at) bool { return keyOf(a) == keyOf(v) }),
		"enum":              all(enum),
		"contains":          since(draft6, contains),
		"dependencies":      {0, draft7, dependencies},
		"dependentRequired": since(draft2019, dependencies), "dependentSchemas": since(draft2019, dependencies),
		"exclusiveMaximum": since(draft6, bound(1, false)), "exclusiveMinimum": since(draft6, bound(-1, false)),
		"maximum": all(limit("exclusiveMaximum", 1)), "minimum": all(limit("exclusiveMinimum", -1)),
		"items": all(items), "prefixItems": since(draft2020, prefixItems),
		"maxItems": all(size(1)), "minItems": all(size(-1)), "maxLength": all(letters(1)), "minLength": all(letters(-1)),
		"maxProperties": all(members(1)), "minProperties": all(members(-1)),
		"multipleOf": all(func(_ *check, a, v any, _ at) bool { return !isNumber(v) || multiple(v, a) }),
		"pattern": all(func(c *check, a, v any, _ at) bool {
			s, ok := v.(string)
			return !ok || c.s.found(a.(string), s)
		}),
		"patternProperties": all(patternProperties), "properties": all(properties), "propertyNames": since(draft6, propertyNames), "required": all(required),
		"type":                  all(typed),
		"unevaluatedItems":      since(draft2019, unevaluatedItems),
		"unevaluatedProperties": since(draft2019, unevaluatedProperties),
		"uniqueItems":           all(uniqueItems),
	}
}

// every reports whether a check holds for all of a list, and looks at all unless the first failure is enough.
func every[T any](c *check, list []T, f func(i int, e T) bool) bool {
	ok := true
	for i, e := range list {
		if ok = f(i, e) && ok; !ok && c.short {
			return false
		}
	}
	return ok
}

func allOf(c *check, a, v any, p at) bool {
	return every(c, a.([]any), func(_ int, sub any) bool { return c.valid(sub, v, p.place) })
}

func anyOf(c *check, a, v any, p at) bool {
	for _, sub := range a.([]any) {
		if c.fully(sub, v, p.place) {
			return true
		}
	}
	return false
}

func oneOf(c *check, a, v any, p at) bool {
	n := 0
	for _, sub := range a.([]any) {
		if c.looking(n > 0, sub, v, p.place) {
			n++
		}
	}
	return n == 1
}

func not(c *check, a, v any, p at) bool { return !c.holds(a, v, p.place) }

func ifThen(c *check, a, v any, p at) bool {
	branch := "else"
	if c.holds(a, v, p.place) {
		branch = "then"
	}
	sub, ok := p.o.Values[branch]
	return !ok || c.valid(sub, v, p.place)
}

func enum(_ *check, a, v any, _ at) bool {
	k := keyOf(v)
	for _, e := range a.([]any) {
		if keyOf(e) == k {
			return true
		}
	}
	return false
}

func typed(_ *check, a, v any, p at) bool {
	if name, ok := a.(string); ok {
		return isType(v, name, p.draft)
	}
	for _, t := range a.([]any) {
		if isType(v, t.(string), p.draft) {
			return true
		}
	}
	return false
}

// bound fails where v is beyond the argument on a side, or on it unless equal is allowed.
func bound(side int, equal bool) func(*check, any, any, at) bool {
	return func(_ *check, a, v any, _ at) bool {
		if !isNumber(v) {
			return true
		}
		order, ok := compare(v, a)
		return !ok || order != side && (equal || order != 0)
	}
}

// limit is a bound that draft 4 makes exclusive by a boolean beside it.
func limit(exclusive string, side int) func(*check, any, any, at) bool {
	return func(c *check, a, v any, p at) bool {
		strict, _ := p.o.Values[exclusive].(bool)
		return bound(side, p.draft != draft4 || !strict)(c, a, v, p)
	}
}

// within reports whether n is not beyond a limit on a side; limits may be floats.
func within(n int, limit any, side int) bool {
	order, ok := compare(count(n), limit)
	return !ok || order != side
}

func size(side int) func(*check, any, any, at) bool {
	return func(_ *check, a, v any, _ at) bool {
		list, ok := v.([]any)
		return !ok || within(len(list), a, side)
	}
}

func letters(side int) func(*check, any, any, at) bool {
	return func(_ *check, a, v any, _ at) bool {
		s, ok := v.(string)
		return !ok || within(length(s), a, side)
	}
}

func members(side int) func(*check, any, any, at) bool {
	return func(_ *check, a, v any, _ at) bool {
		o, ok := v.(*pyjson.Object)
		return !ok || within(len(o.Names), a, side)
	}
}

func uniqueItems(_ *check, a, v any, _ at) bool {
	list, ok := v.([]any)
	if on, _ := a.(bool); !ok || !on {
		return true
	}
	seen := map[string]bool{}
	for _, e := range list {
		k := keyOf(e)
		if seen[k] {
			return false
		}
		seen[k] = true
	}
	return true
}

var one = big.NewInt(1)

func contains(c *check, a, v any, p at) bool {
	list, ok := v.([]any)
	if !ok {
		return true
	}
	n := 0
	for _, e := range list {
		if c.holds(a, e, p.place) {
			n++
		}
	}
	if p.draft < draft2019 {
		return n > 0
	}
	least, ok := p.o.Values["minContains"]
	if !ok {
		least = one
	}
	most, ok := p.o.Values["maxContains"]
	return within(n, least, -1) && (!ok || within(n, most, 1))
}
