package jsonschema

import (
	"fmt"

	"github.com/leathq/leat/services/validator/internal/pyjson"
)

// raised is an exception of the library that is no verdict.
type raised struct{ err error }

// Validate reports whether a value that pyjson.Parse has read is valid. An error is what the library raises otherwise than as an error of
// validation: a reference to nothing, a number that cannot be divided, a schema that refers to itself without end.
func (s *Schema) Validate(value any) (ok bool, err error) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case raised:
			ok, err = false, e.err
		default:
			panic(e)
		}
	}()
	c := &check{s: s}
	return c.valid(s.root, value, place{draft: s.draft, scope: &scope{base: s.base}}), nil
}

// ValidateText parses and validates. Text that is no JSON is an error, as it is in Python.
func (s *Schema) ValidateText(text []byte) (bool, error) {
	v, err := pyjson.Parse(text)
	if err != nil {
		return false, err
	}
	return s.Validate(v)
}

// place is where in the schema a check is.
type place struct {
	draft draft
	scope *scope
}

// maxDepth bounds references that lead back to themselves; Python ends by its recursion limit.
const maxDepth = 500

type check struct {
	s     *Schema
	depth int
	short bool // the first failure is enough: what follows it is not looked at
}

// holds is valid where the library only asks whether there is a failure.
func (c *check) holds(schema, v any, p place) bool { return c.looking(true, schema, v, p) }

// fully is valid where it collects all failures.
func (c *check) fully(schema, v any, p place) bool { return c.looking(false, schema, v, p) }

func (c *check) looking(short bool, schema, v any, p place) bool {
	was := c.short
	c.short = short
	ok := c.valid(schema, v, p)
	c.short = was
	return ok
}

// at is a keyword's circumstances.
type at struct {
	place
	o *pyjson.Object // the schema that has the keyword
}

// valid checks a value against a schema. Where all failures are collected, all keywords are looked at though one has failed: an exception counts
// more than a failure.
func (c *check) valid(schema, v any, p place) bool {
	switch schema := schema.(type) {
	case bool:
		return schema
	case *pyjson.Object:
		if c.depth++; c.depth > maxDepth {
			panic(raised{fmt.Errorf("the schema or the value is nested too deep, or the schema refers to itself without end")})
		}
		defer func() { c.depth-- }()
		return c.object(schema, v, p)
	}
	panic(raised{fmt.Errorf("a reference leads to something that is no schema")})
}

func (c *check) object(o *pyjson.Object, v any, p place) bool {
	p = place{draft: draftOf(o, p.draft), scope: c.s.within(o, p.scope)}
	if ref, ok := o.Values["$ref"]; ok && p.draft < draft2019 {
		return c.ref(ref, v, p)
	}
	ok := true
	for _, name := range o.Names {
		if k, known := c.s.keywords[name]; known && k.since <= p.draft && (k.until == 0 || p.draft <= k.until) {
			ok = k.check(c, o.Values[name], v, at{p, o}) && ok
		}
		if !ok && c.short {
			return false
		}
	}
	return ok
}

func (c *check) ref(ref, v any, p place) bool {
	name, ok := ref.(string)
	if !ok {
		panic(raised{fmt.Errorf("a reference that is no text")})
	}
	if d, known := drafts[trimmed(name)]; known && c.s.resources[trimmed(name)] == nil {
		m, err := metaSchema(d)
		if err != nil {
			panic(raised{err})
		}
		return m.Validate(foreign(v)) == nil
	}
	schema, in := c.s.lookup(name, p.scope)
	return c.valid(schema, v, place{p.draft, in})
}

func trimmed(uri string) string {
	if n := len(uri); n > 0 && uri[n-1] == '#' {
		return uri[:n-1]
	}
	return uri
}
