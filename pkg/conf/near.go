package conf

import (
	"slices"
	"sort"
	"strings"
)

// nearest names the known word that a mistyped one most likely meant, or "" where none is near: at most a third of its
// letters (at least two, but no more than half) away by edit distance, or the same last element of a dotted path.
func nearest(word string, known []string) string {
	best, bestAt := "", min(max(2, len(word)/3), len(word)/2)+1
	for _, k := range known {
		if d := distance(word, k); d < bestAt {
			best, bestAt = k, d
		}
	}
	if best != "" {
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
	if near := nearest(word, known); near != "" {
		return "; did you mean " + near + "?"
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
	near := nearest(strings.TrimPrefix(name, EnvPrefix), short)
	if near == "" {
		return "; all variables are listed with --help"
	}
	if i := slices.Index(short, near); i >= 0 {
		near = known[i]
	}
	return "; did you mean " + near + "?"
}

// distance is Levenshtein's edit distance in bytes, with a swap of two neighbours counted as one edit.
func distance(a, b string) int {
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row := rows[0], rows[1], rows[2]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		rows[0], rows[1], rows[2] = last, row, before
	}
	return rows[1][len(b)]
}
