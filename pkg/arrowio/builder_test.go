package arrowio_test

import (
	"errors"
	"math/big"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/internal/randombatch"
)

func TestAValueIsTakenWhereNothingIsLostByItAndElseRefused(t *testing.T) {
	for _, c := range []struct {
		typ     string
		in      any
		out     any
		refused bool
	}{
		{"int8", 127, int64(127), false}, {"int8", 128, nil, true}, {"uint8", -1, nil, true}, {"uint16", uint16(65535), uint64(65535), false},
		{"uint64", uint64(1<<64 - 1), uint64(1<<64 - 1), false}, {"int64", uint64(1 << 63), nil, true}, {"int64", 3.0, int64(3), false}, {"int64", 3.5, nil, true},
		{"int64", "3", nil, true}, {"double", 3, 3.0, false}, {"double", int64(1<<53 + 1), nil, true}, {"bool", 1, nil, true}, {"string", []byte("a"), "a", false},
		{"string", 1, nil, true}, {"fixed_size_binary[2]", "ab", []byte("ab"), false}, {"fixed_size_binary[2]", "abc", nil, true},
		{"decimal128(4, 2)", big.NewRat(1234, 100), big.NewRat(1234, 100), false}, {"decimal128(4, 2)", big.NewRat(1, 3), nil, true}, {"decimal128(4, 2)", 100, nil, true},
		{"decimal256(40, 0)", -5, big.NewRat(-5, 1), false}, {"date32", time.Date(1969, 12, 31, 23, 0, 0, 0, time.UTC), time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC), false},
		{"timestamp[ns]", time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC), nil, true}, {"time32[s]", time.Minute, time.Minute, false}, {"time32[s]", time.Millisecond, nil, true},
		{"list<item: int8>", []any{1, nil}, []any{int64(1), nil}, false}, {"list<item: int8>", []any{1, 300}, nil, true}, {"list<item: int8 not null>", []any{nil}, nil, true},
		{"struct<a: int8>", map[string]any{"a": 1}, map[string]any{"a": int64(1)}, false}, {"struct<a: int8>", map[string]any{"b": 1}, nil, true},
		{"dictionary<values=string, indices=int8>", "a", "a", false}, {"dictionary<values=int8, indices=int8>", 200, nil, true}, {"null", 1, nil, true},
	} {
		b := arrowio.NewBuilder(&arrowio.Schema{Fields: []arrowio.Field{{Name: "c", Type: parse(t, c.typ), Nullable: true}}})
		b.Column(0).Null()
		err := b.Column(0).Value(c.in)
		got := b.Batch()
		switch {
		case c.refused && (err == nil || !strings.Contains(err.Error(), `"c"`) || got.Rows() != 1):
			t.Errorf("%s of %v: %v, %d rows", c.typ, c.in, err, got.Rows())
		case !c.refused && (err != nil || !reflect.DeepEqual(got.Column(0).Value(1), c.out)):
			t.Errorf("%s of %v: %v, %v", c.typ, c.in, got.Column(0).Value(1), err)
		}
	}
}

// A record that turns out to be bad when some of its columns have their values is taken back.
func TestTruncatingABuilderLeavesTheRowsBefore(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 21))
		s := randombatch.Schema(r)
		whole := randombatch.Batch(r, s, 30)
		n, b := r.IntN(30), arrowio.NewBuilder(s)
		fill := func(i, from, to int) {
			for row := from; row < to; row++ {
				if err := b.Column(i).Value(whole.Column(i).Value(row)); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i := range s.Fields {
			fill(i, 0, n+r.IntN(30-n))
		}
		b.Truncate(n)
		for i := range s.Fields {
			fill(i, n, 30)
		}
		if got := b.Batch(); string(encode(t, got)) != string(encode(t, whole)) {
			t.Fatalf("seed %d: %s: other rows than without the ones taken back", seed, s)
		}
	}
}

func TestAColumnOfNoNullsRefusesThem(t *testing.T) {
	b := arrowio.NewBuilder(&arrowio.Schema{Fields: []arrowio.Field{{Name: "id", Type: parse(t, "int64")}}})
	if err := b.Column(0).Value(nil); err == nil || !strings.Contains(err.Error(), `"id" must not be null`) {
		t.Error(err)
	}
}

func TestMoreTextThanAColumnCanHoldIsAnErrorThatSaysWhatToDo(t *testing.T) {
	b := arrowio.NewBuilder(&arrowio.Schema{Fields: []arrowio.Field{{Name: "text", Type: parse(t, "binary")}}})
	arrowio.LimitOffsets(b.Column(0), 10)
	for range 4 {
		b.Column(0).Binary([]byte("abc"))
	}
	if err := b.Err(); err == nil || !strings.Contains(err.Error(), "large_binary") || b.Batch() != nil {
		t.Error(err)
	}
}

func TestMoreTextThanOffsetsReachOverIsRefusedByColumnBeforeItIsCopied(t *testing.T) {
	b := arrowio.BatchOf(arrowio.Of("text", []string{strings.Repeat("x", 1<<20)}))
	many := make([]*arrowio.Batch, 2049)
	for i := range many {
		many[i] = b
	}
	_, err := arrowio.Concat(many...)
	var limit *arrowio.LimitError
	if !errors.As(err, &limit) || !strings.Contains(err.Error(), `"text"`) || !strings.Contains(err.Error(), "large_string") {
		t.Error(err)
	}
}

func TestABatchWithAColumnMoreOrAnotherInItsPlace(t *testing.T) {
	b := arrowio.BatchOf(arrowio.Of("a", []int64{1, 2}), arrowio.Of("b", []string{"x", "y"}))
	c := arrowio.BatchOf(arrowio.Of("c", []bool{true, false})).Column(0)
	more, err := b.With(c.Field(), c)
	if err != nil || more.Schema().String() != "a: int64 not null, b: string not null, c: bool not null" || more.Column(2).Value(0) != true {
		t.Errorf("%v, %v", more, err)
	}
	f := c.Field()
	f.Name = "a"
	instead, err := b.With(f, c)
	if err != nil || instead.Column(0).Value(1) != false || len(instead.Schema().Fields) != 2 {
		t.Errorf("%v, %v", instead, err)
	}
	if _, err := b.With(c.Field(), c.Slice(0, 1)); err == nil {
		t.Error("a column of another length was taken")
	}
}
