package quantile_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/leathq/leat/services/validator/internal/presence"
	"github.com/leathq/leat/services/validator/internal/quantile"
	"github.com/leathq/leat/services/validator/internal/spill"
)

func bytesOf(t *testing.T, s *quantile.State) string {
	t.Helper()
	data, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// parts makes states of random cuts with a small bound, sends some through bytes and merges them in random order.
func parts(t *testing.T, kind string, values []*string, rng *rand.Rand) *quantile.State {
	t.Helper()
	options := quantile.Options{Bytes: int64(1 + rng.IntN(100000)), Space: spill.Dir(t.TempDir())}
	var states []*quantile.State
	for from := 0; from < len(values) || len(states) == 0; {
		s := quantile.New(kinds[kind], options)
		for range 1 + rng.IntN(3) {
			to := min(len(values), from+rng.IntN(6000))
			add(t, s, kind, values[from:to])
			from = to
		}
		if rng.IntN(2) == 0 {
			back := quantile.New(quantile.Int, options)
			if err := back.UnmarshalBinary([]byte(bytesOf(t, s))); err != nil {
				t.Fatal(err)
			}
			s = back
		}
		states = append(states, s)
	}
	rng.Shuffle(len(states), func(i, j int) { states[i], states[j] = states[j], states[i] })
	for _, s := range states[1:] {
		if err := states[0].Merge(s); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return states[0]
}

func TestCutsMergesAndScratchFilesDoNotShow(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for kind := range kinds {
		for _, n := range []int{0, 1, 5000, 30000} {
			values := make([]*string, n)
			for i := range values {
				if rng.IntN(9) > 0 {
					values[i] = random(rng, kind)
				}
			}
			whole := quantile.New(kinds[kind], quantile.Options{})
			add(t, whole, kind, values)
			qs := []float64{0, 0.1, 0.31, 0.5, 1}
			want, err := whole.Quantiles(qs, "linear")
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				cut := parts(t, kind, values, rng)
				got, err := cut.Quantiles(qs, "linear")
				if err != nil || fmt.Sprint(got) != fmt.Sprint(want) || bytesOf(t, cut) != bytesOf(t, whole) || cut.Missing() != whole.Missing() {
					t.Fatalf("%s of %d: parts give %v (%v), the whole %v", kind, n, got, err, want)
				}
				if err := cut.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func random(rng *rand.Rand, kind string) *string {
	text := strconv.FormatInt(int64(rng.Uint64())>>rng.IntN(63), 10)
	switch kind {
	case "uint":
		text = strconv.FormatUint(rng.Uint64()>>rng.IntN(63), 10)
	case "float64", "float32":
		text = strconv.FormatFloat(math.Round(rng.NormFloat64()*1000)/8, 'g', -1, 64)
	}
	return &text
}

func TestAboveTheBoundWithoutScratchSpaceIsAnError(t *testing.T) {
	s := quantile.New(quantile.Int, quantile.Options{Bytes: 1000})
	values := make([]int64, 50000)
	for i := range values {
		values[i] = int64(i)
	}
	if err := quantile.AddInts(s, values, presence.Mask{}); err == nil {
		t.Error("the state grew beyond its bound")
	}
	few := quantile.New(quantile.Int, quantile.Options{Bytes: 1000})
	if err := quantile.AddInts(few, make([]int64, 50000), presence.Mask{}); err != nil {
		t.Errorf("one distinct value does not fit: %v", err)
	}
}

func TestWrongQuestionsAreNamed(t *testing.T) {
	s := quantile.New(quantile.Int, quantile.Options{})
	if _, err := s.Quantiles([]float64{1.5}, "linear"); err == nil {
		t.Error("a quantile above 1 has a value")
	}
	if _, err := s.Quantiles([]float64{0.5}, "cubic"); err == nil {
		t.Error("an unknown interpolation has a value")
	}
	if _, _, _, err := s.Histogram([]float64{1, 1}); err == nil {
		t.Error("an empty bin is counted")
	}
	if quantile.AddFloats(s, []float64{1}, presence.Mask{}) == nil || s.Merge(quantile.New(quantile.Uint, quantile.Options{})) == nil {
		t.Error("values of another kind went in")
	}
}

func FuzzState(f *testing.F) {
	s := quantile.New(quantile.Float64, quantile.Options{})
	_ = quantile.AddFloats(s, []float64{1, 2, 2, -3, math.Inf(1)}, presence.Mask{})
	data, _ := s.MarshalBinary()
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		s := quantile.New(quantile.Int, quantile.Options{})
		if s.UnmarshalBinary(data) != nil {
			return
		}
		again := bytesOf(t, s)
		back := quantile.New(quantile.Int, quantile.Options{})
		if err := back.UnmarshalBinary([]byte(again)); err != nil || bytesOf(t, back) != again {
			t.Fatalf("what was read cannot be written and read: %v", err)
		}
		if _, err := s.Quantiles([]float64{0, 0.5, 1}, "linear"); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkMillion(b *testing.B) {
	values := make([]float64, 1<<20)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range values {
		values[i] = rng.NormFloat64()
	}
	b.Run("add", func(b *testing.B) {
		for b.Loop() {
			s := quantile.New(quantile.Float64, quantile.Options{})
			for from := 0; from < len(values); from += 8192 {
				_ = quantile.AddFloats(s, values[from:from+8192], presence.Mask{})
			}
		}
		b.ReportMetric(float64(b.N)*float64(len(values))/b.Elapsed().Seconds()/1e6, "M/s")
	})
	b.Run("add+quantiles", func(b *testing.B) {
		for b.Loop() {
			s := quantile.New(quantile.Float64, quantile.Options{})
			_ = quantile.AddFloats(s, values, presence.Mask{})
			_, _ = s.Quantiles([]float64{0.1, 0.5, 0.9}, "nearest")
		}
		b.ReportMetric(float64(b.N)*float64(len(values))/b.Elapsed().Seconds()/1e6, "M/s")
	})
}
