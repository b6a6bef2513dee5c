package arrowio_test

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/internal/randombatch"
)

// Libraries leave values below nulls that nobody sees: a struct that is null over fields that are not, text of a null. They must not show in what is
// encoded, or equal rows would be other bytes.
func TestWhatNullsHideDoesNotShowInTheBytes(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 31))
		s := randombatch.Schema(r)
		for i := range s.Fields {
			s.Fields[i].Nullable = true
		}
		n := 1 + r.IntN(40)
		full := randombatch.Batch(r, s, n)
		nulls := make([]bool, n)
		for i := range nulls {
			nulls[i] = r.IntN(3) == 0
		}
		clean, cols := arrowio.NewBuilder(s), make([]arrow.Array, len(s.Fields))
		for i := range s.Fields {
			cols[i] = hidden(full.Arrow().Column(i), nulls)
			for row := range n {
				v := full.Column(i).Value(row)
				if nulls[row] {
					v = nil
				}
				if err := clean.Column(i).Value(v); err != nil {
					t.Fatal(err)
				}
			}
		}
		got, err := arrowio.FromArrow(array.NewRecordBatch(full.Arrow().Schema(), cols, int64(n)))
		if err != nil {
			t.Fatal(err)
		}
		want := clean.Batch()
		if !reflect.DeepEqual(randombatch.Rows(got), randombatch.Rows(want)) {
			t.Fatalf("seed %d: the test hid other rows than it meant", seed)
		}
		if !bytes.Equal(encode(t, got), encode(t, want)) {
			t.Fatalf("seed %d: %s: what nulls hide is encoded", seed, s)
		}
		from := r.IntN(n)
		if !bytes.Equal(encode(t, got.Slice(from, n)), encode(t, want.Slice(from, n))) {
			t.Fatalf("seed %d: %s: what nulls hide is encoded of a slice", seed, s)
		}
	}
}

// hidden is the array with nulls laid over its values, which stay.
func hidden(a arrow.Array, nulls []bool) arrow.Array {
	d := a.Data()
	if d.DataType().ID() == arrow.NULL {
		return a
	}
	bits := make([]byte, (len(nulls)+7)/8)
	for i, null := range nulls {
		if !null && a.IsValid(i) {
			bits[i/8] |= 1 << (i % 8)
		}
	}
	bits[len(bits)-1] |= ^byte(0) << ((len(nulls)-1)%8 + 1) // after the last value anything may stand
	buffers := append([]*memory.Buffer{memory.NewBufferBytes(bits)}, d.Buffers()[1:]...)
	out := array.NewData(d.DataType(), d.Len(), buffers, d.Children(), array.UnknownNullCount, d.Offset())
	if d.DataType().ID() == arrow.DICTIONARY {
		out.SetDictionary(d.Dictionary())
	}
	return array.MakeFromData(out)
}
