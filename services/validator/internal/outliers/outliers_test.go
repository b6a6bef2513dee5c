package outliers_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/leathq/leat/services/validator/internal/outliers"
	"github.com/leathq/leat/services/validator/internal/presence"
	"github.com/leathq/leat/services/validator/internal/quantile"
	"github.com/leathq/leat/services/validator/internal/spill"
	"github.com/leathq/leat/services/validator/internal/sums"
)

type golden struct {
	Kind, What string
	Values     []*string
	Rows       []int64
	Threshold  float64
	Double     bool `json:"double_sided"`
	Method     outliers.Method
	Multiplier float64
}

func cases(t *testing.T) []golden {
	t.Helper()
	f, err := os.Open("testdata/cases.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []golden
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var g golden
		if err := json.Unmarshal(lines.Bytes(), &g); err != nil {
			t.Fatal(err)
		}
		out = append(out, g)
	}
	if len(out) == 0 {
		t.Fatal("no cases")
	}
	return out
}

// statistics are what a first pass over a column gives.
type statistics struct {
	mean, deviation, first, third float64
	column                        *outliers.Column
}

func pass[T ~float32 | ~float64](t *testing.T, values []T, sumKind sums.Kind, quantileKind quantile.Kind) statistics {
	t.Helper()
	s := sums.New(sumKind)
	q := quantile.New(quantileKind, quantile.Options{})
	var there []T
	for _, v := range values {
		if v == v {
			there = append(there, v)
		}
	}
	st := statistics{column: outliers.NewColumn(0, nil)}
	for _, err := range []error{sums.AddFloats(s, values, presence.Mask{}), quantile.AddFloats(q, there, presence.Mask{}), outliers.AddFloats(st.column, values, presence.Mask{})} {
		if err != nil {
			t.Fatal(err)
		}
	}
	st.mean, st.deviation = s.Mean(), s.Deviation()
	quartiles, err := q.Quantiles([]float64{0.25, 0.75}, "linear")
	if err != nil {
		t.Fatal(err)
	}
	st.first, st.third = quartiles[0].Float, quartiles[1].Float
	return st
}

func (g golden) statistics(t *testing.T) statistics {
	t.Helper()
	var wide []float64
	var narrow []float32
	for _, text := range g.Values {
		v := math.NaN()
		if text != nil {
			v, _ = strconv.ParseFloat(*text, 64)
		}
		wide, narrow = append(wide, v), append(narrow, float32(v))
	}
	if g.Kind == "float32" {
		return pass(t, narrow, sums.Float32, quantile.Float32)
	}
	return pass(t, wide, sums.Float64, quantile.Float64)
}

func (g golden) fails(t *testing.T, s statistics) func(float64) bool {
	t.Helper()
	if g.What == "z" {
		return outliers.ZScore{Mean: s.mean, Deviation: s.deviation, Threshold: g.Threshold, DoubleSided: g.Double, Float32: g.Kind == "float32"}.Fails
	}
	st := outliers.Around(s.mean, s.deviation)
	if g.Method == outliers.IQR {
		st = outliers.Quartiles(s.first, s.third)
	}
	w, err := outliers.NewWindow(g.Method, st, g.Multiplier)
	if err != nil {
		t.Fatal(err)
	}
	if g.Kind == "float32" {
		w = w.Float32()
	}
	return w.Fails
}

func TestTheRowsFarOutAreThoseOfGreatExpectations(t *testing.T) {
	for i, g := range cases(t) {
		s := g.statistics(t)
		fails := g.fails(t, s)
		rows := []int64{}
		err := s.column.Scan(func(row int64, bits uint64) error {
			if fails(math.Float64frombits(bits)) {
				rows = append(rows, row)
			}
			return nil
		})
		if err != nil || !slices.Equal(rows, g.Rows) {
			t.Errorf("case %d, %s %s: rows %v (%v), want %v", i+1, g.What, g.Kind, rows, err, g.Rows)
		}
	}
}

func TestAnUnknownMethodIsNamed(t *testing.T) {
	if _, err := outliers.NewWindow("mad", outliers.Statistics{}, 1); err == nil || err.Error() != "method 'mad' has not been implemented" {
		t.Errorf("got %v", err)
	}
}

func read(t *testing.T, c *outliers.Column) string {
	t.Helper()
	var out []byte
	if err := c.Scan(func(row int64, bits uint64) error {
		out = fmt.Appendf(out, "%d:%x ", row, bits)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestAColumnIsReadAsItCameWhateverWasSpilledAndMerged(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	values := make([]int64, 30000)
	there := presence.Mask{Bits: make([]byte, len(values)/8+1)}
	for i := range values {
		values[i] = rng.Int64()
	}
	for i := range there.Bits {
		there.Bits[i] = byte(rng.Uint32())
	}
	whole := outliers.NewColumn(0, nil)
	if err := outliers.AddInts(whole, values, there); err != nil {
		t.Fatal(err)
	}
	want := read(t, whole)
	for range 4 {
		dir := t.TempDir()
		all := outliers.NewColumn(40000, spill.Dir(dir))
		for from := 0; from < len(values); {
			to := min(from+rng.IntN(13000), len(values))
			part := outliers.NewColumn(20000, spill.Dir(dir))
			if err := outliers.AddInts(part, values[from:to], presence.Mask{Bits: there.Bits, Offset: from}); err != nil {
				t.Fatal(err)
			}
			data, err := part.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			if err := part.UnmarshalBinary(data); err != nil {
				t.Fatal(err)
			}
			if err := all.Merge(part); err != nil {
				t.Fatal(err)
			}
			if err := part.Close(); err != nil {
				t.Fatal(err)
			}
			from = to
		}
		if got := read(t, all); got != want || all.Rows() != int64(len(values)) {
			t.Fatalf("%d of %d bytes of rows came back, %d rows", len(got), len(want), all.Rows())
		}
		if err := all.Close(); err != nil {
			t.Fatal(err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%d scratch files are left", len(left))
		}
	}
	if err := outliers.AddInts(outliers.NewColumn(1000, nil), values, there); err == nil {
		t.Error("a column grew beyond its bound")
	}
}

func FuzzColumn(f *testing.F) {
	c := outliers.NewColumn(0, nil)
	_ = outliers.AddFloats(c, []float64{1, math.NaN(), 3}, presence.Mask{})
	data, _ := c.MarshalBinary()
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		c := outliers.NewColumn(0, nil)
		if c.UnmarshalBinary(data) != nil {
			return
		}
		if again, err := c.MarshalBinary(); err != nil || len(again) > len(data) {
			t.Fatalf("%d bytes became %d: %v", len(data), len(again), err)
		}
	})
}
