package sums_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/leathq/leat/services/validator/internal/presence"
	"github.com/leathq/leat/services/validator/internal/sums"
)

func TestLargeColumnsAreExactAndRoundedOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, spread := range []int{0, 40, 500, 980} {
		values := make([]float64, sums.Small+500)
		total, squares := new(big.Rat), new(big.Rat)
		for i := range values {
			values[i] = math.Ldexp(rng.NormFloat64(), rng.IntN(spread+1)*(rng.IntN(2)*2-1)/2)
			exact := new(big.Rat).SetFloat64(values[i])
			total.Add(total, exact)
			squares.Add(squares, exact.Mul(exact, exact))
		}
		s := sums.New(sums.Float64)
		if err := sums.AddFloats(s, values, presence.Mask{}); err != nil {
			t.Fatal(err)
		}
		n := new(big.Rat).SetInt64(int64(len(values)))
		sum, _ := total.Float64()
		mean := new(big.Rat).Quo(total, n)
		wantMean, _ := mean.Float64()
		variance := new(big.Rat).Sub(squares, new(big.Rat).Mul(total, mean))
		variance.Quo(variance, new(big.Rat).Sub(n, big.NewRat(1, 1)))
		wantVariance, _ := variance.Float64()
		if s.Sum().Float != sum || s.Mean() != wantMean || s.Variance() != wantVariance {
			t.Errorf("spread %d: %v %v %v, exactly %v %v %v", spread, s.Sum().Float, s.Mean(), s.Variance(), sum, wantMean, wantVariance)
		}
		if d := s.Deviation(); math.Abs(d-math.Sqrt(wantVariance)) > 1e-15*d {
			t.Errorf("spread %d: deviation %v, the root of the variance is %v", spread, d, math.Sqrt(wantVariance))
		}
	}
}

func TestLargeIntegersWrapInSumsAndNotInMeans(t *testing.T) {
	values := make([]int64, 5000)
	for i := range values {
		values[i] = math.MaxInt64 - int64(i)
	}
	s := sums.New(sums.Int)
	if err := sums.AddInts(s, values, presence.Mask{}); err != nil {
		t.Fatal(err)
	}
	var wrapped int64
	for _, v := range values {
		wrapped += v
	}
	if got := s.Sum().Int; got != wrapped {
		t.Errorf("the sum is %d, int64 arithmetic gives %d", got, wrapped)
	}
	if got := s.Mean(); got != float64(math.MaxInt64-2499) {
		t.Errorf("the mean is %v", got)
	}
	if got, want := s.Deviation(), math.Sqrt(5000.0*5001/12); math.Abs(got-want) > 1e-12*want {
		t.Errorf("the deviation is %v, want %v", got, want)
	}
}

func TestInfinitiesOfLargeColumns(t *testing.T) {
	values := make([]float64, 5000)
	values[17] = math.Inf(1)
	s := sums.New(sums.Float64)
	if err := sums.AddFloats(s, values, presence.Mask{}); err != nil {
		t.Fatal(err)
	}
	if !math.IsInf(s.Sum().Float, 1) || !math.IsInf(s.Mean(), 1) || !math.IsNaN(s.Deviation()) {
		t.Errorf("%v %v %v", s.Sum(), s.Mean(), s.Deviation())
	}
	if err := sums.AddFloats(s, []float64{math.Inf(-1)}, presence.Mask{}); err != nil {
		t.Fatal(err)
	}
	if !math.IsNaN(s.Sum().Float) || !math.IsNaN(s.Mean()) {
		t.Errorf("both infinities: %v %v", s.Sum(), s.Mean())
	}
}

func TestOtherKindsAreRefused(t *testing.T) {
	s := sums.New(sums.Int)
	if sums.AddFloats(s, []float64{1}, presence.Mask{}) == nil || sums.AddUints(s, []uint8{1}, presence.Mask{}) == nil || s.AddBools(presence.Mask{}, 1, presence.Mask{}) == nil ||
		sums.AddInts(sums.New(sums.Bool), []int8{1}, presence.Mask{}) == nil || s.Merge(sums.New(sums.Uint)) == nil {
		t.Error("values of another kind went in")
	}
}

func FuzzState(f *testing.F) {
	for _, kind := range kinds {
		small := sums.New(kind)
		data, _ := small.MarshalBinary()
		f.Add(data)
	}
	large := sums.New(sums.Float64)
	_ = sums.AddFloats(large, make([]float64, 5000), presence.Mask{})
	data, _ := large.MarshalBinary()
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		var s sums.State
		if s.UnmarshalBinary(data) != nil {
			return
		}
		again := bytesOf(t, &s)
		var back sums.State
		if err := back.UnmarshalBinary([]byte(again)); err != nil || bytesOf(t, &back) != again {
			t.Fatalf("what was read cannot be written and read: %v", err)
		}
		_, _, _ = s.Sum(), s.Mean(), s.Deviation()
		if err := s.Merge(&back); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkLarge(b *testing.B) {
	values := make([]float64, 1<<16)
	for i := range values {
		values[i] = float64(i) * 0.37
	}
	ints := make([]int64, 1<<16)
	for name, run := range map[string]func(*sums.State) error{
		"floats": func(s *sums.State) error { return sums.AddFloats(s, values, presence.Mask{}) },
		"ints":   func(s *sums.State) error { return sums.AddInts(s, ints, presence.Mask{}) },
	} {
		b.Run(name, func(b *testing.B) {
			s := sums.New(map[string]sums.Kind{"floats": sums.Float64, "ints": sums.Int}[name])
			for b.Loop() {
				if err := run(s); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*float64(len(values))/b.Elapsed().Seconds()/1e6, "M/s")
		})
	}
}
