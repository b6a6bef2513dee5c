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

func goldens(t testing.TB) []golden { return load(t, "testdata/cases.jsonl.gz") }

func load(t testing.TB, file string) []golden {
	t.Helper()
	f, err := os.Open(file)
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

// otherwise are patterns that RE2 in C++ takes and Go's reader of the same syntax does not. They are refused, not misread.
var otherwise = map[string]bool{`\C`: true, `(?P<é>a)`: true}

// A suite that Great Expectations runs goes through pandas, which picks an engine by pattern and column: the same one must be picked.
func TestAgreesWithPandas(t *testing.T) {
	cases, unsettled := load(t, "testdata/pandas.jsonl.gz"), map[string]bool{}
	for _, g := range cases {
		c, err := pyre.CompileContains(g.pattern)
		var r *pyre.Regexp
		if err == nil {
			r, err = c.For(pyre.FactsOf(column(g.texts)))
		}
		if refused := g.found == nil; refused != (err != nil) && !otherwise[g.pattern] {
			t.Errorf("%q on %q: %v; pandas refuses: %v", g.pattern, g.texts, err, refused)
		}
		if err != nil {
			continue
		}
		unsettled[g.pattern] = !c.Settled()
		for i, text := range g.texts {
			if found, err := r.Search([]byte(text)); err != nil || found != (g.found[i] == 1) {
				t.Errorf("%q in %q = %v, %v; pandas says %v", g.pattern, text, found, err, g.found[i] == 1)
			}
		}
	}
	if len(cases) < 5000 || unsettled[`^[A-Z]{2}\d{4}$`] || !unsettled[`\B`] {
		t.Fatalf("%d cases; patterns that wait for their column: %v", len(cases), unsettled)
	}
}
