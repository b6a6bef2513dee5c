package table

import (
	"fmt"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source"
)

// Shape is what a sample has shown of a value's type. The zero value has seen nothing. Whole numbers and others together are doubles; an object's
// fields are all that any of them had; everything else that differs is a conflict, which a declared type settles.
type Shape struct {
	kind   arrowio.Kind // Null: nothing but nulls
	first  string       // where the kind was seen
	fields []string
	of     map[string]*Shape // Struct
	elem   *Shape            // List
	err    error
}

// maxShape bounds how many different fields objects may have before that looks like a map.
const maxShape = 2000

// See notes a value of a kind: Bool, Int64, Uint64 (a whole number beyond int64), Float64, String, List or Struct; of nulls nothing need be said.
func (s *Shape) See(k arrowio.Kind, where string) {
	number := func(k arrowio.Kind) bool { return k == arrowio.Int64 || k == arrowio.Float64 }
	switch {
	case s.kind == k:
	case s.kind == arrowio.Null:
		s.kind, s.first = k, where
	case number(s.kind) && number(k):
		s.kind = arrowio.Float64
	case s.kind == arrowio.Uint64 && k == arrowio.Int64 || s.kind == arrowio.Int64 && k == arrowio.Uint64:
		s.kind = arrowio.Uint64
	case s.err == nil:
		s.err = fmt.Errorf("is %s at %s and %s at %s", kindText(s.kind), s.first, kindText(k), where)
	}
}

// Widen is See for texts: what is not of one kind is a string.
func (s *Shape) Widen(k arrowio.Kind, where string) {
	if s.See(k, where); s.err != nil {
		s.kind, s.err = arrowio.String, nil
	}
}

func kindText(k arrowio.Kind) string {
	switch k {
	case arrowio.Struct:
		return "an object"
	case arrowio.List:
		return "an array"
	}
	return arrowio.Type{Kind: k}.String()
}

// Field is the shape of an object's field.
func (s *Shape) Field(name string) *Shape {
	f := s.of[name]
	if f != nil {
		return f
	}
	if s.of == nil {
		s.of = map[string]*Shape{}
	}
	f = &Shape{}
	s.of[name] = f
	s.fields = append(s.fields, name)
	if len(s.fields) > maxShape && s.err == nil {
		s.err = fmt.Errorf("has over %d different fields", maxShape)
	}
	return f
}

// Elem is the shape of an array's elements.
func (s *Shape) Elem() *Shape {
	if s.elem == nil {
		s.elem = &Shape{}
	}
	return s.elem
}

// Fields are an object's fields as columns, in the order in which they were first seen; all may be null. What was null everywhere is a string. Fields
// that skip names are left out, so that a conflict in them does no harm.
func (s *Shape) Fields(skip func(name string) bool) ([]arrowio.Field, error) {
	if s.err != nil {
		return nil, source.Errorf(source.Schema, "the records' schema cannot be inferred: a record %w; declare `columns`", s.err)
	}
	var out []arrowio.Field
	for _, n := range s.fields {
		if skip != nil && skip(n) {
			continue
		}
		t, err := s.of[n].typ(n)
		if err != nil {
			return nil, source.Errorf(source.Schema, "the schema cannot be inferred: %w; declare the column's type, or `type: json`", err)
		}
		out = append(out, arrowio.Field{Name: n, Type: t, Nullable: true})
	}
	return out, nil
}

func (s *Shape) typ(at string) (arrowio.Type, error) {
	if s.err != nil {
		return arrowio.Type{}, fmt.Errorf("field %q %w", at, s.err)
	}
	switch s.kind {
	case arrowio.Null:
		return arrowio.Type{Kind: arrowio.String}, nil
	case arrowio.List:
		t, err := s.Elem().typ(at + "[]")
		return arrowio.Type{Kind: arrowio.List, Elem: []arrowio.Field{{Name: "item", Type: t, Nullable: true}}}, err
	case arrowio.Struct:
		out := arrowio.Type{Kind: arrowio.Struct}
		for _, n := range s.fields {
			t, err := s.of[n].typ(at + "." + n)
			if err != nil {
				return out, err
			}
			out.Elem = append(out.Elem, arrowio.Field{Name: n, Type: t, Nullable: true})
		}
		return out, nil
	}
	return arrowio.Type{Kind: s.kind}, nil
}

// Skips says which fields' types do not matter: those that are dropped, and those whose columns have a declared type.
func (o *Options) Skips() func(name string) bool {
	skip := map[string]bool{}
	for _, d := range o.Drop {
		skip[d] = true
	}
	typed, open := map[string]bool{}, map[string]bool{}
	for _, c := range o.Columns {
		if c.Const != nil {
			continue
		}
		from := c.From
		if from == "" {
			from = c.Name
		}
		steps, err := ParsePath(from)
		if err != nil {
			continue
		}
		if c.Type == "" {
			open[steps[0].Key] = true
		} else {
			typed[steps[0].Key] = true
		}
	}
	return func(n string) bool { return skip[n] || !open[n] && (typed[n] || o.Rest == Drop) }
}
