// Package near finds the word that somebody meant who mistyped one.
package near

// Word is the known word that is the fewest edits away from word, the first of several, or "" where none is closer than within edits.
func Word(word string, known []string, within int) string {
	best := ""
	for _, k := range known {
		if d := Distance(word, k); d < within {
			best, within = k, d
		}
	}
	return best
}

// Distance is Levenshtein's edit distance in bytes, with a swap of two neighbours counted as one edit (optimal string alignment).
func Distance(a, b string) int {
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
