package pyre_test

import (
	"math/rand/v2"
	"testing"

	"github.com/leathq/leat/services/validator/internal/pyre"
)

// However many rows there are, and whatever their automaton has learnt by then, a column says of each what the row says alone.
func TestManyRowsAreSearchedAsEachAlone(t *testing.T) {
	letters := []rune("aab@.-1 Aé\n😀")
	rng := rand.New(rand.NewPCG(3, 3))
	var texts pyre.Texts
	texts.Offsets32 = []int32{0}
	for range 3000 {
		for range rng.IntN(14) {
			texts.Data = append(texts.Data, string(letters[rng.IntN(len(letters))])...)
		}
		texts.Offsets32 = append(texts.Offsets32, int32(len(texts.Data)))
	}
	for _, pattern := range []string{`^[^@\s]+@[^@\s]+\.[a-z]+$`, `^a*b`, `^[a-z]{2}-\d$`, `^\w+$`, `^(a|ab)(1|é)*$`, `^.\.?-`, `^[A-Z]`} {
		re, err := pyre.Compile(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for round := range 2 { // the second time the engine knows its states
			out := make([]byte, (texts.Rows()+63)/64*8)
			if err := re.SearchAll(texts, pyre.Bits{}, pyre.Bits{Bytes: out}); err != nil {
				t.Fatal(err)
			}
			for i := range texts.Rows() {
				row := texts.Data[texts.Offsets32[i]:texts.Offsets32[i+1]]
				want, err := re.Search(row)
				if got := out[i>>3]>>(i&7)&1 == 1; err != nil || got != want {
					t.Fatalf("%s, round %d, row %d %q: %v among others, %v alone (%v)", pattern, round, i, row, got, want, err)
				}
			}
		}
	}
}
