package tail_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/leathq/leat/services/gateway/internal/tail"
)

func TestAQuantileIsRightToAFewPercent(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{20, 50, 5000} {
		var s tail.Sketch
		var all []float64
		for range n {
			d := time.Duration(float64(80*time.Millisecond) * math.Exp(rng.NormFloat64()))
			s.Add(d)
			all = append(all, float64(d))
		}
		slices.Sort(all)
		for _, q := range []float64{.05, .5, .95, .99, 1} {
			want := all[int(math.Ceil(q*float64(n)))-1]
			if got := float64(s.Quantile(q)); math.Abs(got/want-1) > .05 {
				t.Errorf("of %d the quantile %g is %.0f, want %.0f", n, q, got, want)
			}
		}
	}
}

func TestWhatIsLongAgoIsForgotten(t *testing.T) {
	s := tail.Sketch{Span: time.Minute}
	for i := range 100 {
		s.Add(time.Duration(i) * time.Hour) // far out of range, too
	}
	s.Age(61 * time.Second)
	if s.Count() != 100 {
		t.Errorf("%d are left within the window", s.Count())
	}
	s.Add(time.Second)
	s.Age(122 * time.Second)
	if got := s.Quantile(.95); s.Count() != 1 || got < 950*time.Millisecond || got > 1050*time.Millisecond {
		t.Errorf("%d are left, p95 %s", s.Count(), got)
	}
	if s.Age(time.Hour); s.Count() != 0 || s.Quantile(.95) != 0 {
		t.Errorf("%d are left after an hour", s.Count())
	}
}
