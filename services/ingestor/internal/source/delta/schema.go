package delta

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/leathq/leat/pkg/arrowio"
)

type structType struct {
	Fields []struct {
		Name     string          `json:"name"`
		Type     json.RawMessage `json:"type"`
		Nullable bool            `json:"nullable"`
	} `json:"fields"`
}

// primitives pairs Delta's types with Arrow's, as its own writers do.
var primitives = map[string]arrowio.Type{
	"string": {Kind: arrowio.String}, "long": {Kind: arrowio.Int64}, "integer": {Kind: arrowio.Int32}, "short": {Kind: arrowio.Int16}, "byte": {Kind: arrowio.Int8},
	"float": {Kind: arrowio.Float32}, "double": {Kind: arrowio.Float64}, "boolean": {Kind: arrowio.Bool}, "binary": {Kind: arrowio.Binary}, "date": {Kind: arrowio.Date32},
	"timestamp": {Kind: arrowio.Timestamp, Unit: arrowio.Micro, Zone: "UTC"}, "timestamp_ntz": {Kind: arrowio.Timestamp, Unit: arrowio.Micro},
}

// maxDepth bounds a schema's nesting.
const maxDepth = 64

// fieldsOf reads a schemaString.
func fieldsOf(schema string) ([]arrowio.Field, error) {
	t, err := typeOf(json.RawMessage(schema), 0)
	if err != nil {
		return nil, err
	}
	if t.Kind != arrowio.Struct {
		return nil, fmt.Errorf("the schema is a %s, not a struct", t)
	}
	return t.Elem, nil
}

func typeOf(raw json.RawMessage, depth int) (arrowio.Type, error) {
	if depth > maxDepth {
		return arrowio.Type{}, fmt.Errorf("the schema has more than %d levels", maxDepth)
	}
	var name string
	if json.Unmarshal(raw, &name) == nil {
		return primitive(name)
	}
	var t struct {
		Type          string          `json:"type"`
		Element       json.RawMessage `json:"elementType"`
		ContainsNull  bool            `json:"containsNull"`
		Key           json.RawMessage `json:"keyType"`
		Value         json.RawMessage `json:"valueType"`
		ValueNullable bool            `json:"valueContainsNull"`
		structType
	}
	if err := json.Unmarshal(raw, &t); err != nil {
		return arrowio.Type{}, fmt.Errorf("the schema cannot be read: %w", err)
	}
	switch t.Type {
	case "struct":
		return structOf(t.structType, depth)
	case "array":
		e, err := typeOf(t.Element, depth+1)
		return arrowio.Type{Kind: arrowio.List, Elem: []arrowio.Field{{Name: "element", Type: e, Nullable: t.ContainsNull}}}, err
	case "map":
		k, err := typeOf(t.Key, depth+1)
		if err != nil {
			return k, err
		}
		v, err := typeOf(t.Value, depth+1)
		return arrowio.Type{Kind: arrowio.Map, Elem: []arrowio.Field{{Name: "key", Type: k}, {Name: "value", Type: v, Nullable: t.ValueNullable}}}, err
	}
	return arrowio.Type{}, fmt.Errorf("the schema has the type %q, which is not supported", t.Type)
}

func primitive(name string) (arrowio.Type, error) {
	if t, ok := primitives[name]; ok {
		return t, nil
	}
	if args, ok := strings.CutPrefix(name, "decimal"); ok {
		if args == "" {
			args = "(10, 0)"
		}
		if t, err := arrowio.ParseType("decimal128" + args); err == nil {
			return t, nil
		}
	}
	return arrowio.Type{}, fmt.Errorf("the schema has the type %q, which is not supported", name)
}

func structOf(s structType, depth int) (arrowio.Type, error) {
	out := arrowio.Type{Kind: arrowio.Struct}
	for _, f := range s.Fields {
		t, err := typeOf(f.Type, depth+1)
		if err != nil {
			return out, fmt.Errorf("column %q: %w", f.Name, err)
		}
		out.Elem = append(out.Elem, arrowio.Field{Name: f.Name, Type: t, Nullable: f.Nullable})
	}
	return out, nil
}
