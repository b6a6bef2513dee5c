package drift_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/leathq/leat/services/validator/internal/drift"
	"github.com/leathq/leat/services/validator/internal/presence"
)

func TestSummariesDoNotDependOnCutsAndOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{100, 4096, 30000} {
		values := normal(rng, n, 1.7e9)
		values[3], values[4], values[5] = math.Inf(1), math.Inf(-1), math.NaN()
		whole := drift.NewNumbers(4096)
		drift.Add(whole, values, presence.Mask{})
		want, _ := whole.MarshalBinary()
		for range 4 {
			rng.Shuffle(n, func(i, j int) { values[i], values[j] = values[j], values[i] })
			all := drift.NewNumbers(4096)
			for from := 0; from < n; {
				to := min(n, from+1+rng.IntN(9000))
				part := drift.NewNumbers(4096)
				drift.Add(part, values[from:to], presence.Mask{})
				data, _ := part.MarshalBinary()
				var back drift.Numbers
				if err := back.UnmarshalBinary(data); err != nil {
					t.Fatal(err)
				}
				if err := all.Merge(&back); err != nil {
					t.Fatal(err)
				}
				from = to
			}
			if got, _ := all.MarshalBinary(); string(got) != string(want) {
				t.Fatalf("%d numbers: parts have another summary than the whole", n)
			}
		}
		if whole.Exact() != (n <= 4096) || whole.Count() != uint64(n-1) || whole.Missing() != 1 {
			t.Errorf("%d numbers: exact %v, error %v, %d counted", n, whole.Exact(), whole.Error(), whole.Count())
		}
	}
}

func TestAFewNumbersAndManyMergeInEitherOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	values := normal(rng, 5000, 0)
	whole := drift.NewNumbers(4096)
	drift.Add(whole, values, presence.Mask{})
	want, _ := whole.MarshalBinary()
	for _, cut := range []int{10, 4990} {
		a, b := drift.NewNumbers(4096), drift.NewNumbers(4096)
		drift.Add(a, values[:cut], presence.Mask{})
		drift.Add(b, values[cut:], presence.Mask{})
		if err := a.Merge(b); err != nil {
			t.Fatal(err)
		}
		if got, _ := a.MarshalBinary(); string(got) != string(want) {
			t.Errorf("%d numbers and the rest have another summary than the whole", cut)
		}
	}
}

func TestCoarseSummariesKeepTheirStatedError(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	a, b := normal(rng, 60000, 0), normal(rng, 60000, 0.05)
	fine := func(v []float64) *drift.Numbers {
		s := drift.NewNumbers(1 << 20)
		drift.Add(s, v, presence.Mask{})
		return s
	}
	coarse := func(v []float64) *drift.Numbers {
		s := drift.NewNumbers(4096)
		drift.Add(s, v, presence.Mask{})
		return s
	}
	want, _ := drift.Smirnov(fine(a), fine(b))
	got, err := drift.Smirnov(coarse(a), coarse(b))
	if err != nil || got.Slack == 0 || got.Slack > 0.01 || got.Statistic > want.Statistic || got.Statistic+got.Slack < want.Statistic {
		t.Errorf("statistic %v with slack %v (%v), exactly %v", got.Statistic, got.Slack, err, want.Statistic)
	}
	for name, pair := range map[string][2]*drift.Numbers{"reference": {coarse(a), fine(b)}, "data": {fine(a), coarse(b)}} {
		if one, err := drift.Smirnov(pair[0], pair[1]); err != nil || one != got {
			t.Errorf("only the %s is coarse: %+v (%v), both %+v", name, one, err, got)
		}
	}
	exact, _ := drift.Wasserstein(fine(a), fine(b))
	near, _ := drift.Wasserstein(coarse(a), coarse(b))
	if e := coarse(a).Error(); e == 0 || math.Abs(exact-near) > e*3 {
		t.Errorf("distance %v, exactly %v, stated error %v", near, exact, e)
	}
}

func TestManyCategoriesAreGroupedAndStillCompared(t *testing.T) {
	make := func(n int, prefix string) *drift.Categories {
		s := drift.NewCategories(64)
		for i := range n {
			s.AddText(fmt.Append(nil, prefix, i%5000), true)
		}
		return s
	}
	same, err := drift.G(make(20000, "a"), make(20000, "a"), drift.Pool)
	if err != nil || same.P < 0.99 {
		t.Errorf("the same categories: %+v, %v", same, err)
	}
	other, err := drift.G(make(20000, "a"), make(20000, "b"), drift.Pool)
	if err != nil || other.P > 1e-6 || make(20000, "a").Exact() {
		t.Errorf("other categories: %+v, %v", other, err)
	}
	if v, _ := drift.Variation(categories([]int{10, 10}), categories([]int{5, 10, 5})); math.Abs(v-0.25) > 1e-12 {
		t.Errorf("variation is %v", v)
	}
}

func TestHolm(t *testing.T) {
	got := drift.Holm([]float64{0.01, 0.04, 0.03, math.NaN(), 0.005})
	want := []float64{0.03, 0.06, 0.06, math.NaN(), 0.02}
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-15 || math.IsNaN(got[i]) != math.IsNaN(want[i]) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestColumnsThatCannotBeComparedSayWhy(t *testing.T) {
	reference := drift.Profile{Numbers: map[string]*drift.Numbers{"age": numbers([]float64{1, 2, 3}), "gone": numbers([]float64{1}), "kind": numbers([]float64{1})}}
	current := drift.Profile{
		Numbers:    map[string]*drift.Numbers{"age": numbers([]float64{1, 2, 4}), "new": numbers([]float64{1})},
		Categories: map[string]*drift.Categories{"kind": categories([]int{3})},
	}
	var names []string
	for _, c := range drift.Compare(reference, current) {
		names = append(names, c.Name)
		if (c.Missing == "") != (c.Name == "age") || math.IsNaN(c.Adjusted) != (c.Name != "age") {
			t.Errorf("%+v", c)
		}
	}
	if !slices.Equal(names, []string{"age", "gone", "kind", "new"}) {
		t.Errorf("columns %v", names)
	}
}

func FuzzSummaries(f *testing.F) {
	data, _ := numbers([]float64{1, 2, 2, math.Inf(-1)}).MarshalBinary()
	f.Add(data)
	data, _ = categories([]int{3, 1}).MarshalBinary()
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		var n drift.Numbers
		if n.UnmarshalBinary(data) == nil {
			again, _ := n.MarshalBinary()
			var back drift.Numbers
			if err := back.UnmarshalBinary(again); err != nil {
				t.Fatal(err)
			}
			_, _ = drift.Wasserstein(&n, &back)
			_, _ = drift.Stability(&n, &back)
		}
		var c drift.Categories
		if c.UnmarshalBinary(data) == nil {
			_, _ = drift.G(&c, categories([]int{1, 2}), 0)
		}
	})
}
