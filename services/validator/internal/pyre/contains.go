package pyre

import (
	"slices"
	"unicode/utf8"
)

// Facts are what a whole column holds. pandas asks them before it chooses an engine for a pattern.
type Facts struct {
	NonASCII bool // some value has a character beyond ASCII
	Newline  bool // some value has "\n"
}

// FactsOf reads the facts of a column's rows, null rows too: their slots are empty where Arrow writes them.
func FactsOf(t Texts) Facts {
	from, to := 0, 0
	switch {
	case len(t.Offsets64) > 1:
		from, to = int(t.Offsets64[0]), int(t.Offsets64[len(t.Offsets64)-1])
	case len(t.Offsets32) > 1:
		from, to = int(t.Offsets32[0]), int(t.Offsets32[len(t.Offsets32)-1])
	}
	data := t.Data[from:to]
	return Facts{NonASCII: nextHigh(data, 0) < len(data), Newline: nextHit(data, []byte("\n"), 0) < len(data)}
}

// Merge is the facts of two parts of a column together.
func (f Facts) Merge(g Facts) Facts {
	return Facts{NonASCII: f.NonASCII || g.NonASCII, Newline: f.Newline || g.Newline}
}

// Contains is a pattern as pandas 3 gives it to str.contains on a column of its str type, which is what Great Expectations calls.
// Patterns with look-around, references, \s or \u go to Python's re; patterns with \w, \d or \b do so if the column has a character
// beyond ASCII, patterns with $ if it has a newline; all others, those that re refuses among them, go to RE2. The engines differ: RE2
// knows \z, \pL and [[:alpha:]], refuses possessive repeats and (?x), folds case by other rules.
type Contains struct {
	python, re2       *Regexp
	pythonErr, re2Err error
	always            bool  // Python, whatever the column
	when              Facts // Python where the column has one of these
	same              bool  // both engines say the same where the column decides between them
}

// CompileContains compiles for both engines. The error says that every column is refused.
func CompileContains(pattern string) (*Contains, error) {
	c := &Contains{}
	root, p, err := parse(pattern)
	if c.pythonErr = err; err == nil {
		c.python, c.pythonErr = assemble(pattern, root, len(p.widths))
		c.choose(root)
	}
	c.always = c.always || namesCharacters(pattern)
	if c.always {
		return c, c.pythonErr
	}
	re, err := parseRE2(pattern)
	if c.re2Err = err; err == nil {
		c.re2, c.re2Err = assemble(pattern, re, 1)
	}
	if c.when == (Facts{}) {
		return c, c.re2Err
	}
	c.same = c.pythonErr == nil && c.re2Err == nil && c.python.exact && agree(c.python.program, c.re2.program, c.when)
	return c, nil
}

// choose looks for what pandas looks for. It does not look into conditions, so nor does this.
func (c *Contains) choose(n *node) {
	switch n.kind {
	case kCond:
		return
	case kLook, kBackref:
		c.always = true
		return
	case kAssert:
		c.when.Newline = c.when.Newline || n.fromDollar
		c.when.NonASCII = c.when.NonASCII || n.place >= boundary
	case kSet:
		for _, it := range n.items {
			c.always = c.always || it.category|0x20 == 's'
			c.when.NonASCII = c.when.NonASCII || it.category|0x20 == 'w' || it.category|0x20 == 'd'
		}
	}
	for _, s := range n.subs {
		c.choose(s)
	}
}

// namesCharacters reports an unescaped \u, \U or \N{ in the pattern as it is written.
func namesCharacters(pattern string) bool {
	for i := 0; i+1 < len(pattern); i++ {
		if pattern[i] != '\\' {
			continue
		}
		i++
		if c := pattern[i]; c == 'u' || c == 'U' || c == 'N' && i+1 < len(pattern) && pattern[i+1] == '{' {
			return true
		}
	}
	return false
}

// Settled reports whether verdicts and refusal are the same for all columns. When it is false, For must be asked with the facts of the
// whole column: so for what RE2 refuses beside \w, \d, \b or $, such as \d++, and for \B. Patterns as people write them are settled.
func (c *Contains) Settled() bool { return c.always || c.when == (Facts{}) || c.same }

// For is the compiled pattern for a column with these facts, or the engine's refusal. It is the same for all facts when Settled.
func (c *Contains) For(f Facts) (*Regexp, error) {
	if c.always || c.same || c.when.NonASCII && f.NonASCII || c.when.Newline && f.Newline {
		return c.python, c.pythonErr
	}
	return c.re2, c.re2Err
}

// alike reports whether two programs have the same steps, as far as texts of these letters can tell. It is a proof that takes no walk, which long repeats make long.
func alike(p, q *program, letters []rune, without Facts) bool {
	return p.start == q.start && slices.EqualFunc(p.steps, q.steps, func(s, t step) bool {
		if s.kind != t.kind || s.x != t.x || s.y != t.y || narrowedPlace(s.place, without) != narrowedPlace(t.place, without) {
			return false
		}
		return s.kind != sSet || !slices.ContainsFunc(letters, func(r rune) bool { return s.classes[p.alphabet.of(r)] != t.classes[q.alphabet.of(r)] })
	})
}

// narrowedPlace is the place that a place is in texts without the facts.
func narrowedPlace(pl place, without Facts) place {
	switch {
	case pl == boundary && without.NonASCII:
		return boundaryASCII
	case pl == dollar && without.Newline:
		return textEnd
	}
	return pl
}

// maxPairs bounds the proof that two programs agree.
const maxPairs = 4000

// agree proves that two programs match the same texts of those that a column without the facts may hold, by walking both automata at
// once (Hopcroft and Karp 1971). False is "no" or "not found out".
func agree(p, q *program, without Facts) bool {
	letters := apart(p.alphabet, q.alphabet, without)
	if alike(p, q, letters, without) {
		return true
	}
	a, b := newAutomaton(p), newAutomaton(q)
	type pair struct{ s, t int32 }
	todo := []pair{{a.first, b.first}}
	seen := map[pair]bool{todo[0]: true}
	for len(todo) > 0 {
		now := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if a.accepts(now.s) != b.accepts(now.t) || len(seen) > maxPairs || a.used > cacheBytes || b.used > cacheBytes {
			return false
		}
		for _, r := range letters {
			next := pair{a.after(now.s, r), b.after(now.t, r)}
			if !seen[next] {
				seen[next] = true
				todo = append(todo, next)
			}
		}
	}
	return true
}

// apart lists one character of each range that either alphabet tells from its neighbours.
func apart(a, b *alphabet, without Facts) []rune {
	limit := rune(maxRune)
	if without.NonASCII {
		limit = utf8.RuneSelf - 1
	}
	kinds := map[[2]uint16]bool{}
	var out []rune
	for _, r := range append(append([]rune{}, a.starts...), b.starts...) {
		kind := [2]uint16{a.of(r), b.of(r)}
		if r > limit || kinds[kind] || r == '\n' && without.Newline {
			continue
		}
		kinds[kind] = true
		out = append(out, r)
	}
	return out
}

func (a *automaton) accepts(s int32) bool { return s == found || s > found && a.atEnd[s/a.stride] }

func (a *automaton) after(s int32, r rune) int32 {
	if s <= found {
		return s
	}
	class := a.p.alphabet.of(r)
	if to := a.table[s+int32(class)]; to != unknown {
		return to
	}
	return a.work(s, class)
}
