package pyre

import (
	"slices"
	"sort"
	"unicode/utf8"
)

// runeSet is a set of characters as sorted, disjoint, non-adjacent pairs: first, last. Sets are never changed once shared.
type runeSet []rune

const maxRune = utf8.MaxRune

var everything = runeSet{0, maxRune}

func single(r rune) runeSet { return runeSet{r, r} }

func (s runeSet) has(r rune) bool {
	n := len(s) / 2
	i := sort.Search(n, func(i int) bool { return s[2*i+1] >= r })
	return i < n && s[2*i] <= r
}

// normal sorts pairs and joins those that touch.
func normal(pairs []rune) runeSet {
	type span struct{ lo, hi rune }
	spans := make([]span, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		spans = append(spans, span{pairs[i], pairs[i+1]})
	}
	slices.SortFunc(spans, func(a, b span) int { return int(a.lo - b.lo) })
	out := make(runeSet, 0, len(pairs))
	for _, s := range spans {
		if n := len(out); n > 0 && s.lo <= out[n-1]+1 {
			out[n-1] = max(out[n-1], s.hi)
			continue
		}
		out = append(out, s.lo, s.hi)
	}
	return out
}

func (s runeSet) union(t runeSet) runeSet {
	return normal(append(slices.Clone([]rune(s)), t...))
}

func (s runeSet) not() runeSet {
	out := make(runeSet, 0, len(s)+2)
	next := rune(0)
	for i := 0; i < len(s); i += 2 {
		if s[i] > next {
			out = append(out, next, s[i]-1)
		}
		next = s[i+1] + 1
	}
	if next <= maxRune {
		out = append(out, next, maxRune)
	}
	return out
}

func (s runeSet) minus(t runeSet) runeSet { return s.not().union(t).not() }

// only is the one character of a set of one.
func (s runeSet) only() (rune, bool) {
	if len(s) == 2 && s[0] == s[1] {
		return s[0], true
	}
	return 0, false
}
