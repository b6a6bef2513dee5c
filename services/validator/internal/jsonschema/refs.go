package jsonschema

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/leathq/leat/services/validator/internal/pyjson"
)

// anchor is a named place; a dynamic one gives way to the outermost of its name.
type anchor struct {
	schema  any
	dynamic bool
}

// scope is where references start from, and the addresses that led there.
type scope struct {
	base string
	prev *scope
}

func (sc *scope) at(base string) *scope {
	if sc != nil && sc.base == base {
		return sc
	}
	return &scope{base: base, prev: sc}
}

// idOf is the address that a schema gives itself, "" if none. Beside $ref it did not count before 2019.
func (s *Schema) idOf(schema any, d draft) string {
	o, ok := schema.(*pyjson.Object)
	if !ok {
		return ""
	}
	name := "$id"
	if d == draft4 {
		name = "id"
	}
	id, _ := o.Values[name].(string)
	if _, ref := o.Values["$ref"]; ref && d < draft2019 || strings.HasPrefix(id, "#") {
		return ""
	}
	return strings.TrimSuffix(id, "#")
}

func join(base, ref string) string {
	b, err := url.Parse(base)
	r, err2 := url.Parse(ref)
	if err != nil || err2 != nil {
		return ref
	}
	return strings.TrimSuffix(b.ResolveReference(r).String(), "#")
}

// span is from which draft to which a keyword holds schemas; zero is without a limit.
type span struct{ since, until draft }

func (s span) has(d draft) bool { return s.since <= d && (s.until == 0 || d <= s.until) }

var (
	oneSchema = map[string]span{"additionalItems": {until: draft2019}, "additionalProperties": {}, "contains": {since: draft6}, "contentSchema": {since: draft2019},
		"else": {since: draft7}, "if": {since: draft7}, "items": {}, "not": {}, "propertyNames": {since: draft6}, "then": {since: draft7},
		"unevaluatedItems": {since: draft2019}, "unevaluatedProperties": {since: draft2019}}
	someSchemas = map[string]span{"allOf": {}, "anyOf": {}, "oneOf": {}, "prefixItems": {since: draft2020}, "items": {until: draft2019}}
	byName      = map[string]span{"$defs": {since: draft2019}, "definitions": {}, "dependentSchemas": {since: draft2019}, "dependencies": {until: draft7}, "patternProperties": {}, "properties": {}}
)

// crawl notes the addresses and anchors of a schema and all in it.
func (s *Schema) crawl(schema any, base string, d draft) error {
	o, ok := schema.(*pyjson.Object)
	if !ok {
		return nil
	}
	d = draftOf(schema, d)
	if id := s.idOf(schema, d); id != "" {
		base = join(base, id)
		s.resources[base] = schema
	}
	s.name(o, base, d)
	if err := strict(o, d); err != nil {
		return err
	}
	for _, sub := range parts(o, d) {
		if err := s.crawl(sub, base, d); err != nil {
			return err
		}
	}
	return nil
}

// parts lists the schemas that a schema holds.
func parts(o *pyjson.Object, d draft) []any {
	var out []any
	for _, k := range o.Names {
		v := o.Values[k]
		list, _ := v.([]any)
		named, isNamed := v.(*pyjson.Object)
		if s, ok := oneSchema[k]; ok && s.has(d) && list == nil {
			out = append(out, v)
		}
		if s, ok := someSchemas[k]; ok && s.has(d) {
			out = append(out, list...)
		}
		if s, ok := byName[k]; !ok || !s.has(d) || !isNamed {
			continue
		}
		for _, n := range named.Names {
			out = append(out, named.Values[n])
		}
	}
	return out
}

func (s *Schema) name(o *pyjson.Object, base string, d draft) {
	put := func(name string, dynamic bool) {
		if s.anchors[base] == nil {
			s.anchors[base] = map[string]anchor{}
		}
		s.anchors[base][name] = anchor{o, dynamic}
	}
	for _, k := range []string{"$id", "id"} {
		if id, _ := o.Values[k].(string); d < draft2019 && strings.HasPrefix(id, "#") && (k == "id") == (d == draft4) {
			put(id[1:], false)
		}
	}
	if n, ok := o.Values["$anchor"].(string); ok && d >= draft2019 {
		put(n, false)
	}
	if n, ok := o.Values["$dynamicAnchor"].(string); ok && d == draft2020 {
		put(n, true)
	}
}

// lookup finds what a reference names, and the scope there. A document that is not here is an error of the data's validation, not of the
// schema: it is raised where it is reached.
func (s *Schema) lookup(ref string, sc *scope) (any, *scope) {
	uri := sc.base
	fragment, local := strings.CutPrefix(ref, "#")
	if !local {
		uri, fragment, _ = strings.Cut(join(sc.base, ref), "#")
	}
	resource, ok := s.resources[uri]
	if !ok && uri == s.base {
		resource, ok = s.root, true
	}
	if !ok {
		panic(raised{fmt.Errorf("reference %q: the document %q is not here, and none is fetched", ref, uri)})
	}
	sc = sc.at(uri)
	if plain, err := url.PathUnescape(fragment); err == nil {
		fragment = plain
	}
	switch {
	case fragment == "":
		return resource, sc
	case strings.HasPrefix(fragment, "/"):
		return s.pointer(resource, fragment, sc)
	}
	a, ok := s.anchors[uri][fragment]
	if !ok {
		panic(raised{fmt.Errorf("reference %q: no such anchor", ref)})
	}
	return s.outermost(a, fragment, sc)
}

func (s *Schema) outermost(a anchor, name string, sc *scope) (any, *scope) {
	last := a.schema
	for at := sc; at != nil && a.dynamic; at = at.prev {
		if b, ok := s.anchors[at.base][name]; ok && b.dynamic {
			last = b.schema
		}
	}
	return last, s.within(last, sc)
}

// within is the scope inside a schema that may have an address of its own.
func (s *Schema) within(schema any, sc *scope) *scope {
	if id := s.idOf(schema, draftOf(schema, s.draft)); id != "" {
		return sc.at(join(sc.base, id))
	}
	return sc
}

func (s *Schema) pointer(at any, path string, sc *scope) (any, *scope) {
	for _, part := range strings.Split(path[1:], "/") {
		part = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
		ok := false
		switch in := at.(type) {
		case *pyjson.Object:
			at, ok = in.Values[part]
		case []any:
			var i int
			if n, err := strconv.Atoi(part); err == nil && n >= 0 && n < len(in) {
				i, ok = n, true
				at = in[i]
			}
		}
		if !ok {
			panic(raised{fmt.Errorf("reference %q: nothing is there", path)})
		}
		sc = s.within(at, sc)
	}
	return at, sc
}

// recursive finds what $recursiveRef names: the outermost schema of those that allow it.
func (s *Schema) recursive(sc *scope) (any, *scope) {
	found, in := s.lookup("#", sc)
	for at := sc; at != nil && recursiveAnchor(found); at = at.prev {
		next, nextIn := s.lookup(at.base, sc)
		if !recursiveAnchor(next) {
			break
		}
		found, in = next, nextIn
	}
	return found, in
}

func recursiveAnchor(schema any) bool {
	o, ok := schema.(*pyjson.Object)
	if !ok {
		return false
	}
	on, _ := o.Values["$recursiveAnchor"].(bool)
	return on
}
