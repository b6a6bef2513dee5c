package schema

import (
	"slices"
	"strconv"
)

// checkStrict holds a schema to the rules of OpenAI's strict mode: every object closed, every property required.
func (c *compiler) checkStrict(v *value, path []string) {
	if v.kind != '{' || c.err != nil {
		return
	}
	here := at{path: append([]string{}, path...)}
	if t := v.get("type"); len(path) == 0 && !v.has("$ref") && (t == nil || t.text != "object") {
		got := "None"
		if t != nil {
			got = t.String()
		}
		c.fail(here, "type", "schema must be a JSON Schema of 'type: \"object\"', got 'type: "+got+"'.")
		return
	}
	if props := v.get("properties"); props != nil || v.get("type").named("object") {
		c.checkClosed(v, props, here)
	}
	for i, key := range v.keys {
		below := append(slices.Clone(path), key)
		switch key {
		case "properties", "$defs", "definitions":
			for j, name := range v.items[i].keys {
				c.checkStrict(v.items[i].items[j], append(slices.Clone(below), name))
			}
		case "items":
			c.checkStrict(v.items[i], below)
		case "anyOf", "allOf", "oneOf", "prefixItems":
			for j, item := range v.items[i].items {
				c.checkStrict(item, append(slices.Clone(below), strconv.Itoa(j)))
			}
		}
	}
}

func (v *value) named(name string) bool {
	if v == nil {
		return false
	}
	return v.text == name || slices.ContainsFunc(v.items, func(item *value) bool { return item.text == name })
}

func (c *compiler) checkClosed(v, props *value, here at) {
	if more := v.get("additionalProperties"); more == nil || more.kind != 'f' {
		c.fail(here, "additionalProperties", "'additionalProperties' is required to be supplied and to be false.")
		return
	}
	if props == nil {
		return
	}
	required := c.required(v, here)
	for _, name := range props.keys {
		if !slices.Contains(required, name) {
			c.fail(here, "required", "'required' is required to be supplied and to be an array including every key in properties. Missing '"+clip(name)+"'.")
			return
		}
	}
}
