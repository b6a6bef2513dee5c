package scenario

import (
	"strconv"
	"strings"
	"testing"
)

// sum adds up a metric over its labels and over all processes of a fleet.
func sum(t *testing.T, f Fleet, name string) float64 {
	t.Helper()
	total := 0.0
	for _, url := range f.Addrs().Metrics {
		for line := range strings.Lines(string(get(t, url).Body)) {
			rest, ok := strings.CutPrefix(line, name)
			if !ok || rest == "" || rest[0] != '{' && rest[0] != ' ' {
				continue
			}
			fields := strings.Fields(line)
			v, err := strconv.ParseFloat(fields[len(fields)-1], 64)
			if err != nil {
				t.Fatalf("%s: %q is no sample", url, line)
			}
			total += v
		}
	}
	return total
}
