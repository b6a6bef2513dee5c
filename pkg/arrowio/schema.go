package arrowio

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/zeebo/xxh3"
)

// Schema is a batch's columns in order. It must not be changed once a batch or a builder has it.
type Schema struct {
	Fields   []Field
	Metadata map[string]string // carried along, not part of the fingerprint
}

// Index is where a column of that name is, -1 where none is.
func (s *Schema) Index(name string) int {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return i
		}
	}
	return -1
}

// Duplicate is the first name that two columns have, and false where none is.
func (s *Schema) Duplicate() (string, bool) {
	seen := make(map[string]bool, len(s.Fields))
	for i := range s.Fields {
		n := s.Fields[i].Name
		if seen[n] {
			return n, true
		}
		seen[n] = true
	}
	return "", false
}

// Fingerprint is the xxh3-128, in hex, of the columns' names, types, nullability and order. Metadata does not show.
func (s *Schema) Fingerprint() string {
	var b strings.Builder
	for i := range s.Fields {
		f := &s.Fields[i]
		b.WriteString(strconv.Quote(f.Name))
		b.WriteByte(':')
		b.WriteString(f.Type.String())
		if !f.Nullable {
			b.WriteString(" not null")
		}
		b.WriteByte('\n')
	}
	sum := xxh3.HashString128(b.String()).Bytes()
	return hex.EncodeToString(sum[:])
}

// String is the schema for people: "id: int64 not null, text: string".
func (s *Schema) String() string { return fieldsText(s.Fields) }

// Equal says whether two schemas are the same but for their metadata.
func (s *Schema) Equal(o *Schema) bool {
	return s == o || fieldsText(s.Fields) == fieldsText(o.Fields)
}

// Difference names the first column in which o differs from s; empty where they are equal.
func (s *Schema) Difference(o *Schema) string {
	if s == o {
		return ""
	}
	for i := range s.Fields {
		if i >= len(o.Fields) {
			return fmt.Sprintf("column %q is missing", s.Fields[i].Name)
		}
		if a, b := fieldsText(s.Fields[i:i+1]), fieldsText(o.Fields[i:i+1]); a != b {
			return fmt.Sprintf("column %d is %q, not %q", i, b, a)
		}
	}
	if len(o.Fields) > len(s.Fields) {
		return fmt.Sprintf("column %q is new", o.Fields[len(s.Fields)].Name)
	}
	return ""
}

type fieldJSON struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Nullable bool   `json:"nullable"`
}

// MarshalJSON writes [{"name","type","nullable"}], without metadata.
func (s *Schema) MarshalJSON() ([]byte, error) {
	fs := make([]fieldJSON, len(s.Fields))
	for i, f := range s.Fields {
		fs[i] = fieldJSON{f.Name, f.Type.String(), f.Nullable}
	}
	return json.Marshal(fs)
}

// UnmarshalJSON reads what MarshalJSON writes; an error names the column.
func (s *Schema) UnmarshalJSON(data []byte) error {
	var fs []fieldJSON
	if err := json.Unmarshal(data, &fs); err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	s.Fields, s.Metadata = make([]Field, len(fs)), nil
	for i, f := range fs {
		t, err := ParseType(f.Type)
		if err != nil {
			return fmt.Errorf("schema: column %q: %w", f.Name, err)
		}
		s.Fields[i] = Field{Name: f.Name, Type: t, Nullable: f.Nullable}
	}
	return nil
}
