package presence_test

import (
	"testing"

	"github.com/leathq/leat/services/validator/internal/presence"
)

func TestCountIsTheNumberOfRowsThatAreThere(t *testing.T) {
	bits := []byte{0b10110010, 0xff, 0, 0b01010101, 0b1}
	for offset := range 12 {
		for n := range 28 - offset {
			mask := presence.Mask{Bits: bits, Offset: offset}
			want := 0
			for i := range n {
				if bits[(offset+i)/8]&(1<<((offset+i)%8)) != 0 {
					want++
				}
			}
			if got := mask.Count(n); got != want {
				t.Fatalf("offset %d, %d rows: %d are there, want %d", offset, n, got, want)
			}
		}
	}
}

func TestNoBitmapMeansThatAllAreThere(t *testing.T) {
	var mask presence.Mask
	if !mask.All() || !mask.Has(7) || mask.Count(9) != 9 {
		t.Fatal("the zero mask hides rows")
	}
}
