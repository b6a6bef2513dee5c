package pyre_test

import (
	"math/rand/v2"
	"testing"

	"github.com/leathq/leat/services/validator/internal/pyre"
)

// A pattern that only the end of a text decides finds what it finds as one branch of two, of which the other never matches and which is searched from the front.
func TestEndsAreReadBackwardsWithoutADifference(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	letters := []rune(".!a \n\té\u2003")
	for _, pattern := range []string{`[.!?]\s*$`, `[.!?]\s*\Z`, `\s+$`, `\n$`, `\n+\Z`, `(?:[a.])[a ]*$`, `\.$`, `[é.]\s*$`, `\w+\W*$`, `[.!]+?\s*?$`} {
		quick, slow := compiled(t, pattern), compiled(t, `(?:`+pattern+`)|never`)
		matches := 0
		for range 3000 {
			text := make([]rune, rnd.IntN(7))
			for i := range text {
				text[i] = letters[rnd.IntN(len(letters))]
			}
			got, err := quick.Search([]byte(string(text)))
			want, slowErr := slow.Search([]byte(string(text)))
			if err != nil || slowErr != nil || got != want {
				t.Fatalf("%q in %q is %v (%v), want %v (%v)", pattern, string(text), got, err, want, slowErr)
			}
			if got {
				matches++
			}
		}
		if matches == 0 || matches == 3000 {
			t.Errorf("%q: %d of 3000 texts match, which tells nothing", pattern, matches)
		}
	}
}

func compiled(t *testing.T, pattern string) *pyre.Regexp {
	t.Helper()
	r, err := pyre.Compile(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
