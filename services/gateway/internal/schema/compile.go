package schema

import (
	"slices"
	"strconv"
	"strings"
)

// annotations say nothing about what is valid.
var annotations = []string{
	"title", "description", "default", "examples", "example", "$schema", "$id", "$comment", "$anchor", "deprecated", "readOnly", "writeOnly",
	"$defs", "definitions", "discriminator", "contentMediaType", "contentEncoding",
}

// keywords are those of each type.
var keywords = map[string][]string{
	"object":  {"properties", "required", "additionalProperties", "minProperties"},
	"array":   {"items", "prefixItems", "minItems", "maxItems", "uniqueItems"},
	"string":  {"minLength", "maxLength", "pattern", "format"},
	"number":  {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
	"integer": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
	"boolean": nil,
	"null":    nil,
}

// combining are the keywords that build schemas of others.
var combining = []string{"$ref", "anyOf", "oneOf", "allOf", "enum", "const", "type"}

// compiler works on one schema.
type compiler struct {
	*Builder
	root *value
	refs map[string]*Part // rules of what is referred to, by pointer
	err  *Error
}

// Schema makes the part that matches what a schema allows. With strict it is held to the rules of OpenAI's strict mode as
// well. Its error is an [*Error].
func (b *Builder) Schema(doc []byte, strict bool) (*Part, error) {
	root, err := parse(doc)
	if err != nil {
		return nil, &Error{Message: "it is not read: " + err.Error() + "."}
	}
	c := &compiler{Builder: b, root: root, refs: map[string]*Part{}}
	if strict {
		c.checkStrict(root, nil)
	}
	p := c.schema(root, at{})
	if c.err != nil {
		return nil, c.err
	}
	return p, nil
}

// at is where a schema stands, and which references led to it without a character between.
type at struct {
	path []string
	open []string
}

func (a at) key(keys ...string) at { return at{path: append(slices.Clone(a.path), keys...)} }

// same is another look at the same place.
func (a at) same(pointer string) at {
	return at{path: a.path, open: append(slices.Clone(a.open), pointer)}
}

// into is a part of the same value: of anyOf, for example.
func (a at) into(keys ...string) at {
	return at{path: append(slices.Clone(a.path), keys...), open: a.open}
}

func (c *compiler) fail(a at, keyword, message string) *Part {
	if c.err == nil {
		path := a.path
		if path == nil {
			path = []string{}
		}
		c.err = &Error{Path: path, Keyword: keyword, Message: message}
	}
	return nothing()
}

func (c *compiler) unsupported(a at, keyword, hint string) *Part {
	if hint != "" {
		hint = " " + hint
	}
	return c.fail(a, keyword, "'"+clip(keyword)+"' is not supported."+hint)
}

func (c *compiler) schema(v *value, a at) *Part {
	if c.parts++; c.parts > maxParts {
		return c.fail(a, "", "the schema has more than "+strconv.Itoa(maxParts)+" parts. Make it smaller.")
	}
	switch {
	case c.err != nil:
		return nothing()
	case len(a.path) > 4*maxDepth:
		return c.fail(at{}, "", "schemas that contain and combine each other are nested deeper than "+strconv.Itoa(4*maxDepth)+" levels.")
	case v.kind == 't':
		return c.Value()
	case v.kind == 'f':
		return nothing()
	case v.kind != '{':
		return c.fail(a, "", "a schema must be an object or a boolean, not "+clip(v.String())+".")
	}
	c.known(v, a)
	for _, k := range []struct {
		key string
		do  func(*value, at) *Part
	}{{"$ref", c.reference}, {"allOf", c.allOf}, {"anyOf", c.anyOf}, {"oneOf", c.oneOf}, {"const", c.constant}, {"enum", c.enum}} {
		if v.has(k.key) && c.err == nil {
			return k.do(v, a)
		}
	}
	return c.typed(v, a)
}

// known refuses keywords that are in no table.
func (c *compiler) known(v *value, a at) {
	for _, key := range v.keys {
		if slices.Contains(combining, key) || slices.Contains(annotations, key) || strings.HasPrefix(key, "x-") {
			continue
		}
		found := false
		for _, of := range keywords {
			found = found || slices.Contains(of, key)
		}
		if !found {
			c.unsupported(a, key, hints[key])
			return
		}
	}
}

var hints = map[string]string{
	"additionalItems": "Use prefixItems and items.", "not": "Say what is allowed.", "if": "Use anyOf.",
	"patternProperties": "Use additionalProperties.", "dependentRequired": "Use anyOf.", "$dynamicRef": "Use $ref.",
}

// types is what a schema's type says, or what its keywords tell: those of one type alone mean that type.
func (c *compiler) types(v *value, a at) []string {
	t := v.get("type")
	switch {
	case t == nil:
		for _, name := range []string{"object", "array", "string", "number"} {
			if slices.ContainsFunc(keywords[name], v.has) {
				return []string{name}
			}
		}
		return nil
	case t.kind == '"':
		t = &value{kind: '[', items: []*value{t}}
	case t.kind != '[' || len(t.items) == 0:
		c.fail(a, "type", "'type' must be a string or a list of strings.")
		return nil
	}
	var out []string
	for _, item := range t.items {
		if _, ok := keywords[item.text]; item.kind != '"' || !ok {
			c.fail(a, "type", "'type' is "+clip(item.String())+", which is not one of object, array, string, number, integer, boolean and null.")
			return nil
		}
		if !slices.Contains(out, item.text) {
			out = append(out, item.text)
		}
	}
	return out
}

// typed is a schema without combining keywords.
func (c *compiler) typed(v *value, a at) *Part {
	names := c.types(v, a)
	if c.err != nil {
		return nothing()
	}
	if names == nil {
		return c.Value()
	}
	c.belong(v, names, a)
	var out []*Part
	for _, name := range names {
		switch name {
		case "object":
			out = append(out, c.object(v, a))
		case "array":
			out = append(out, c.list(v, a))
		case "string":
			out = append(out, c.str(v, a))
		case "number", "integer":
			if name == "integer" && slices.Contains(names, "number") {
				continue
			}
			out = append(out, c.numeric(v, name == "integer", a))
		case "boolean":
			out = append(out, boolean())
		case "null":
			out = append(out, Text("null"))
		}
	}
	return Alt(out...)
}

// belong refuses keywords of other types than those that the value may have: they would hold nothing.
func (c *compiler) belong(v *value, names []string, a at) {
	for _, key := range v.keys {
		owned, mine := false, false
		for name, of := range keywords {
			if slices.Contains(of, key) {
				owned = true
				mine = mine || slices.Contains(names, name)
			}
		}
		if owned && !mine {
			c.fail(a, key, "'"+key+"' does not go with the type "+strings.Join(names, " or ")+".")
			return
		}
	}
}

// count reads a keyword that is a whole number of at least 0; otherwise is returned where it is not given.
func (c *compiler) count(v *value, key string, a at, otherwise int) int {
	n := v.get(key)
	if n == nil {
		return otherwise
	}
	i, err := strconv.Atoi(strings.TrimSuffix(n.text, ".0"))
	if n.kind != '0' || err != nil || i < 0 {
		c.fail(a, key, "'"+key+"' must be a whole number of at least 0.")
		return otherwise
	}
	return i
}

// span reads a least and a largest count; −1 is no bound.
func (c *compiler) span(v *value, least, most string, a at) (lo, hi int) {
	lo, hi = c.count(v, least, a, 0), c.count(v, most, a, -1)
	if hi > maxLength {
		hi = maxLength
	}
	switch {
	case lo > maxLength:
		c.fail(a, least, "'"+least+"' is above "+strconv.Itoa(maxLength)+", the most that can be enforced.")
	case hi >= 0 && lo > hi:
		c.fail(a, least, "'"+least+"' is above '"+most+"'.")
	}
	return lo, hi
}

// Objects tells whether all that a schema allows is objects, as far as its root says: the type is object, or told by the
// keywords. A reference is followed.
func Objects(doc []byte) bool {
	root, err := parse(doc)
	if err != nil {
		return false
	}
	c := &compiler{Builder: New(), root: root}
	names := c.types(c.resolve(root, at{}), at{})
	return c.err == nil && len(names) == 1 && names[0] == "object"
}
