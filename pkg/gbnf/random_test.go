package gbnf_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/gbnf"
)

// node is a grammar for the reference: a matcher that tries everything.
type node struct {
	kind     string // lit, class, ref, seq, alt, rep
	text     string // of a literal, or the characters of a class
	negated  bool
	rule     int
	kids     []*node
	low, top int // rep; top −1: no end
}

func randomNode(r *rand.Rand, rules, depth int) *node {
	chars := []string{"a", "b", "é"}
	kinds := []string{"lit", "lit", "class", "ref", "seq", "seq", "alt", "rep"}
	kind := kinds[r.IntN(len(kinds))]
	if depth == 0 && kind != "ref" && kind != "class" {
		kind = "lit"
	}
	n := &node{kind: kind}
	switch kind {
	case "lit":
		for range r.IntN(3) {
			n.text += chars[r.IntN(3)]
		}
	case "class":
		n.text, n.negated = chars[r.IntN(3)], r.IntN(3) == 0
	case "ref":
		n.rule = r.IntN(rules)
	case "seq", "alt":
		for range 1 + r.IntN(3) {
			n.kids = append(n.kids, randomNode(r, rules, depth-1))
		}
	case "rep":
		n.kids = []*node{randomNode(r, rules, depth-1)}
		n.low = r.IntN(3)
		if n.top = n.low + r.IntN(3); r.IntN(2) == 0 {
			n.top = -1
		}
	}
	return n
}

func (n *node) String() string {
	var kids []string
	for _, k := range n.kids {
		kids = append(kids, k.String())
	}
	switch n.kind {
	case "lit":
		return `"` + n.text + `"`
	case "class":
		if n.negated {
			return "[^" + n.text + "]"
		}
		return "[" + n.text + "]"
	case "ref":
		return fmt.Sprintf("r%d", n.rule)
	case "seq":
		return "(" + strings.Join(kids, " ") + ")"
	case "alt":
		return "(" + strings.Join(kids, " | ") + ")"
	}
	if n.top < 0 {
		return fmt.Sprintf("(%s){%d,}", kids[0], n.low)
	}
	return fmt.Sprintf("(%s){%d,%d}", kids[0], n.low, n.top)
}

// reference finds every place of text where a match of n that begins at from may end.
type reference struct {
	rules []*node
	text  []rune
	memo  map[string]map[int]bool
}

func (m *reference) ends(n *node, from int) map[int]bool {
	key := fmt.Sprintf("%p %d", n, from)
	if out, ok := m.memo[key]; ok {
		return out
	}
	out := map[int]bool{}
	switch n.kind {
	case "lit":
		if strings.HasPrefix(string(m.text[from:]), n.text) {
			out[from+len([]rune(n.text))] = true
		}
	case "class":
		if from < len(m.text) && (string(m.text[from]) == n.text) != n.negated {
			out[from+1] = true
		}
	case "ref":
		out = m.ends(m.rules[n.rule], from)
	case "alt":
		for _, k := range n.kids {
			for e := range m.ends(k, from) {
				out[e] = true
			}
		}
	case "seq":
		out[from] = true
		for _, k := range n.kids {
			out = m.all(k, out)
		}
	case "rep":
		at := map[int]bool{from: true}
		for i := 0; len(at) > 0 && (n.top < 0 && i <= n.low+len(m.text) || i <= n.top); i++ {
			if i >= n.low {
				for e := range at {
					out[e] = true
				}
			}
			if i == n.top {
				break
			}
			at = m.all(n.kids[0], at)
		}
	}
	m.memo[key] = out
	return out
}

func (m *reference) all(n *node, from map[int]bool) map[int]bool {
	out := map[int]bool{}
	for f := range from {
		for e := range m.ends(n, f) {
			out[e] = true
		}
	}
	return out
}

// Random grammars accept exactly the prefixes that a matcher which tries everything accepts, and the set of allowed tokens is
// exactly the tokens that can be read; also where the grammar forgets what it knows in between.
func TestRandomGrammarsAgainstExhaustiveMatcher(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pieces := [][]byte{nil, []byte("a"), []byte("b"), []byte("ab"), []byte("é"), []byte("\xc3"), []byte("\xa9a"), []byte("bbé"), []byte("a"), []byte("ba\xc3")}
	vocab := gbnf.NewVocab(pieces)
	tried, matches := 0, 0
	for tried < 3000 {
		ref := &reference{}
		var text strings.Builder
		for i := range 3 {
			ref.rules = append(ref.rules, randomNode(r, 3, 3))
			fmt.Fprintf(&text, "r%d ::= %s\n", i, ref.rules[i])
		}
		text.WriteString("root ::= r0\n")
		g, err := gbnf.Parse(text.String())
		if err != nil {
			if !strings.Contains(err.Error(), "left recursion") {
				t.Fatalf("%s\n%v", text.String(), err)
			}
			continue
		}
		tried++
		for range 4 {
			in := make([]rune, r.IntN(7))
			for i := range in {
				in[i] = []rune("abé")[r.IntN(3)]
			}
			matches += compare(t, g, vocab, pieces, ref, in, r)
		}
	}
	if matches < tried {
		t.Errorf("only %d prefixes matched in %d grammars: the test shows too little", matches, tried)
	}
	t.Logf("%d grammars, %d matching prefixes", tried, matches)
}

func compare(t *testing.T, g *gbnf.Grammar, v *gbnf.Vocab, pieces [][]byte, ref *reference, in []rune, r *rand.Rand) (matches int) {
	s := g.Start()
	for n := 0; ; n++ {
		ref.text, ref.memo = in[:n], map[string]map[int]bool{}
		want := ref.ends(ref.rules[0], 0)[n]
		if s.CanEnd() != want {
			t.Fatalf("%v\n%q: matches is %v, want %v", ref.rules, string(in[:n]), s.CanEnd(), want)
		}
		if want {
			matches++
		}
		allowed, err := v.Allowed(s)
		if err != nil {
			t.Fatal(err)
		}
		for id, p := range pieces {
			if want := len(p) > 0 && s.AcceptBytes(p).Alive(); allowed.Has(int32(id)) != want {
				t.Fatalf("%v\nafter %q token %q: allowed is %v, want %v", ref.rules, string(in[:n]), p, !want, want)
			}
		}
		if r.IntN(4) == 0 {
			g.Forget()
		}
		if n == len(in) {
			return matches
		}
		s = s.AcceptRune(in[n])
	}
}
