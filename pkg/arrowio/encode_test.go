package arrowio_test

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/internal/randombatch"
)

func encode(t testing.TB, b *arrowio.Batch) []byte {
	t.Helper()
	data, err := arrowio.Encode(b)
	if err != nil {
		t.Fatalf("%v: %s", err, b.Schema())
	}
	return data
}

func decode(t testing.TB, data []byte) *arrowio.Batch {
	t.Helper()
	b, err := arrowio.Decode(data, arrowio.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestABatchOfAnyTypesArrivesAsItWasSent(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := randombatch.Schema(r)
		b := randombatch.Batch(r, s, r.IntN(70))
		got := decode(t, encode(t, b))
		if !got.Schema().Equal(s) {
			t.Fatalf("seed %d: schema %s, want %s", seed, got.Schema(), s)
		}
		if !reflect.DeepEqual(randombatch.Rows(got), randombatch.Rows(b)) {
			t.Fatalf("seed %d: %s\n%v\nwant\n%v", seed, s, randombatch.Rows(got), randombatch.Rows(b))
		}
	}
}

// Rows that come out of a larger batch, out of a filter, or out of several batches, and dictionaries in another order, do not show in the bytes.
func TestEqualRowsAreEqualBytesWhereverTheyWere(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 2))
		s := randombatch.Schema(r)
		whole := randombatch.Batch(r, s, 1+r.IntN(200))
		from := r.IntN(whole.Rows())
		to := from + r.IntN(whole.Rows()-from+1)
		part := whole.Slice(from, to)
		b := arrowio.NewBuilder(s)
		for i := range s.Fields {
			for _, row := range rowsOfColumn(part.Column(i)) {
				if err := b.Column(i).Value(row); err != nil {
					t.Fatal(err)
				}
			}
		}
		want := encode(t, b.Batch())
		if got := encode(t, part); !bytes.Equal(got, want) {
			t.Fatalf("seed %d: a slice of %s is encoded otherwise than its rows alone\n%v", seed, s, randombatch.Rows(part))
		}
		mid := part.Rows() / 2
		both, err := arrowio.Concat(decode(t, encode(t, part.Slice(0, mid))), part.Slice(mid, part.Rows()))
		if err != nil {
			t.Fatal(err)
		}
		if got := encode(t, both); !bytes.Equal(got, want) {
			t.Fatalf("seed %d: two halves of %s put together are encoded otherwise than the whole\n%v\n%v", seed, s, randombatch.Rows(both), randombatch.Rows(part))
		}
	}
}

func rowsOfColumn(c *arrowio.Column) []any {
	out := make([]any, c.Len())
	for i := range out {
		out[i] = c.Value(i)
		if l, ok := out[i].([]any); ok && c.Kind() == arrowio.Map {
			out[i] = l
		}
	}
	return out
}

func TestAFilterKeepsTheRowsWhoseBitIsSetAndNoOther(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 3))
		s := randombatch.Schema(r)
		b := randombatch.Batch(r, s, 1+r.IntN(150))
		from := r.IntN(b.Rows())
		b = b.Slice(from, b.Rows())
		keep, want := arrowio.NewBitmap(b.Rows()), [][]any{}
		sticky := false
		for i, row := range randombatch.Rows(b) {
			if r.IntN(5) == 0 {
				sticky = !sticky
			}
			if sticky {
				keep.Set(i)
				want = append(want, row)
			}
		}
		got, err := b.Filter(keep)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(randombatch.Rows(got), want) {
			t.Fatalf("seed %d: %s\n%v\nwant\n%v", seed, s, randombatch.Rows(got), want)
		}
		if a := decode(t, encode(t, got)); !reflect.DeepEqual(randombatch.Rows(a), want) {
			t.Fatalf("seed %d: what was filtered is encoded wrongly", seed)
		}
	}
}
