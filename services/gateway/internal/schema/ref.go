package schema

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// reference is a rule of its own for what is referred to, so that schemas may contain themselves.
func (c *compiler) reference(v *value, a at) *Part {
	if rest := v.without("$ref"); c.asks(rest) {
		return c.schema(c.merge(rest, c.resolve(object("$ref", v.get("$ref")), a), a), a)
	}
	pointer := v.get("$ref").text
	if slices.Contains(a.open, pointer) {
		return c.fail(a, "$ref", "'$ref' "+clip(pointer)+" leads back to itself with nothing between.")
	}
	if p := c.refs[pointer]; p != nil {
		return p
	}
	target := c.find(v.get("$ref"), a)
	if target == nil {
		return nothing()
	}
	c.named++
	name := fmt.Sprintf("r%d", c.named)
	p := c.define(name, nothing())
	// Until it is done only what stands behind a character may use it; the others find themselves in open.
	c.refs[pointer] = p
	inner := c.schema(target, at{path: pathOf(pointer), open: append(slices.Clone(a.open), pointer)})
	c.define(name, inner)
	return p
}

// resolve follows references until there is a schema that is none, with what stands beside them.
func (c *compiler) resolve(v *value, a at) *value {
	for {
		ref := v.get("$ref")
		if ref == nil || c.err != nil {
			return v
		}
		if slices.Contains(a.open, ref.text) {
			c.fail(a, "$ref", "'$ref' "+clip(ref.text)+" leads back to itself with nothing between.")
			return v
		}
		target := c.find(ref, a)
		if target == nil {
			return v
		}
		a = a.same(ref.text)
		if rest := v.without("$ref"); c.asks(rest) {
			return c.merge(rest, c.resolve(target, a), a)
		}
		v = target
	}
}

// find looks up a reference within the schema.
func (c *compiler) find(ref *value, a at) *value {
	if ref.kind != '"' || ref.text != "#" && !strings.HasPrefix(ref.text, "#/") {
		c.fail(a, "$ref", "'$ref' "+clip(ref.String())+" is not supported. Refer to a place in the same schema, such as #/$defs/name.")
		return nil
	}
	v := c.root
	for _, key := range pathOf(ref.text) {
		if v.kind == '[' {
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(v.items) {
				v = nil
			} else {
				v = v.items[i]
			}
		} else {
			v = v.get(key)
		}
		if v == nil {
			c.fail(a, "$ref", "'$ref' "+clip(ref.text)+" leads nowhere in the schema.")
			return nil
		}
	}
	return v
}

var unescape = strings.NewReplacer("~1", "/", "~0", "~")

// pathOf splits a JSON pointer in a fragment.
func pathOf(pointer string) []string {
	rest := strings.TrimPrefix(strings.TrimPrefix(pointer, "#"), "/")
	if rest == "" {
		return []string{}
	}
	out := strings.Split(rest, "/")
	for i := range out {
		out[i] = unescape.Replace(out[i])
	}
	return out
}
