package quantile_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"

	"github.com/leathq/leat/services/validator/internal/presence"
	"github.com/leathq/leat/services/validator/internal/quantile"
)

type golden struct {
	Kind      string
	Values    []*string
	Qs        []float64
	Median    string
	Quantiles map[string][]string
	Edges     []string
	Histogram []int64
}

var kinds = map[string]quantile.Kind{"int": quantile.Int, "uint": quantile.Uint, "float64": quantile.Float64, "float32": quantile.Float32}

func cases(t *testing.T) []golden {
	t.Helper()
	f, err := os.Open("testdata/cases.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []golden
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<22)
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

func number(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func add(t *testing.T, s *quantile.State, kind string, values []*string) {
	t.Helper()
	there := presence.Mask{Bits: make([]byte, len(values)/8+1)}
	var ints []int64
	var uints []uint64
	var floats []float64
	var singles []float32
	for i, text := range values {
		value := "0"
		if text != nil {
			there.Bits[i/8] |= 1 << (i % 8)
			value = *text
		}
		n, _ := strconv.ParseInt(value, 10, 64)
		u, _ := strconv.ParseUint(value, 10, 64)
		x, _ := strconv.ParseFloat(value, 64)
		ints, uints, floats, singles = append(ints, n), append(uints, u), append(floats, x), append(singles, float32(x))
	}
	var err error
	switch kind {
	case "int":
		err = quantile.AddInts(s, ints, there)
	case "uint":
		err = quantile.AddUints(s, uints, there)
	case "float64":
		err = quantile.AddFloats(s, floats, there)
	case "float32":
		err = quantile.AddFloats(s, singles, there)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func same(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

func TestQuantilesAndMediansHavePandasLastBit(t *testing.T) {
	for i, g := range cases(t) {
		s := quantile.New(kinds[g.Kind], quantile.Options{})
		add(t, s, g.Kind, g.Values)
		median, err := s.Median()
		if err != nil || !same(median, number(t, g.Median)) {
			t.Errorf("case %d, %s of %d: the median is %v (%v), pandas has %s", i+1, g.Kind, len(g.Values), median, err, g.Median)
		}
		for _, method := range quantile.Methods {
			got, err := s.Quantiles(g.Qs, method)
			if err != nil {
				t.Fatal(err)
			}
			for j, want := range g.Quantiles[method] {
				if !same(got[j].Float, number(t, want)) || got[j].Element && g.Kind == "int" && strconv.FormatInt(got[j].Int, 10) != want {
					t.Errorf("case %d, %s of %d, %s: quantile %v is %+v, pandas has %s", i+1, g.Kind, len(g.Values), method, g.Qs[j], got[j], want)
				}
			}
		}
	}
}

func TestHistogramsAreNumpys(t *testing.T) {
	for i, g := range cases(t) {
		if g.Edges == nil {
			continue
		}
		s := quantile.New(kinds[g.Kind], quantile.Options{})
		add(t, s, g.Kind, g.Values)
		var edges []float64
		for _, e := range g.Edges {
			edges = append(edges, number(t, e))
		}
		counts, below, above, err := s.Histogram(edges)
		if err != nil || fmt.Sprint(counts) != fmt.Sprint(g.Histogram) {
			t.Errorf("case %d: %v (%v), numpy has %v", i+1, counts, err, g.Histogram)
		}
		total := below + above
		for _, n := range counts {
			total += n
		}
		if total != s.Count() {
			t.Errorf("case %d: %d of %d values are counted", i+1, total, s.Count())
		}
	}
}
