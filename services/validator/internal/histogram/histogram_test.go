package histogram_test

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

	"github.com/leathq/leat/services/validator/internal/histogram"
	"github.com/leathq/leat/services/validator/internal/presence"
	"github.com/leathq/leat/services/validator/internal/quantile"
)

type numbers []float64

func (n *numbers) UnmarshalJSON(data []byte) error {
	var texts []string
	if err := json.Unmarshal(data, &texts); err != nil {
		return err
	}
	*n = numbers{}
	for _, t := range texts {
		v, err := strconv.ParseFloat(t, 64)
		if err != nil {
			return err
		}
		*n = append(*n, v)
	}
	return nil
}

type golden struct {
	Values, Edges, Auto numbers
	Counts              []int64
	Linear              numbers
	Low, High           float64
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

func TestCountsAreNumpys(t *testing.T) {
	for i, g := range cases(t) {
		if g.Linear != nil {
			if got := histogram.Linear(g.Low, g.High, len(g.Linear)-1); !slices.Equal(got, g.Linear) {
				t.Errorf("case %d: edges %v, numpy has %v", i+1, got, g.Linear)
			}
			continue
		}
		c, err := histogram.New(g.Edges)
		if err != nil {
			t.Fatal(err)
		}
		histogram.Add(c, g.Values, presence.Mask{})
		if counts, _, _ := c.Counts(); fmt.Sprint(counts) != fmt.Sprint(g.Counts) {
			t.Errorf("case %d: %v, numpy has %v", i+1, counts, g.Counts)
		}
	}
}

func TestAutomaticBinsAreThoseOfGreatExpectations(t *testing.T) {
	for i, g := range cases(t) {
		if g.Auto == nil {
			continue
		}
		s := quantile.New(quantile.Float64, quantile.Options{})
		if err := quantile.AddFloats(s, g.Values, presence.Mask{}); err != nil {
			t.Fatal(err)
		}
		q, err := s.Quantiles([]float64{0, 0.25, 0.75, 1}, "nearest")
		if err != nil {
			t.Fatal(err)
		}
		edges, err := histogram.AutoEdges(histogram.Box{Min: q[0].Float, Low: q[1].Float, High: q[2].Float, Max: q[3].Float, Values: s.Count()})
		if err != nil || !slices.Equal(edges, g.Auto) {
			t.Errorf("case %d: %v (%v), want %v", i+1, edges, err, g.Auto)
		}
	}
}

func TestBinsThatDoNotFollowAreRefused(t *testing.T) {
	for _, b := range []histogram.Box{{}, {Max: math.Inf(1), High: 1, Values: 9}, {Min: 0, Low: 0, High: 1e-9, Max: 1e9, Values: 1000}, {Min: math.NaN(), Low: math.NaN(), High: math.NaN(), Max: math.NaN(), Values: 3}} {
		if edges, err := histogram.AutoEdges(b); err == nil {
			t.Errorf("%+v gives %d edges", b, len(edges))
		}
	}
	for _, edges := range [][]float64{nil, {1}, {1, 1}, {2, 1}, {0, math.NaN()}} {
		if _, err := histogram.New(edges); err == nil {
			t.Errorf("edges %v are taken", edges)
		}
	}
}

func TestCutsDoNotShow(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	values := make([]float32, 3000)
	for i := range values {
		values[i] = float32(rng.NormFloat64())
	}
	values[5] = float32(math.NaN())
	there := presence.Mask{Bits: make([]byte, 400)}
	for i := range there.Bits {
		there.Bits[i] = byte(rng.Uint32())
	}
	edges := []float64{math.Inf(-1), -1, 0, 0.5}
	whole, _ := histogram.New(edges)
	histogram.Add(whole, values, there)
	a, _ := histogram.New(edges)
	histogram.Add(a, values[:1111], there)
	data, _ := a.MarshalBinary()
	var back histogram.Counter
	if err := back.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	b, _ := histogram.New(edges)
	histogram.Add(b, values[1111:], presence.Mask{Bits: there.Bits, Offset: 1111})
	if err := back.Merge(b); err != nil {
		t.Fatal(err)
	}
	want, _ := whole.MarshalBinary()
	if got, _ := back.MarshalBinary(); string(got) != string(want) || back.Values() != whole.Values() || whole.Values() >= int64(there.Count(3000)) {
		t.Errorf("parts count %v, the whole %v", got, want)
	}
	other, _ := histogram.New([]float64{0, 1})
	if back.Merge(other) == nil {
		t.Error("other edges are merged")
	}
}

func FuzzCounter(f *testing.F) {
	c, _ := histogram.New([]float64{0, 1, 2})
	histogram.Add(c, []int8{0, 1, 1, 5}, presence.Mask{})
	data, _ := c.MarshalBinary()
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		var c histogram.Counter
		if c.UnmarshalBinary(data) != nil {
			return
		}
		again, _ := c.MarshalBinary()
		var back histogram.Counter
		if err := back.UnmarshalBinary(again); err != nil || back.Values() != c.Values() {
			t.Fatalf("what was read cannot be written and read: %v", err)
		}
		histogram.Add(&c, []float64{1}, presence.Mask{})
	})
}
