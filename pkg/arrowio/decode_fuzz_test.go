package arrowio_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/internal/randombatch"
)

// Whatever bytes come, there is an error of the two kinds, or a batch of which every value can be read, filtered and encoded again.
func FuzzDecode(f *testing.F) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 5))
		data, err := arrowio.Encode(randombatch.Batch(r, randombatch.Schema(r), r.IntN(20)))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	limits := arrowio.Limits{MaxBytes: 1 << 20, MaxRows: 5000, MaxColumns: 100, MaxDepth: 8, MaxString: 1 << 16, ValidateUTF8: true}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := arrowio.Decode(data, limits)
		if err != nil {
			var limit *arrowio.LimitError
			var bad *arrowio.MalformedError
			if !errors.As(err, &limit) && !errors.As(err, &bad) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		use(t, b)
	})
}

func use(t *testing.T, b *arrowio.Batch) {
	if b.Rows() > 300 {
		b = b.Slice(0, 300)
	}
	_ = randombatch.Rows(b)
	keep := arrowio.NewBitmap(b.Rows())
	for i := 0; i < b.Rows(); i += 2 {
		keep.Set(i)
	}
	half, err := b.Filter(keep)
	if err != nil {
		t.Fatal(err)
	}
	data, err := arrowio.Encode(half)
	if err != nil {
		t.Fatal(err)
	}
	again, err := arrowio.Decode(data, arrowio.Limits{})
	if err != nil {
		t.Fatalf("what was encoded here cannot be decoded: %v", err)
	}
	if again.Rows() != half.Rows() {
		t.Fatalf("%d rows of %d", again.Rows(), half.Rows())
	}
}
