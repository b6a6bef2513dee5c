package columns_test

import (
	"math"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/columns"
)

func column(k arrowio.Type, vs ...any) *arrowio.Column {
	return arrowio.BatchOf(arrowio.OfType(arrowio.Field{Name: "c", Nullable: true, Type: k}, append(vs, nil))).Column(0)
}

// A value is the same number whatever type holds it, and no value is none.
func TestNumbersDoNotDependOnTheirType(t *testing.T) {
	at := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		want float64
		v    any
		of   []arrowio.Type
	}{
		"seven":  {7, int64(7), []arrowio.Type{{Kind: arrowio.Int8}, {Kind: arrowio.Int16}, {Kind: arrowio.Int32}, {Kind: arrowio.Int64}, {Kind: arrowio.Uint8}, {Kind: arrowio.Uint16}, {Kind: arrowio.Uint32}, {Kind: arrowio.Uint64}}},
		"half":   {0.5, 0.5, []arrowio.Type{{Kind: arrowio.Float16}, {Kind: arrowio.Float32}, {Kind: arrowio.Float64}}},
		"money":  {1.25, big.NewRat(5, 4), []arrowio.Type{{Kind: arrowio.Decimal128, Precision: 5, Scale: 2}, {Kind: arrowio.Decimal256, Precision: 50, Scale: 4}}},
		"a day":  {float64(at.Unix()), at, []arrowio.Type{{Kind: arrowio.Date32}, {Kind: arrowio.Date64}, {Kind: arrowio.Timestamp, Unit: arrowio.Second}, {Kind: arrowio.Timestamp, Unit: arrowio.Nano, Zone: "Europe/Berlin"}}},
		"a wait": {-1.5, -1500 * time.Millisecond, []arrowio.Type{{Kind: arrowio.Duration, Unit: arrowio.Milli}, {Kind: arrowio.Duration, Unit: arrowio.Micro}}},
	} {
		for _, k := range tc.of {
			got := columns.Floats(column(k, tc.v))
			if !columns.Number(k) || len(got) != 2 || got[0] != tc.want || !math.IsNaN(got[1]) {
				t.Errorf("%s as %s: %v, want %v and NaN", name, k, got, tc.want)
			}
		}
	}
}

// Integers that are one float are two keys.
func TestKeysAreExact(t *testing.T) {
	c := column(arrowio.Type{Kind: arrowio.Int64}, int64(math.MaxInt64), int64(math.MaxInt64-1))
	if f, key := columns.Floats(c), columns.Keys(c); f[0] != f[1] || key(0) == key(1) {
		t.Errorf("%v are %d and %d", f[:2], key(0), key(1))
	}
}

func TestTextsAreThoseThatAreThere(t *testing.T) {
	index := arrowio.Type{Kind: arrowio.Uint8}
	text := arrowio.Type{Kind: arrowio.String}
	for _, k := range []arrowio.Type{text, {Kind: arrowio.LargeString}, {Kind: arrowio.Dictionary, Index: &index, Elem: []arrowio.Field{{Name: "item", Type: text}}}} {
		var got []string
		for v := range columns.Texts(column(k, "b", nil, "", "b")) {
			got = append(got, string(v))
		}
		if want := []string{"b", "", "b"}; !columns.Text(k) || !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", k, got, want)
		}
		for v := range columns.Texts(column(k, "a", "b")) {
			if string(v) != "a" {
				t.Errorf("%s: %s after the reader stopped", k, v)
			}
			break
		}
	}
}
