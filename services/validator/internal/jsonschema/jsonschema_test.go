package jsonschema_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"testing"

	"github.com/leathq/leat/services/validator/internal/jsonschema"
	"github.com/leathq/leat/services/validator/internal/pyjson"
)

type golden struct {
	schema string
	values []string
	valid  []*int // nil: the schema is refused; a nil member: raised
}

func goldens(t testing.TB) []golden {
	t.Helper()
	f, err := os.Open("testdata/cases.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var out []golden
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var g golden
		if err := json.Unmarshal(lines.Bytes(), &[]any{&g.schema, &g.values, &g.valid}); err != nil {
			t.Fatal(err)
		}
		out = append(out, g)
	}
	return out
}

func compile(t testing.TB, schema string) (*jsonschema.Schema, error) {
	t.Helper()
	v, err := pyjson.Parse([]byte(schema))
	if err != nil {
		t.Fatal(err)
	}
	return jsonschema.Compile(v)
}

// verdict is 1, 0, or -1 where there is none.
func verdict(valid bool, err error) int {
	switch {
	case err != nil:
		return -1
	case valid:
		return 1
	}
	return 0
}

// A schema is refused, and a value valid, where the Python library says so in any draft; and where it raises, there is an error.
func TestAgreesWithPython(t *testing.T) {
	values := 0
	for _, g := range goldens(t) {
		s, err := compile(t, g.schema)
		if refused := g.valid == nil; refused != (err != nil) {
			t.Errorf("Compile(%s) = %v; Python refuses: %v", g.schema, err, refused)
		}
		if err != nil {
			continue
		}
		for i, text := range g.values {
			values++
			want := -1
			if g.valid[i] != nil {
				want = *g.valid[i]
			}
			ok, err := s.ValidateText([]byte(text))
			if got := verdict(ok, err); got != want {
				t.Errorf("%s under %s = %d (%v), Python: %d", text, g.schema, got, err, want)
			}
		}
	}
	if values < 50_000 {
		t.Fatalf("%d values are too few", values)
	}
}

// No schema and no value makes it panic or run without end.
func FuzzValidate(f *testing.F) {
	for i, g := range goldens(f) {
		if i%37 == 0 && len(g.values) > 0 {
			f.Add([]byte(g.schema), []byte(g.values[i%len(g.values)]))
		}
	}
	f.Fuzz(func(_ *testing.T, schema, value []byte) {
		v, err := pyjson.Parse(schema)
		if err != nil || len(schema) > 500 || len(value) > 500 {
			return
		}
		if s, err := jsonschema.Compile(v); err == nil {
			s.ValidateText(value)
		}
	})
}
