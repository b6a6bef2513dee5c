package gbnf_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/gbnf"
)

// hostile grammars would take exponential time, or memory without end, in a matcher that keeps every stack by itself.
var hostile = map[string]string{
	"two ways a step":       `root ::= "a" root "b" | "a" root "c" | "d"`,
	"ambiguous counts":      `root ::= (("a"{0,100}){0,100}){0,100} "b"`,
	"ambiguous list":        "root ::= x{1000}\nx ::= (\"a\" | \"aa\" | \"aaa\")* y\ny ::= \"b\"?",
	"growing stacks":        "root ::= \"a\" root ws | \"a\"\nws ::= \" \"*",
	"growing, many ways":    "root ::= \"a\" root x? | \"a\" root \"a\"? | \"a\"\nx ::= \"a\" x? | \"a\" root",
	"everything everywhere": "root ::= (a | b | c)*\na ::= \"a\" (root \"a\")?\nb ::= \"a\" (root \"b\")?\nc ::= \"a\" (root root \"a\")?",
}

func TestHostileGrammarsAreBounded(t *testing.T) {
	var pieces [][]byte
	for n := 1; n < 40; n++ {
		pieces = append(pieces, []byte(strings.Repeat("a", n)), []byte(strings.Repeat("a", n)+"b"))
	}
	v := gbnf.NewVocab(pieces)
	for name, text := range hostile {
		t.Run(name, func(t *testing.T) {
			g, err := gbnf.Parse(text)
			if err != nil {
				t.Logf("refused: %v", err)
				return
			}
			s, n := g.Start(), 0
			for ; n < 400 && s.Alive(); n++ {
				if _, err := v.Allowed(s); err != nil && !errors.Is(err, gbnf.ErrTooComplex) {
					t.Fatal(err)
				}
				s = s.Accept('a')
			}
			if n < 20 {
				t.Errorf("refused after %d bytes", n)
			}
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			t.Logf("read %d bytes; remembers %d KiB; heap %d KiB", n, g.CacheBytes()>>10, m.HeapAlloc>>10)
			if g.CacheBytes() > 2*gbnf.MaxCache {
				t.Errorf("the grammar remembers %d bytes, the bound is %d", g.CacheBytes(), gbnf.MaxCache)
			}
		})
	}
}

// A grammar that begins anew in the middle of a match goes on as if it had not.
func TestForgettingChangesNothing(t *testing.T) {
	g := mustParse(t, jsonGrammar)
	text := `{"key": [1, {"a": "b\n", "c": [[], {}]}, true]}`
	s, other := g.Start(), g.Start()
	for i := range len(text) {
		s, other = s.Accept(text[i]), other.Accept(text[i])
		g.Forget()
	}
	if !s.CanEnd() || s.CanGoOn() != other.CanGoOn() || !other.CanEnd() {
		t.Error("the match was lost")
	}
}

func TestLargeGrammar(t *testing.T) {
	var b strings.Builder
	b.WriteString("root ::= ")
	for i := range 1000 {
		fmt.Fprintf(&b, "\"value-%d\" | ", i)
	}
	b.WriteString(`[^"\n]{0,2000} "!"`)
	g := mustParse(t, b.String())
	if !g.Match("value-77") || !g.Match(strings.Repeat("é", 2000)+"!") || g.Match(strings.Repeat("é", 2001)+"!") {
		t.Error("a large grammar matches wrongly")
	}
}

func FuzzGrammar(f *testing.F) {
	f.Add(jsonGrammar, `{"a":[1,"é"]}`)
	for _, text := range hostile {
		f.Add(text, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab")
	}
	v := gbnf.NewVocab([][]byte{[]byte("a"), []byte("aa"), []byte("\xc3"), []byte("\"}"), []byte("b")})
	f.Fuzz(func(t *testing.T, text, input string) {
		g, err := gbnf.Parse(text)
		if err != nil {
			var se *gbnf.SyntaxError
			if !errors.As(err, &se) || se.Line < 1 || se.Column < 1 || se.Message == "" {
				t.Fatalf("error %#v", err)
			}
			return
		}
		s := g.Start()
		for i := 0; i < len(input) && i < 200 && s.Alive(); i++ {
			m, err := v.Allowed(s)
			if err == nil && m.Has(0) != s.Accept('a').Alive() {
				t.Fatalf("token and byte disagree after %q", input[:i])
			}
			s = s.Accept(input[i])
		}
		if g.Start().AcceptBytes([]byte(input[:min(len(input), 200)])) != s && s.Alive() && g.CacheBytes() < gbnf.MaxCache/2 {
			t.Fatal("the same bytes lead to another state")
		}
	})
}
