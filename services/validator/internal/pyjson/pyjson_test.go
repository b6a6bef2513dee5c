package pyjson_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/leathq/leat/services/validator/internal/pyjson"
	"github.com/leathq/leat/services/validator/internal/repr"
)

type golden struct {
	text  string
	again *string // nil: refused
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
	for lines := bufio.NewScanner(z); lines.Scan(); {
		var g golden
		if err := json.Unmarshal(lines.Bytes(), &[]any{&g.text, &g.again}); err != nil {
			t.Fatal(err)
		}
		out = append(out, g)
	}
	return out
}

// dump is json.dumps.
func dump(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		if v {
			return append(dst, "true"...)
		}
		return append(dst, "false"...)
	case *big.Int:
		return v.Append(dst, 10)
	case float64:
		return repr.JSONFloat(dst, v)
	case string:
		return repr.JSON(dst, v)
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = dump(dst, e)
		}
		return append(dst, ']')
	}
	o := v.(*pyjson.Object)
	dst = append(dst, '{')
	for i, name := range o.Names {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(repr.JSON(dst, name), ": "...)
		dst = dump(dst, o.Values[name])
	}
	return append(dst, '}')
}

// A text is JSON where json.loads takes it, and reads as what json.loads reads.
func TestAgreesWithPython(t *testing.T) {
	cases, taken := goldens(t), 0
	for _, g := range cases {
		name := g.text[:min(len(g.text), 80)]
		err := pyjson.Check([]byte(g.text))
		v, err2 := pyjson.Parse([]byte(g.text))
		if (err == nil) != (g.again != nil) || (err2 == nil) != (err == nil) {
			t.Errorf("%q: Check %v, Parse %v, Python refuses: %v", name, err, err2, g.again == nil)
			continue
		}
		if err != nil {
			continue
		}
		taken++
		if got := string(dump(nil, v)); got != *g.again {
			t.Errorf("%q reads as %s, in Python as %s", name, got, *g.again)
		}
	}
	if len(cases) < 10_000 || taken < 4000 {
		t.Fatalf("%d cases, %d of them taken, are too few", len(cases), taken)
	}
}

// Nesting ends where Great Expectations' call of json.loads meets Python's limit: measured with the real one, arrays and objects.
func TestDepthLimit(t *testing.T) {
	for depth, ok := range map[int]bool{976: true, 977: false, 1_000_000: false} {
		text := strings.Repeat("[", depth) + strings.Repeat("]", depth)
		if err := pyjson.Check([]byte(text)); (err == nil) != ok {
			t.Errorf("depth %d: %v", depth, err)
		}
	}
}

// No text makes it panic, and what Check takes Parse can read.
func FuzzParse(f *testing.F) {
	for i, g := range goldens(f) {
		if i%101 == 0 && len(g.text) < 500 {
			f.Add([]byte(g.text))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		err := pyjson.Check(text)
		v, err2 := pyjson.Parse(text)
		if (err == nil) != (err2 == nil) {
			t.Errorf("Check: %v, Parse: %v", err, err2)
		}
		if err2 == nil {
			dump(nil, v)
		}
	})
}
