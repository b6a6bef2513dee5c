package divergence_test

import (
	"bufio"
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/leathq/leat/services/validator/internal/divergence"
	"github.com/leathq/leat/services/validator/internal/histogram"
	"github.com/leathq/leat/services/validator/internal/presence"
)

// numbers reads floats that Python wrote exactly.
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

type shown struct {
	Bins, Weights numbers
	Tails         numbers `json:"tail_weights"`
}

type golden struct {
	Column    numbers
	Partition shown
	Threshold float64
	Tail      float64 `json:"tail_weight_holdout"`
	Internal  float64 `json:"internal_weight_holdout"`
	Error     string
	Success   bool
	Observed  *string
	Details   struct {
		Observed shown `json:"observed_partition"`
		Expected shown `json:"expected_partition"`
	}
	P, Q    numbers
	Entropy string
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

func judge(g golden) (divergence.Result, error) {
	p := divergence.Partition{Bins: g.Partition.Bins, Weights: g.Partition.Weights, Tails: g.Partition.Tails}
	h := divergence.Holdouts{Tail: g.Tail, Internal: g.Internal}
	if err := divergence.Check(p, h, &g.Threshold); err != nil {
		return divergence.Result{}, err
	}
	c, err := histogram.New(p.Bins)
	if err != nil {
		return divergence.Result{}, err
	}
	histogram.Add(c, g.Column, presence.Mask{})
	counts, below, above := c.Counts()
	return divergence.Continuous(p, h, divergence.Observed{Counts: counts, Below: below, Above: above, Values: c.Values()})
}

func TestDivergencesAreThoseOfGreatExpectations(t *testing.T) {
	for i, g := range cases(t) {
		if g.P != nil {
			continue
		}
		r, err := judge(g)
		if g.Error != "" {
			if err == nil || !strings.HasPrefix(strings.ReplaceAll(g.Error, "Invalid partition_object provided", "Invalid partition object."), err.Error()) {
				t.Errorf("case %d: %v, refused as %q", i+1, err, g.Error)
			}
			continue
		}
		if err != nil {
			t.Errorf("case %d is refused: %v", i+1, err)
			continue
		}
		if got := r.Success(&g.Threshold); got != g.Success {
			t.Errorf("case %d: success is %v", i+1, got)
		}
		if (g.Observed != nil) != r.Defined() {
			t.Errorf("case %d: divergence %v, want %v", i+1, r.Value, g.Observed)
		} else if g.Observed != nil {
			near(t, i, r.Value, *g.Observed)
		}
		for name, pair := range map[string][2]numbers{
			"bins":            {g.Partition.Bins[r.From:r.To], g.Details.Observed.Bins},
			"observed":        {r.Observed, g.Details.Observed.Weights},
			"expected":        {r.Expected, g.Details.Expected.Weights},
			"observed, tails": {r.ObservedTails, g.Details.Observed.Tails},
			"expected, tails": {r.ExpectedTails, g.Details.Expected.Tails},
		} {
			if !equal(pair[0], pair[1]) {
				t.Errorf("case %d: %s %v, want %v", i+1, name, pair[0], pair[1])
			}
		}
	}
}

func equal(a, b numbers) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && !(math.IsNaN(a[i]) && math.IsNaN(b[i])) {
			return false
		}
	}
	return true
}

// near allows the last bit: the C library's logarithm is not rounded correctly, and differs between its versions.
func near(t *testing.T, i int, got float64, want string) {
	t.Helper()
	w, err := strconv.ParseFloat(want, 64)
	if err != nil {
		t.Fatal(err)
	}
	if got == w || math.IsNaN(got) && math.IsNaN(w) {
		return
	}
	other++
	if math.Abs(got-w) > 4e-16*math.Max(1, math.Abs(w)) {
		t.Errorf("case %d: divergence %v, want %v", i+1, got, w)
	}
}

var other int

func TestEntropyIsScipys(t *testing.T) {
	other = 0
	total := 0
	for i, g := range cases(t) {
		if g.P != nil {
			total++
			near(t, i, divergence.Entropy(g.P, g.Q), g.Entropy)
		}
	}
	t.Logf("%d of %d differ in the last bit", other, total)
	if other*5 > total {
		t.Errorf("%d of %d differ in the last bit", other, total)
	}
}

func TestCategories(t *testing.T) {
	p := divergence.Partition{Weights: []float64{0.4, 0.4, 0.2}}
	h := divergence.Holdouts{Tail: 0.1}
	if err := divergence.Check(p, h, nil); err != nil {
		t.Fatal(err)
	}
	rest := 1 - h.Tail
	r := divergence.Categorical(p, h, []int64{2, 0, 1}, []int64{1, 1}, 5)
	if !equal(r.Observed, numbers{0.4, 0, 0.2, 0.2, 0.2}) || !equal(r.Expected, numbers{p.Weights[0] * rest, p.Weights[1] * rest, p.Weights[2] * rest, 0.05, 0.05}) || math.Abs(r.Value-0.6178) > 1e-4 {
		t.Errorf("%+v", r)
	}
	if r := divergence.Categorical(p, h, []int64{0, 0, 0}, nil, 0); r.Defined() || r.Success(new(float64)) {
		t.Errorf("an empty column has divergence %v", r.Value)
	}
	if divergence.Check(p, divergence.Holdouts{Internal: 0.1}, nil) == nil {
		t.Error("an internal holdout for categories is taken")
	}
}

// The divergence of a partition from itself is 0 and grows with x·log x in between: an independent check of the logarithm, against big arithmetic.
func TestLogarithmsAreRoundedCorrectly(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		x := math.Exp(rng.NormFloat64() * 20)
		if got, want := divergence.Log(x), bigLog(x); got != want {
			t.Errorf("ln %v is %v, want %v", x, got, want)
		}
		small := math.Ldexp(rng.Float64()-0.5, -rng.IntN(60))
		if got, want := divergence.Log1p(small), bigLog1p(small); got != want {
			t.Errorf("ln(1+%v) is %v, want %v", small, got, want)
		}
	}
}

func bigLog(x float64) float64 { return lnBig(new(big.Float).SetPrec(300).SetFloat64(x)) }

func bigLog1p(x float64) float64 {
	one := new(big.Float).SetPrec(300).SetInt64(1)
	return lnBig(one.Add(one, new(big.Float).SetFloat64(x)))
}

// lnBig takes square roots until the series of the artanh is short.
func lnBig(x *big.Float) float64 {
	const roots = 40
	for range roots {
		x = new(big.Float).SetPrec(300).Sqrt(x)
	}
	one := big.NewFloat(1).SetPrec(300)
	z := new(big.Float).SetPrec(300).Quo(new(big.Float).SetPrec(300).Sub(x, one), new(big.Float).SetPrec(300).Add(x, one))
	square := new(big.Float).SetPrec(300).Mul(z, z)
	sum, power := new(big.Float).SetPrec(300), new(big.Float).SetPrec(300).Set(z)
	for k := range 8 {
		sum.Add(sum, new(big.Float).SetPrec(300).Quo(power, big.NewFloat(float64(2*k+1)).SetPrec(300)))
		power.Mul(power, square)
	}
	v, _ := new(big.Float).SetMantExp(sum, roots+1).Float64()
	return v
}
