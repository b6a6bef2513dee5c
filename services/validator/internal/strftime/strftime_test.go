package strftime_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"testing"

	"github.com/leathq/leat/services/validator/internal/strftime"
)

type golden struct {
	format   string
	texts    []string
	accepted []int // nil: strptime raises
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
		if err := json.Unmarshal(lines.Bytes(), &[]any{&g.format, &g.texts, &g.accepted}); err != nil {
			t.Fatal(err)
		}
		out = append(out, g)
	}
	return out
}

// A text matches a format if and only if strptime reads it; a format that strptime cannot compile is an error.
func TestAgreesWithStrptime(t *testing.T) {
	texts, accepted := 0, 0
	for _, g := range goldens(t) {
		f, err := strftime.Compile(g.format)
		if raised := g.accepted == nil; raised != (err != nil) {
			t.Errorf("Compile(%q) = %v; strptime raises: %v", g.format, err, raised)
		}
		if err != nil {
			continue
		}
		for i, text := range g.texts {
			texts++
			accepted += g.accepted[i]
			if got := f.Match([]byte(text)); got != (g.accepted[i] == 1) {
				t.Errorf("%q for %q = %v, strptime: %v", text, g.format, got, !got)
			}
		}
	}
	if texts < 20_000 || accepted < 3000 {
		t.Fatalf("%d texts, %d of them accepted, are too few", texts, accepted)
	}
}

// A format that no text can match says why, so that a report can.
func TestBadFormatSaysWhy(t *testing.T) {
	for format, bad := range map[string]bool{"%Y": false, "bad%": true, "%Q": true} {
		f, err := strftime.Compile(format)
		if err != nil || (f.Bad() != "") != bad {
			t.Errorf("%q: %v, bad: %q", format, err, f.Bad())
		}
	}
}

// No format and no text makes it panic.
func FuzzMatch(f *testing.F) {
	for i, g := range goldens(f) {
		if len(g.texts) > 20 && i%5 == 0 {
			f.Add(g.format, g.texts[20])
		}
	}
	f.Fuzz(func(t *testing.T, format, text string) {
		if len(format) > 60 || len(text) > 200 {
			return
		}
		if f, err := strftime.Compile(format); err == nil {
			f.Match([]byte(text))
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	for _, c := range [][2]string{{"%Y-%m-%d", "2024-02-28"}, {"%d %B %Y", "28 February 2024"}} {
		b.Run(c[0], func(b *testing.B) {
			f, err := strftime.Compile(c[0])
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if !f.Match([]byte(c[1])) {
					b.Fatal("refused")
				}
			}
		})
	}
}
