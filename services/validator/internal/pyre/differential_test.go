package pyre_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"testing"

	"github.com/leathq/leat/services/validator/internal/pyre"
)

type golden struct {
	pattern string
	texts   []string
	found   []int // nil: refused
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
	for lines.Scan() {
		var g golden
		if err := json.Unmarshal(lines.Bytes(), &[]any{&g.pattern, &g.texts, &g.found}); err != nil {
			t.Fatal(err)
		}
		out = append(out, g)
	}
	return out
}

// What Python's re finds, and what it refuses, must be found and refused: a suite's verdict hangs on it.
func TestAgreesWithPython(t *testing.T) {
	cases, texts := 0, 0
	for _, g := range goldens(t) {
		cases++
		r, err := pyre.Compile(g.pattern)
		if refused := g.found == nil; refused != (err != nil) {
			t.Errorf("Compile(%q) = %v, Python refuses: %v", g.pattern, err, refused)
		}
		if err != nil {
			continue
		}
		for i, text := range g.texts {
			texts++
			found, err := r.Search([]byte(text))
			if err != nil || found != (g.found[i] == 1) {
				t.Errorf("%q in %q = %v, %v; Python says %v", g.pattern, text, found, err, g.found[i] == 1)
			}
		}
	}
	if cases < 5000 || texts < 50_000 {
		t.Fatalf("only %d patterns and %d texts were tried", cases, texts)
	}
}
