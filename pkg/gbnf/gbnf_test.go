package gbnf_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/gbnf"
)

func mustParse(t testing.TB, text string) *gbnf.Grammar {
	t.Helper()
	g, err := gbnf.Parse(text)
	if err != nil {
		t.Fatalf("parse %q: %v", text, err)
	}
	return g
}

const jsonGrammar = `
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws
object ::= "{" ws ( string ":" ws value ("," ws string ":" ws value)* )? "}" ws
array  ::= "[" ws ( value ("," ws value)* )? "]" ws
string ::= "\"" ( [^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) )* "\"" ws # all but controls
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws
ws ::= | " " | "\n" [ \t]{0,20}
`

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		grammar string
		yes, no []string
	}{
		{`root ::= "a" "b"`, []string{"ab"}, []string{"", "a", "abc", "b"}},
		{`root ::= ""`, []string{""}, []string{"a"}},
		{`root ::= "a"?`, []string{"", "a"}, []string{"aa"}},
		{`root ::= "ab"*`, []string{"", "ab", "abab"}, []string{"aba", "b"}},
		{`root ::= [a-c0-9_-]+`, []string{"a", "b9_-"}, []string{"", "d", "a "}},
		{`root ::= [^a-c\n]`, []string{"d", "é", "日", "𝄞", "\u07ff", "\u0800", "\uffff"}, []string{"a", "\n", "", "dd"}},
		{`root ::= [α-ω日]`, []string{"α", "λ", "ω", "日"}, []string{"Ω", "月", "a"}},
		{`root ::= .`, []string{"x", "\n", "é", "𝄞", "\U0010ffff"}, []string{"", "xy", "\xff", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\x80"}},
		{`root ::= "\x41\u00e9\U0001D11E\n\t\r\\\"\[\]"`, []string{"Aé𝄞\n\t\r\\\"[]"}, nil},
		{`root ::= "é" [\x00-\x7f]`, []string{"éa", "é\x00"}, []string{"e\u0301", "éé"}},
		{`root ::= "a"{3}`, []string{"aaa"}, []string{"aa", "aaaa"}},
		{`root ::= "ab"{2,}`, []string{"abab", "ababab"}, []string{"ab", "ababa"}},
		{`root ::= [0-9]{0,2} "."`, []string{".", "1.", "12."}, []string{"123."}},
		{`root ::= "a"{2,4}`, []string{"aa", "aaa", "aaaa"}, []string{"a", "aaaaa"}},
		{`root ::= ("a" | "b" "c"){2} "d"`, []string{"aad", "bcad", "bcbcd"}, []string{"abd", "ad"}},
		{`root ::= "a"{0,0} "b"`, []string{"b"}, []string{"ab"}},
		{`root ::= ("a"?)* "b"`, []string{"b", "aaab"}, []string{"a", "ba"}},
		{`root ::= (("a"?)*)+ "b"`, []string{"b", "aaab"}, []string{"a", "ba"}},
		{"root ::= x y\nx ::= | \"a\"\ny ::= | \"b\" # end\n", []string{"", "a", "b", "ab"}, []string{"ba"}},
		{"# c\n\nroot ::= # c\n  \"a\" |\n  \"b\" ( \"c\" # in\n | \"d\"\n )\r\n", []string{"a", "bc", "bd"}, []string{"b"}},
		{`root ::= "(" root ")" | "x"`, []string{"x", "((x))", strings.Repeat("(", 3000) + "x" + strings.Repeat(")", 3000)}, []string{"((x)", "(x))"}},
		{"root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"d\"", []string{"d", "adb", strings.Repeat("a", 12) + "d" + strings.Repeat("bc", 6)}, []string{"ad", "adbb"}},
		{`root ::= "a" root | "a" root "b" | "c"`, []string{"ac", "aacb", "aacbb"}, []string{"aacbbb"}},
		{jsonGrammar, []string{`{}`, `{"a": [1, -2.5e3, "x\u00e9\n", true, {"b":null}]}`, `{"日本":[]}`},
			[]string{`{"a" 1}`, `[1]`, `{"a":01}`, "{\"a\nb\":1}", `{"a":1`}},
	} {
		g := mustParse(t, c.grammar)
		for _, s := range c.yes {
			if !g.Match(s) {
				t.Errorf("%s\ndoes not match %q", c.grammar, s)
			}
		}
		for _, s := range c.no {
			if g.Match(s) {
				t.Errorf("%s\nmatches %q", c.grammar, s)
			}
		}
	}
}

func TestErrorsSayWhereAndWhat(t *testing.T) {
	for _, c := range []struct {
		grammar string
		line    int
		want    string
	}{
		{"", 1, "no rule named root"},
		{`foo ::= "a"`, 1, "no rule named root"},
		{"root ::= \"a\"\nfoo ::= bar", 2, "bar is used here but defined nowhere"},
		{"root ::= \"a", 1, "not closed"},
		{"root ::= [a-", 1, "not closed"},
		{"root ::= []", 1, "empty character class"},
		{`root ::= [^\x00-\U0010FFFF]`, 1, "leaves no character"},
		{"root ::= [z-a]", 1, "empty"},
		{"root ::= (\"a\"\n", 2, "')' is expected"},
		{"\nroot ::= \"a\" )", 2, "does not fit"},
		{"root = \"a\"", 1, `"::=" is expected`},
		{"root ::= *", 1, "nothing before"},
		{`root ::= "a"{2,1}`, 1, "impossible"},
		{`root ::= "a"{x}`, 1, "a number is expected"},
		{`root ::= "a"{,3}`, 1, "a number is expected"},
		{`root ::= "a"{99999999999999999999}`, 1, "at most"},
		{`root ::= "\q"`, 1, "unknown escape"},
		{`root ::= "\x4"`, 1, "hexadecimal"},
		{`root ::= "\ud800"`, 1, "no character"},
		{"root ::= <think>", 1, "references to tokens"},
		{"root ::= \"a\"\nroot ::= \"b\"", 2, "defined twice"},
		{"root ::= root \"a\" | \"a\"", 1, "left recursion (root → root)"},
		{"root ::= \"x\" a\na ::= b\nb ::= \"y\"? (a | \"z\")", 2, "left recursion (a → b → a)"},
		{"root ::= \"a\" \x00", 1, "NUL"},
		{"root ::= \"\xff\"", 1, "UTF-8"},
		{"root ::= " + strings.Repeat("(", 300), 1, "nested"},
		{"root ::= x{60000}\nx ::= y{60000} z{60000} y{60000} z{60000}\n" + `y ::= "abc"` + "\n" + `z ::= "d"`, 2, "too large"},
		{"root ::= " + strings.Repeat(`"`+strings.Repeat("a", 1000)+`" `, 300), 1, "too large"},
	} {
		_, err := gbnf.Parse(c.grammar)
		var se *gbnf.SyntaxError
		if !errors.As(err, &se) || se.Line != c.line || !strings.Contains(se.Message, c.want) {
			t.Errorf("%.60q: got %v, want line %d: …%s…", c.grammar, err, c.line, c.want)
		}
	}
}

// A state is a value: going on from it twice gives the same, and does not change it.
func TestStatesAreValues(t *testing.T) {
	s := mustParse(t, jsonGrammar).Start().AcceptBytes([]byte(`{"k":`))
	a, b := s.AcceptBytes([]byte(`[1`)), s.AcceptRune('"')
	if !a.Alive() || !b.Alive() || a.AcceptBytes([]byte("}")).Alive() || !a.AcceptBytes([]byte("]}")).CanEnd() {
		t.Error("a copy of a state changed another")
	}
	if s != s.AcceptBytes(nil) || b.AcceptBytes([]byte("xy")) != b.AcceptBytes([]byte("z")) {
		t.Error("equal configurations are not equal states")
	}
}

func TestEndAndGoingOn(t *testing.T) {
	g := mustParse(t, `root ::= "a" "b"?`)
	a := g.Start().Accept('a')
	if !a.CanEnd() || !a.CanGoOn() {
		t.Error("after a: it may end and go on")
	}
	if b := a.Accept('b'); !b.CanEnd() || b.CanGoOn() || !b.Alive() {
		t.Error("after ab: it can only end")
	}
	if s := g.Start().Accept('x'); s.Alive() || s.CanEnd() || s.Accept('a').Alive() {
		t.Error("a dead state revived")
	}
}
