package drift_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/leathq/leat/services/validator/internal/drift"
	"github.com/leathq/leat/services/validator/internal/presence"
)

type golden struct {
	A, B              []float64
	Statistic, P      float64
	Stability         float64
	Wasserstein       *float64
	Table             [][]int
	Chi, G            [2]float64
	Freedom           int
	Kolmogorov, Gamma [][]float64
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
	lines.Buffer(nil, 1<<20)
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

func numbers(values []float64) *drift.Numbers {
	s := drift.NewNumbers(0)
	drift.Add(s, values, presence.Mask{})
	return s
}

func close(got, want, relative float64) bool {
	return math.Abs(got-want) <= relative*math.Abs(want)+1e-12
}

func TestNumbersDriftAsScipySays(t *testing.T) {
	for i, g := range cases(t) {
		if g.A == nil {
			continue
		}
		a, b := numbers(g.A), numbers(g.B)
		k, err := drift.Smirnov(a, b)
		if err != nil || !close(k.Statistic, g.Statistic, 1e-12) || !close(k.P, g.P, 1e-9) || !k.Exact || k.Slack != 0 {
			t.Errorf("case %d: %+v (%v), scipy has %v with p %v", i+1, k, err, g.Statistic, g.P)
		}
		if psi, err := drift.Stability(a, b); err != nil || !close(psi, g.Stability, 1e-9) {
			t.Errorf("case %d: stability %v (%v), want %v", i+1, psi, err, g.Stability)
		}
		if w, err := drift.Wasserstein(a, b); err != nil || g.Wasserstein != nil && !close(w, *g.Wasserstein, 1e-9) {
			t.Errorf("case %d: distance %v (%v), scipy has %v", i+1, w, err, *g.Wasserstein)
		}
	}
}

func TestCategoriesDriftAsScipySays(t *testing.T) {
	for i, g := range cases(t) {
		if g.Table == nil {
			continue
		}
		a, b := categories(g.Table[0]), categories(g.Table[1])
		for name, pair := range map[string]struct {
			test func(a, b *drift.Categories, pool float64) (drift.Test, error)
			want [2]float64
		}{"chi": {drift.ChiSquare, g.Chi}, "g": {drift.G, g.G}} {
			got, err := pair.test(a, b, 0)
			if err != nil || got.Freedom != g.Freedom || !close(got.Statistic, pair.want[0], 1e-9) || !close(got.P, pair.want[1], 1e-9) {
				t.Errorf("case %d, %s: %+v (%v), scipy has %v with %d degrees", i+1, name, got, err, pair.want, g.Freedom)
			}
			pooled, err := pair.test(a, b, drift.Pool)
			if err != nil || pooled.Freedom > g.Freedom {
				t.Errorf("case %d, %s: pooling made %d degrees of %d", i+1, name, pooled.Freedom, g.Freedom)
			}
		}
	}
}

func categories(counts []int) *drift.Categories {
	s := drift.NewCategories(0)
	for k, n := range counts {
		for range n {
			s.AddText(fmt.Append(nil, "category ", k), true)
		}
	}
	return s
}

func TestDistributionsAreScipys(t *testing.T) {
	for _, g := range cases(t) {
		for _, c := range g.Kolmogorov {
			if got := drift.Kolmogorov(c[0]); math.Abs(got-c[1]) > 1e-13 || !close(got, c[1], 1e-9) {
				t.Errorf("Kolmogorov's tail at %v is %v, scipy has %v", c[0], got, c[1])
			}
		}
		for _, c := range g.Gamma {
			if got := drift.UpperGamma(c[0], c[1]); math.Abs(got-c[2]) > 1e-11 {
				t.Errorf("Q(%v, %v) is %v, scipy has %v", c[0], c[1], got, c[2])
			}
		}
	}
}

func TestLargeSamplesOfOneDistributionSeldomAlarm(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	alarms, worst := 0, 0.0
	for range 100 {
		k, err := drift.Smirnov(numbers(normal(rng, 4000, 0)), numbers(normal(rng, 4000, 0)))
		if err != nil || k.Exact {
			t.Fatalf("%+v, %v", k, err)
		}
		if k.P < 0.05 {
			alarms++
		}
		worst = max(worst, k.Statistic)
	}
	if alarms > 13 {
		t.Errorf("%d of 100 alarms at the level 5 %%", alarms)
	}
	k, err := drift.Smirnov(numbers(normal(rng, 4000, 0)), numbers(normal(rng, 4000, 0.2)))
	if err != nil || k.P > 1e-6 || k.Statistic < worst {
		t.Errorf("a shift of 0.2 deviations has p %v (%v)", k.P, err)
	}
}

func normal(rng *rand.Rand, n int, shift float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = rng.NormFloat64() + shift
	}
	return out
}
