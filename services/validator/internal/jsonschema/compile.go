// Package jsonschema validates JSON as the Python library jsonschema does when Great Expectations calls jsonschema.validate: the schema's
// draft is told by $schema (draft 4 to 2020-12, the last by default), formats are not checked, numbers are Python's, patterns are
// Python's re. Schemas are checked against their meta-schemas by github.com/santhosh-tekuri/jsonschema.
// It fetches nothing: a reference to another document fails where it is reached. Draft 3 is refused.
package jsonschema

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"sync"

	meta "github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/leathq/leat/services/validator/internal/pyjson"
	"github.com/leathq/leat/services/validator/internal/pyre"
)

// draft of the specification.
type draft int

const (
	draft4 draft = 4 + iota
	_
	draft6
	draft7
	draft2019
	draft2020
)

var drafts = map[string]draft{
	"http://json-schema.org/draft-04/schema":       draft4,
	"http://json-schema.org/draft-06/schema":       draft6,
	"http://json-schema.org/draft-07/schema":       draft7,
	"https://json-schema.org/draft/2019-09/schema": draft2019,
	"https://json-schema.org/draft/2020-12/schema": draft2020,
}

const draft3URL = "http://json-schema.org/draft-03/schema"

// draftOf is the draft that a schema names, else the given one.
func draftOf(schema any, otherwise draft) draft {
	o, ok := schema.(*pyjson.Object)
	if !ok {
		return otherwise
	}
	url, _ := o.Values["$schema"].(string)
	if d, ok := drafts[strings.TrimSuffix(url, "#")]; ok {
		return d
	}
	return otherwise
}

// SchemaError is a schema that its meta-schema refuses.
type SchemaError struct{ Reason string }

func (e *SchemaError) Error() string { return "JSON schema: " + e.Reason }

// Schema is a compiled schema. It may be used from several goroutines at once.
type Schema struct {
	root      any
	draft     draft
	resources map[string]any // by address without fragment; the root's may be ""
	anchors   map[string]map[string]anchor
	base      string
	keywords  map[string]keyword

	mu       sync.Mutex
	patterns map[string]*pyre.Regexp
}

// Compile reads a schema that pyjson.Parse has read. The error is a *SchemaError: the library raises it whatever the data.
func Compile(schema any) (*Schema, error) {
	o, ok := schema.(*pyjson.Object)
	if _, is := schema.(bool); !ok && !is {
		return nil, &SchemaError{"a schema is an object or a boolean"}
	}
	if ok {
		if url, _ := o.Values["$schema"].(string); strings.TrimSuffix(url, "#") == draft3URL {
			return nil, &SchemaError{"draft 3 is not supported; write the schema in draft 4 or later"}
		}
	}
	s := &Schema{root: schema, draft: draftOf(schema, draft2020), resources: map[string]any{}, anchors: map[string]map[string]anchor{},
		patterns: map[string]*pyre.Regexp{}, keywords: table()}
	if err := checkSchema(schema, s.draft); err != nil {
		return nil, err
	}
	s.base = s.idOf(schema, s.draft)
	s.resources[""] = schema
	return s, s.crawl(schema, "", s.draft)
}

var metaSchemas struct {
	sync.Mutex
	known map[draft]*meta.Schema
}

// metaSchema is compiled when it is first needed. As in Python, of all formats only "regex" is checked.
func metaSchema(d draft) (*meta.Schema, error) {
	metaSchemas.Lock()
	defer metaSchemas.Unlock()
	if m, ok := metaSchemas.known[d]; ok {
		return m, nil
	}
	c := meta.NewCompiler()
	c.AssertFormat()
	c.UseRegexpEngine(func(p string) (meta.Regexp, error) {
		r, err := pyre.Compile(p)
		return regexp{r}, err
	})
	for _, f := range []string{"uri", "uri-reference", "json-pointer", "uri-template", "date-time"} {
		c.RegisterFormat(&meta.Format{Name: f, Validate: func(any) error { return nil }})
	}
	for url, known := range drafts {
		if known != d {
			continue
		}
		m, err := c.Compile(url)
		if err != nil {
			return nil, fmt.Errorf("compile the meta-schema %s: %w", url, err)
		}
		if metaSchemas.known == nil {
			metaSchemas.known = map[draft]*meta.Schema{}
		}
		metaSchemas.known[d] = m
		return m, nil
	}
	return nil, fmt.Errorf("no meta-schema of draft %d", d)
}

// regexp is a pattern as the other library wants it. A pattern that runs away does not match.
type regexp struct{ *pyre.Regexp }

func (r regexp) MatchString(s string) bool {
	ok, err := r.Search([]byte(s))
	return ok && err == nil
}

func checkSchema(schema any, d draft) error {
	m, err := metaSchema(d)
	if err != nil {
		return err
	}
	if err := m.Validate(relaxed(foreign(schema), d)); err != nil {
		return &SchemaError{strings.Join(strings.Fields(err.Error()), " ")}
	}
	return nil
}

// foreign is a value as the other library reads it.
func foreign(v any) any {
	switch v := v.(type) {
	case *big.Int:
		return json.Number(v.String())
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = foreign(v[i])
		}
		return out
	case *pyjson.Object:
		out := map[string]any{}
		for name, member := range v.Values {
			out[name] = foreign(member)
		}
		return out
	}
	return v
}

// relaxed is a schema without what the Python library's meta-schemas let pass and the published ones do not: in drafts 6 and 7 enums that
// are empty or repeat themselves, and in draft 4 references that are no text.
func relaxed(v any, d draft) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = relaxed(v[i], d)
		}
	case map[string]any:
		if _, text := v["$ref"].(string); !text && d == draft4 {
			delete(v, "$ref")
		}
		for name, member := range v {
			if _, list := member.([]any); list && name == "enum" && (d == draft6 || d == draft7) {
				member = []any{true}
			}
			v[name] = relaxed(member, d)
		}
	}
	return v
}

// strict refuses what those meta-schemas refuse and the published ones let pass: in draft 4, lengths that are floats; in draft 6, names of
// patternProperties that are no patterns.
func strict(o *pyjson.Object, d draft) error {
	if d == draft4 {
		for _, k := range []string{"maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties"} {
			if _, float := o.Values[k].(float64); float {
				return &SchemaError{k + " is not an integer"}
			}
		}
	}
	patterns, ok := o.Values["patternProperties"].(*pyjson.Object)
	if d != draft6 || !ok {
		return nil
	}
	for _, n := range patterns.Names {
		if _, err := pyre.Compile(n); err != nil {
			return &SchemaError{err.Error()}
		}
	}
	return nil
}

func (s *Schema) pattern(p string) *pyre.Regexp {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.patterns[p]; ok {
		return r
	}
	r, err := pyre.Compile(p)
	if err != nil {
		panic(raised{err})
	}
	s.patterns[p] = r
	return r
}

func (s *Schema) found(p, text string) bool {
	ok, err := s.pattern(p).Search([]byte(text))
	if err != nil {
		panic(raised{err})
	}
	return ok
}
