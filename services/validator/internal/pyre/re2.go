package pyre

import (
	"regexp/syntax"
	"strings"
	"unicode"
)

// parseRE2 reads a pattern as the RE2 of Arrow's match_substring_regex does, after pandas has rewritten \Z.
func parseRE2(pattern string) (*node, error) {
	re, err := syntax.Parse(withLittleZ(pattern), syntax.Perl)
	if err != nil {
		return nil, &SyntaxError{Pattern: pattern, Reason: "RE2 refuses it: " + err.Error()}
	}
	return fromRE2(re), nil
}

// withLittleZ spells \Z as \z where the backslash is not escaped itself.
func withLittleZ(pattern string) string {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		b.WriteByte(pattern[i])
		if pattern[i] != '\\' || i+1 == len(pattern) {
			continue
		}
		i++
		if pattern[i] == 'Z' {
			b.WriteByte('z')
		} else {
			b.WriteByte(pattern[i])
		}
	}
	return b.String()
}

var placesRE2 = map[syntax.Op]place{
	syntax.OpBeginLine: lineStart, syntax.OpEndLine: lineEnd, syntax.OpBeginText: textStart, syntax.OpEndText: textEnd,
	syntax.OpWordBoundary: boundaryASCII, syntax.OpNoWordBoundary: noBoundaryRE2,
}

func fromRE2(re *syntax.Regexp) *node {
	if p, ok := placesRE2[re.Op]; ok {
		return &node{kind: kAssert, place: p}
	}
	var subs []*node
	for _, s := range re.Sub {
		subs = append(subs, fromRE2(s))
	}
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			subs = append(subs, &node{kind: kSet, set: orbit(r, re.Flags&syntax.FoldCase != 0)})
		}
	case syntax.OpCharClass:
		return &node{kind: kSet, set: normal(re.Rune)}
	case syntax.OpAnyChar:
		return &node{kind: kSet, set: everything}
	case syntax.OpAnyCharNotNL:
		return &node{kind: kSet, set: single('\n').not()}
	case syntax.OpStar:
		return &node{kind: kRepeat, subs: subs, max: unlimited}
	case syntax.OpPlus:
		return &node{kind: kRepeat, subs: subs, min: 1, max: unlimited}
	case syntax.OpQuest:
		return &node{kind: kRepeat, subs: subs, max: 1}
	case syntax.OpRepeat:
		return &node{kind: kRepeat, subs: subs, min: re.Min, max: re.Max} // -1 is unlimited there too
	case syntax.OpAlternate:
		return &node{kind: kAlt, subs: subs}
	case syntax.OpNoMatch:
		return &node{kind: kNothing}
	}
	return cat(subs...) // a sequence, a group, or nothing at all
}

// orbit is a character with all that fold to it.
func orbit(r rune, fold bool) runeSet {
	letters := []rune{r}
	for f := unicode.SimpleFold(r); fold && f != r; f = unicode.SimpleFold(f) {
		letters = append(letters, f)
	}
	return normal(pairsOf(letters))
}
