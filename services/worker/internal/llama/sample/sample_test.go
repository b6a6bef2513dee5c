package sample_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/llama/sample"
)

func logits(n int, seed uint64) []float32 {
	rng := rand.New(rand.NewPCG(seed, 1))
	row := make([]float32, n)
	for i := range row {
		row[i] = float32(rng.NormFloat64() * 3)
	}
	return row
}

func TestArgMaxAndTop(t *testing.T) {
	for n := 1; n < 40; n++ {
		row := logits(n, uint64(n))
		if n%3 == 0 {
			row[n/2] = row[0] // ties
		}
		want := make([]sample.Candidate, n)
		for i, x := range row {
			want[i] = sample.Candidate{ID: int32(i), X: float64(x)}
		}
		slices.SortStableFunc(want, func(a, b sample.Candidate) int { return int(math.Copysign(1, b.X-a.X)) * b2i(a.X != b.X) })
		if got := sample.ArgMax(row); int32(got) != want[0].ID {
			t.Errorf("n=%d: the largest is %d, want %d", n, got, want[0].ID)
		}
		for k := range n + 3 {
			if got := sample.Top(row, k); !slices.Equal(got, want[:min(k, n)]) {
				t.Errorf("n=%d k=%d: %v, want %v", n, k, got, want[:min(k, n)])
			}
		}
	}
	if got := sample.ArgMax([]float32{float32(math.NaN()), float32(math.NaN())}); got != 0 {
		t.Errorf("all NaN: %d", got)
	}
}

func b2i(v bool) int {
	if v {
		return 1
	}
	return 0
}

func params(t *testing.T, change func(*sample.Params)) sample.Params {
	t.Helper()
	p, err := sample.NewParams(&engine.Sampling{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	change(&p)
	return p
}

// share draws many tokens and returns how often each came.
func share(p sample.Params, row []float32, n int) map[int32]float64 {
	got := map[int32]float64{}
	for seed := range n {
		p.Seed = int64(seed)
		got[sample.New(p, nil).Pick(slices.Clone(row))] += 1 / float64(n)
	}
	return got
}

// TestDrawsFollowTheDistribution compares frequencies with the probabilities that each truncation leaves.
func TestDrawsFollowTheDistribution(t *testing.T) {
	row := []float32{2, 1, 0, -1, -2, -3}
	soft := func(temp float64, keep ...int) map[int32]float64 {
		var sum float64
		w := map[int32]float64{}
		for _, i := range keep {
			w[int32(i)] = math.Exp(float64(row[i]) / temp)
			sum += w[int32(i)]
		}
		for i := range w {
			w[i] /= sum
		}
		return w
	}
	for name, c := range map[string]struct {
		change func(*sample.Params)
		want   map[int32]float64
	}{
		"temperature 1":      {func(*sample.Params) {}, soft(1, 0, 1, 2, 3, 4, 5)},
		"temperature 2":      {func(p *sample.Params) { p.Temperature = 2 }, soft(2, 0, 1, 2, 3, 4, 5)},
		"top_k 2":            {func(p *sample.Params) { p.TopK = 2 }, soft(1, 0, 1)},
		"top_p .8":           {func(p *sample.Params) { p.TopP = .8 }, soft(1, 0, 1)}, // .63 + .23
		"top_p .5":           {func(p *sample.Params) { p.TopP = .5 }, soft(1, 0)},
		"min_p .3":           {func(p *sample.Params) { p.MinP = .3 }, soft(1, 0, 1)},
		"top_k 3 top_p .9":   {func(p *sample.Params) { p.TopK, p.TopP = 3, .9 }, soft(1, 0, 1)},
		"top_p .999 hot":     {func(p *sample.Params) { p.Temperature, p.TopP = 50, .999 }, soft(50, 0, 1, 2, 3, 4, 5)},
		"bias makes certain": {func(p *sample.Params) { p.Bias = map[int32]float64{4: 100} }, map[int32]float64{4: 1}},
	} {
		got := share(params(t, c.change), row, 6000)
		for i := range row {
			if d := math.Abs(got[int32(i)] - c.want[int32(i)]); d > .025 {
				t.Errorf("%s: token %d came with %.3f, want %.3f", name, i, got[int32(i)], c.want[int32(i)])
			}
		}
	}
}

// TestTruncationsAgreeWithSorting checks the short ways against a plain sort, on a large vocabulary.
func TestTruncationsAgreeWithSorting(t *testing.T) {
	row := logits(5000, 9)
	ids := make([]int, len(row))
	for i := range ids {
		ids[i] = i
	}
	slices.SortFunc(ids, func(a, b int) int { return int(math.Copysign(1, float64(row[b]-row[a]))) })
	rank := make(map[int32]int)
	var sum, all float64
	for _, i := range ids {
		all += math.Exp(float64(row[i]))
	}
	inNucleus := map[int32]bool{}
	for r, i := range ids {
		rank[int32(i)] = r
		if sum < .95*all {
			inNucleus[int32(i)] = true
		}
		sum += math.Exp(float64(row[i]))
	}
	for name, c := range map[string]struct {
		p  sample.Params
		ok func(int32) bool
	}{
		"top_k 50":  {params(t, func(p *sample.Params) { p.TopK = 50 }), func(id int32) bool { return rank[id] < 50 }},
		"top_k 300": {params(t, func(p *sample.Params) { p.TopK = 300 }), func(id int32) bool { return rank[id] < 300 }},
		"top_p .95": {params(t, func(p *sample.Params) { p.TopP = .95 }), func(id int32) bool { return inNucleus[id] }},
		"min_p .05": {params(t, func(p *sample.Params) { p.MinP = .05 }), func(id int32) bool {
			return float64(row[id]) >= float64(row[ids[0]])+math.Log(.05)-1e-6
		}},
	} {
		seen := map[int32]bool{}
		for seed := range 800 {
			c.p.Seed = int64(seed)
			id := sample.New(c.p, nil).Pick(slices.Clone(row))
			if seen[id] = true; !c.ok(id) {
				t.Errorf("%s: token of rank %d was drawn", name, rank[id])
			}
		}
		if len(seen) < 20 {
			t.Errorf("%s: only %d different tokens in 800 draws", name, len(seen))
		}
	}
}

func TestPenaltiesMoveLogits(t *testing.T) {
	row := []float32{1, .9, -.5}
	for name, c := range map[string]struct {
		change func(*sample.Params)
		prompt []int32
		accept []int32
		want   int32
	}{
		"none":                        {func(*sample.Params) {}, nil, []int32{0}, 0},
		"presence":                    {func(p *sample.Params) { p.Presence = .2 }, nil, []int32{0}, 1},
		"presence spares the prompt":  {func(p *sample.Params) { p.Presence = .2 }, []int32{0}, nil, 0},
		"frequency once":              {func(p *sample.Params) { p.Frequency = .06 }, nil, []int32{0}, 0},
		"frequency twice":             {func(p *sample.Params) { p.Frequency = .06 }, nil, []int32{0, 0}, 1},
		"repetition of the prompt":    {func(p *sample.Params) { p.Repetition = 1.5 }, []int32{0}, nil, 1},
		"repetition of the output":    {func(p *sample.Params) { p.Repetition = 1.5 }, nil, []int32{0}, 1},
		"repetition below 1 promotes": {func(p *sample.Params) { p.Repetition = .5 }, []int32{1}, nil, 1},
	} {
		p := params(t, c.change)
		p.Temperature = 0
		s := sample.New(p, c.prompt)
		for _, id := range c.accept {
			s.Accept(id)
		}
		if got := s.Pick(slices.Clone(row)); got != c.want {
			t.Errorf("%s: token %d, want %d", name, got, c.want)
		}
	}
}

// TestReplayContinuesWithTheSameDraws: a sampler that accepted the first half of a sequence draws the second half.
func TestReplayContinuesWithTheSameDraws(t *testing.T) {
	p := params(t, func(p *sample.Params) { p.Seed = 42 })
	first, whole := sample.New(p, nil), []int32(nil)
	for i := range 40 {
		id := first.Pick(logits(500, uint64(i)))
		first.Accept(id)
		whole = append(whole, id)
	}
	again := sample.New(p, nil)
	for _, id := range whole[:20] {
		again.Accept(id)
	}
	for i := 20; i < 40; i++ {
		id := again.Pick(logits(500, uint64(i)))
		if again.Accept(id); id != whole[i] {
			t.Fatalf("token %d is %d, the first time %d", i, id, whole[i])
		}
	}
}

func TestLogSumExp(t *testing.T) {
	row := logits(1000, 3)
	m, ls := sample.LogSumExp(row)
	var total float64
	for _, x := range row {
		total += math.Exp(float64(x) - m - ls)
	}
	if math.Abs(total-1) > 1e-12 {
		t.Errorf("probabilities sum to %v", total)
	}
	if m, ls := sample.LogSumExp([]float32{1e30, -1e30}); m != float64(float32(1e30)) || ls != 0 {
		t.Errorf("extreme values: %v %v", m, ls)
	}
}

func TestParamsAreChecked(t *testing.T) {
	f := func(v float64) *float64 { return &v }
	for name, s := range map[string]engine.Sampling{
		"temperature": {Temperature: f(-.1)}, "top_p": {TopP: f(1.1)}, "min_p": {MinP: f(-1)}, "frequency_penalty": {FrequencyPenalty: f(2.1)},
		"presence_penalty": {PresencePenalty: f(math.NaN())}, "repetition_penalty": {RepetitionPenalty: f(0)}, "logit_bias": {LogitBias: map[int32]float64{10: 1}},
	} {
		_, err := sample.NewParams(&s, 10)
		var ee *engine.Error
		if !errors.As(err, &ee) || ee.Param != name || !ee.Client {
			t.Errorf("%s: %v", name, err)
		}
	}
	if p, err := sample.NewParams(&engine.Sampling{AutoSeed: 9}, 10); err != nil || p.Seed != 9 || p.Temperature != 1 || p.TopP != 1 || p.Repetition != 1 {
		t.Errorf("defaults: %+v %v", p, err)
	}
}

func BenchmarkPick(b *testing.B) {
	row := logits(49152, 1)
	for name, change := range map[string]func(*sample.Params){
		"greedy": func(p *sample.Params) { p.Temperature = 0 },
		"all":    func(*sample.Params) {},
		"top_k":  func(p *sample.Params) { p.TopK = 40 },
		"top_p":  func(p *sample.Params) { p.TopP = .95 },
	} {
		b.Run(name, func(b *testing.B) {
			p, err := sample.NewParams(&engine.Sampling{}, len(row))
			if err != nil {
				b.Fatal(err)
			}
			change(&p)
			s := sample.New(p, nil)
			for b.Loop() {
				s.Pick(row)
			}
		})
	}
}

func BenchmarkLogSumExp(b *testing.B) {
	row := logits(49152, 1)
	for b.Loop() {
		sample.LogSumExp(row)
	}
}

// among allows every third token.
type among struct{ masked int }

func (a *among) Allows(id int32) bool { return id%3 == 0 }

func (a *among) Mask(row []float32) error {
	a.masked++
	for i := range row {
		if i%3 != 0 {
			row[i] = float32(math.Inf(-1))
		}
	}
	return nil
}

// Picking freely and again among the allowed tokens gives those the probabilities that masking first gives them.
func TestPickAllowedKeepsTheDistribution(t *testing.T) {
	logits := []float32{1, 3, 2, 0.5, 2.5, 0, 1.5, 3, 1}
	var sum float64
	for i := 0; i < len(logits); i += 3 {
		sum += math.Exp(float64(logits[i]))
	}
	const n = 40000
	counts, c := map[int32]int{}, &among{}
	for seed := range int64(n) {
		s := sample.New(sample.Params{Temperature: 1, TopP: 1, Repetition: 1, Seed: seed}, nil)
		id, err := s.PickAllowed(slices.Clone(logits), c)
		if err != nil || id%3 != 0 {
			t.Fatal(id, err)
		}
		counts[id]++
	}
	for i := 0; i < len(logits); i += 3 {
		want := math.Exp(float64(logits[i])) / sum
		if got := float64(counts[int32(i)]) / n; math.Abs(got-want) > 0.012 {
			t.Errorf("token %d: picked in %.3f of the draws, want %.3f", i, got, want)
		}
	}
	if c.masked == 0 || c.masked == n {
		t.Errorf("masked %d of %d times: only refused picks should be", c.masked, n)
	}
}
