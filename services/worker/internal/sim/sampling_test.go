package sim_test

import (
	"math"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/sim"
)

// Tokens come as often as their log-probabilities say, at temperature 1 and, renormalised, among the likeliest three.
func TestFrequenciesFollowTheLogprobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := open(t, sim.Config{})
		defer e.Close()
		for name, k := range map[string]*int{"plain": nil, "top_k": ptr(3)} {
			const n = 4000
			seen, chance, mass := map[int32]int{}, map[int32]float64{}, 0.0
			for i := range n {
				req := &engine.Request{Prompt: engine.Prompt{Text: "frequencies"}, MaxTokens: 1, Logprobs: true, TopLogprob: 20}
				req.AutoSeed, req.TopK = int64(i), k
				lp := run(t, e, req).logprobs()[0]
				seen[lp.ID]++
				if i == 0 {
					for rank, alt := range lp.Top {
						if k == nil || rank < *k {
							chance[alt.ID] = math.Exp(alt.Logprob)
							mass += math.Exp(alt.Logprob)
						}
					}
				}
			}
			if k == nil {
				mass = 1
			}
			for id, p := range chance {
				p /= mass
				if got, sigma := float64(seen[id])/n, math.Sqrt(p*(1-p)/n); math.Abs(got-p) > 5*sigma+1e-3 {
					t.Errorf("%s: token %d came in %.4f of all cases, its probability is %.4f", name, id, got, p)
				}
			}
			if k != nil && len(seen) > *k {
				t.Errorf("%d different tokens out of three", len(seen))
			}
		}
	})
}

func TestIgnoreEOS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := open(t, sim.Config{MeanOutput: 3})
		defer e.Close()
		for _, temperature := range []float64{0, 0.7, 1} {
			req := textRequest("on and on", 300)
			req.IgnoreEOS, req.Temperature = true, &temperature
			s := run(t, e, req)
			if n := len(s.tokens()); n != 300 || slices.Contains(s.tokens(), 257) {
				t.Errorf("temperature %v: %d tokens", temperature, n)
			}
		}
	})
}
