package conf

import (
	"slices"
	"sort"
	"strings"

	"github.com/leathq/leat/pkg/near"
)

// nearest names the known word that a mistyped one most likely meant, or "" where none is near: at most a third of its
// letters (at least two, but no more than half) away by edit distance, or the same last element of a dotted path.
func nearest(word string, known []string) string {
	if best := near.Word(word, known, min(max(2, len(word)/3), len(word)/2)+1); best != "" {
		return best
	}
	tail := word[strings.LastIndexByte(word, '.')+1:]
	for _, k := range known {
		if k[strings.LastIndexByte(k, '.')+1:] == tail {
			return k
		}
	}
	return ""
}

// hint turns the nearest known word, or failing that the list of all, into the end of a refusal.
func hint(word string, known []string, listed string) string {
	if meant := nearest(word, known); meant != "" {
		return "; did you mean " + meant + "?"
	}
	if len(known) == 0 {
		return ""
	}
	all := append([]string(nil), known...)
	sort.Strings(all)
	if len(all) > 12 {
		return "; " + listed + " with --help"
	}
	return "; known: " + strings.Join(all, ", ")
}

// hintEnv is hint for variables, which all begin alike: what they share makes no two of them near.
func hintEnv(name string, known []string) string {
	short := make([]string, len(known))
	for i, k := range known {
		short[i] = strings.TrimPrefix(k, EnvPrefix)
	}
	meant := nearest(strings.TrimPrefix(name, EnvPrefix), short)
	if meant == "" {
		return "; all variables are listed with --help"
	}
	if i := slices.Index(short, meant); i >= 0 {
		meant = known[i]
	}
	return "; did you mean " + meant + "?"
}
