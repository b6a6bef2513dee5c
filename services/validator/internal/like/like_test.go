package like_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/leathq/leat/services/validator/internal/like"
)

// A text is like a pattern if and only if SQLite says so.
func TestAgreesWithSQLite(t *testing.T) {
	f, err := os.Open("testdata/cases.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	cases, alike := 0, 0
	for lines := bufio.NewScanner(z); lines.Scan(); {
		var pattern, escape string
		var texts []string
		var want []int
		if err := json.Unmarshal(lines.Bytes(), &[]any{&pattern, &escape, &texts, &want}); err != nil {
			t.Fatal(err)
		}
		p, err := like.CompileEscape(pattern, append([]rune(escape), 0)[0])
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range texts {
			cases++
			alike += want[i]
			if got := p.Match([]byte(text)); got != (want[i] == 1) {
				t.Errorf("%q LIKE %q ESCAPE %q = %v, SQLite: %v", text, pattern, escape, got, !got)
			}
		}
	}
	if cases < 50_000 || alike < 5000 {
		t.Fatalf("%d cases with %d matches are too few", cases, alike)
	}
}

// SQLite refuses patterns above its limit; so must we, or the verdict would differ.
func TestRefusesLongPatterns(t *testing.T) {
	if _, err := like.Compile(strings.Repeat("a", 50001)); err == nil {
		t.Error("a pattern of 50001 bytes was taken")
	}
	if _, err := like.Compile(strings.Repeat("a", 50000)); err != nil {
		t.Error(err)
	}
}

// No pattern and no text, UTF-8 or not, makes it panic.
func FuzzMatch(f *testing.F) {
	f.Add("%é_", "xéy", '!')
	f.Fuzz(func(_ *testing.T, pattern, text string, escape rune) {
		if p, err := like.CompileEscape(pattern, escape); err == nil {
			p.Match([]byte(text))
		}
	})
}
