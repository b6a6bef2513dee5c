package wire

import "github.com/apache/arrow-go/v18/arrow"

// Unique refuses two columns of one name.
func Unique(fs []arrow.Field) error {
	seen := make(map[string]int, len(fs))
	for i, f := range fs {
		if j, ok := seen[f.Name]; ok {
			return malformed("", "columns %d and %d are both named %q; rename one where the data comes from, or allow duplicates", j, i, f.Name)
		}
		seen[f.Name] = i
	}
	return nil
}
