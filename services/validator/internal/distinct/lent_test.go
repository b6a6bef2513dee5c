package distinct_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/leathq/leat/services/validator/internal/distinct"
	"github.com/leathq/leat/services/validator/internal/spill"
)

// TestLongTextsThatLieInBatchesAreCounted has texts so long that they stay where they lie: alone, merged, and above the bound, which counts what a batch holds.
func TestLongTextsThatLieInBatchesAreCounted(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // a test that is the same every time
	c := column{kind: distinct.Bytes}
	for i := range 600 {
		k := i
		if i%7 == 3 {
			k = r.IntN(i)
		}
		c.texts = append(c.texts, fmt.Appendf(nil, "%d %s", k, strings.Repeat("long ", 100+k%50)))
		c.there, c.words = append(c.there, i%11 != 0), append(c.words, 0)
	}
	for name, most := range map[string]int64{"in memory": 0, "above the bound": 100 << 10} {
		t.Run(name, func(t *testing.T) {
			o := distinct.Options{Repeats: distinct.AllRows, Bytes: most, Space: spill.Dir(t.TempDir())}
			whole, first, second := distinct.New(c.kind, o), distinct.New(c.kind, o), distinct.New(c.kind, o)
			for from := 0; from < len(c.texts); from += 100 {
				add(t, whole, c, from, from+100)
				half := first
				if from >= 300 {
					half = second
				}
				add(t, half, c, from, from+100)
			}
			if err := first.Merge(second); err != nil {
				t.Fatal(err)
			}
			check(t, "whole", whole, c, distinct.AllRows)
			check(t, "merged", first, c, distinct.AllRows)
		})
	}
}
