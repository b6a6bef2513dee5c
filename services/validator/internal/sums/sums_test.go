package sums_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/leathq/leat/services/validator/internal/presence"
	"github.com/leathq/leat/services/validator/internal/sums"
)

type golden struct {
	Kind                      string
	Values                    []*string
	Sum                       [2]string
	Mean, Variance, Deviation string
}

var kinds = map[string]sums.Kind{"int": sums.Int, "uint": sums.Uint, "bool": sums.Bool, "float64": sums.Float64, "float32": sums.Float32}

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

// add gives rows from … to of a case to a state, as one batch.
func add(t *testing.T, s *sums.State, g golden, from, to int) {
	t.Helper()
	there := presence.Mask{Bits: make([]byte, (to-from)/8+1)}
	ones := presence.Mask{Bits: make([]byte, (to-from)/8+1)}
	var ints []int64
	var uints []uint64
	var floats []float64
	var singles []float32
	for i, text := range g.Values[from:to] {
		value := "0"
		if text != nil {
			there.Bits[i/8] |= 1 << (i % 8)
			value = *text
		}
		n, _ := strconv.ParseInt(value, 10, 64)
		u, _ := strconv.ParseUint(value, 10, 64)
		x, _ := strconv.ParseFloat(value, 64)
		ints, uints, floats, singles = append(ints, n), append(uints, u), append(floats, x), append(singles, float32(x))
		ones.Bits[i/8] |= byte(n&1) << (i % 8)
	}
	var err error
	switch g.Kind {
	case "int":
		err = sums.AddInts(s, ints, there)
	case "uint":
		err = sums.AddUints(s, uints, there)
	case "bool":
		err = s.AddBools(ones, to-from, there)
	case "float64":
		err = sums.AddFloats(s, floats, there)
	case "float32":
		err = sums.AddFloats(s, singles, there)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func same(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

func TestSmallColumnsHavePandasLastBit(t *testing.T) {
	for i, g := range cases(t) {
		s := sums.New(kinds[g.Kind])
		add(t, s, g, 0, len(g.Values))
		where := fmt.Sprintf("case %d, %s of %d", i+1, g.Kind, len(g.Values))
		checkSum(t, where, s.Sum(), g.Sum)
		for name, got := range map[string][2]float64{
			"mean": {s.Mean(), number(t, g.Mean)}, "variance": {s.Variance(), number(t, g.Variance)}, "deviation": {s.Deviation(), number(t, g.Deviation)},
		} {
			if !same(got[0], got[1]) {
				t.Errorf("%s: %s is %v, pandas has %v", where, name, got[0], got[1])
			}
		}
	}
}

func checkSum(t *testing.T, where string, got sums.Number, want [2]string) {
	t.Helper()
	text := fmt.Sprint(got.Value())
	switch want[0] {
	case "int", "int64", "uint64":
		if text != want[1] {
			t.Errorf("%s: the sum is %s, pandas has %s", where, text, want[1])
		}
	default:
		if !same(got.Float64(), number(t, want[1])) || (want[0] == "float32") != (got.Kind == sums.Float32) {
			t.Errorf("%s: the sum is %v (%T), pandas has %v", where, got.Value(), got.Value(), want)
		}
	}
}

// parts cuts the rows at random, makes states of them by several batches each, sends some through bytes, and merges neighbours in random order.
func parts(t *testing.T, g golden, rng *rand.Rand) *sums.State {
	t.Helper()
	var states []*sums.State
	for from := 0; from < len(g.Values) || len(states) == 0; {
		s := sums.New(kinds[g.Kind])
		for range 1 + rng.IntN(3) {
			to := min(len(g.Values), from+rng.IntN(1500))
			add(t, s, g, from, to)
			from = to
		}
		states = append(states, through(t, s, kinds[g.Kind]))
	}
	for len(states) > 1 {
		i := rng.IntN(len(states) - 1)
		if err := states[i].Merge(states[i+1]); err != nil {
			t.Fatal(err)
		}
		states = append(states[:i+1], states[i+2:]...)
	}
	return states[0]
}

func through(t *testing.T, s *sums.State, kind sums.Kind) *sums.State {
	t.Helper()
	data, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	back := sums.New(kind)
	if err := back.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	return back
}

func bytesOf(t *testing.T, s *sums.State) string {
	t.Helper()
	data, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestCutsAndMergesDoNotShow(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, kind := range []string{"int", "uint", "bool", "float64", "float32"} {
		for _, n := range []int{0, 5, 4000, 4096, 4097, 9000} {
			g := golden{Kind: kind}
			for range n {
				g.Values = append(g.Values, random(rng, kind))
			}
			whole := sums.New(kinds[kind])
			add(t, whole, g, 0, n)
			for range 4 {
				if cut := parts(t, g, rng); bytesOf(t, cut) != bytesOf(t, whole) || fmt.Sprint(cut.Sum(), cut.Mean(), cut.Deviation()) != fmt.Sprint(whole.Sum(), whole.Mean(), whole.Deviation()) {
					t.Fatalf("%s of %d rows: parts give %v, the whole %v", kind, n, cut.Sum(), whole.Sum())
				}
			}
		}
	}
}

func random(rng *rand.Rand, kind string) *string {
	if rng.IntN(10) == 0 {
		return nil
	}
	text := strconv.FormatInt(int64(rng.Uint64())>>rng.IntN(60), 10)
	switch kind {
	case "uint":
		text = strconv.FormatUint(rng.Uint64()>>rng.IntN(60), 10)
	case "bool":
		text = strconv.Itoa(rng.IntN(2))
	case "float64", "float32":
		text = strconv.FormatFloat(math.Ldexp(rng.NormFloat64(), rng.IntN(120)-60), 'g', -1, 64)
	}
	return &text
}
