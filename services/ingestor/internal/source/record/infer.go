// Package record turns records of JSON, as HTTP APIs, topics and subjects have them, into rows of a schema, which is given or inferred from a sample.
// A record that does not fit is refused with the reason; nothing is cast in silence. It reads no files and speaks to nobody.
package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/leathq/leat/pkg/arrowio"
)

// Infer finds the schema of a sample of JSON objects: columns in the order in which they first appear, all nullable. Whole numbers are int64, other
// numbers and mixtures of both float64, texts strings, true and false bools; objects, lists and mixtures of anything else are strings with their JSON.
// What is null everywhere is a string. An element that is no object is an error that says which.
func Infer(sample []json.RawMessage) (*arrowio.Schema, error) {
	s := &arrowio.Schema{}
	at := map[string]int{}
	for i, raw := range sample {
		err := fields(raw, func(name string, v json.RawMessage) error {
			j, ok := at[name]
			if !ok {
				j = len(s.Fields)
				at[name] = j
				s.Fields = append(s.Fields, arrowio.Field{Name: name, Nullable: true})
			}
			s.Fields[j].Type.Kind = join(s.Fields[j].Type.Kind, kindOf(v))
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("record %d of the sample: %w", i+1, err)
		}
	}
	for i := range s.Fields {
		if s.Fields[i].Type.Kind == arrowio.Null {
			s.Fields[i].Type.Kind = arrowio.String
		}
	}
	return s, nil
}

func kindOf(v json.RawMessage) arrowio.Kind {
	switch v[0] {
	case 'n':
		return arrowio.Null
	case 't', 'f':
		return arrowio.Bool
	case '{', '[', '"':
		if v[0] == '"' {
			return arrowio.String
		}
		return arrowio.Other // JSON; a string in the end
	}
	if _, err := json.Number(v).Int64(); err == nil {
		return arrowio.Int64
	}
	return arrowio.Float64
}

// join is the kind that holds values of both.
func join(a, b arrowio.Kind) arrowio.Kind {
	if b == arrowio.Other {
		b = arrowio.String
	}
	switch {
	case a == b || b == arrowio.Null:
		return a
	case a == arrowio.Null:
		return b
	case a == arrowio.Int64 && b == arrowio.Float64 || a == arrowio.Float64 && b == arrowio.Int64:
		return arrowio.Float64
	}
	return arrowio.String
}

// fields calls f for the members of an object in their order. A name twice is an error: which of the two is meant is not known.
func fields(raw []byte, f func(name string, v json.RawMessage) error) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	t, err := dec.Token()
	if err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	if t != json.Delim('{') {
		return fmt.Errorf("not a JSON object but %s", shorten(raw))
	}
	seen := map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return fmt.Errorf("not JSON: %w", err)
		}
		name, _ := t.(string)
		if seen[name] {
			return fmt.Errorf("has the field %q twice", name)
		}
		seen[name] = true
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			return fmt.Errorf("not JSON: %w", err)
		}
		if err := f(name, v); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("more follows after the JSON object")
	}
	return nil
}

func shorten(raw []byte) string {
	const shown = 60
	s := strings.TrimSpace(string(raw))
	if len(s) > shown {
		return s[:shown] + "…"
	}
	return s
}
