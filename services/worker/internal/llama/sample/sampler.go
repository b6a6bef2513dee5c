package sample

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Sampler picks the tokens of one sequence. The draw at position n depends on the seed and n alone, so a sequence that
// is replayed elsewhere continues with the same draws.
type Sampler struct {
	p      Params
	seen   map[int32]struct{} // prompt and output, where repetition is penalised
	counts map[int32]int      // output, where any penalty needs it
	n      uint64             // tokens accepted
	cand   []Candidate
	w      []float64
}

// New returns a sampler; prompt is only read for the repetition penalty.
func New(p Params, prompt []int32) *Sampler {
	s := &Sampler{p: p}
	if p.Frequency != 0 || p.Presence != 0 {
		s.counts = make(map[int32]int)
	}
	if p.Repetition != 1 {
		s.seen = make(map[int32]struct{}, len(prompt))
		for _, id := range prompt {
			s.seen[id] = struct{}{}
		}
	}
	return s
}

// Greedy reports that picks need no more than the row's largest value.
func (s *Sampler) Greedy() bool {
	return s.p.Temperature == 0 && len(s.p.Bias) == 0 && s.counts == nil && s.seen == nil
}

// Accept records a token of the output; call it once for every token, in order.
func (s *Sampler) Accept(id int32) {
	s.n++
	if s.counts != nil {
		s.counts[id]++
	}
	if s.seen != nil {
		s.seen[id] = struct{}{}
	}
}

// Pick chooses the next token. It may change row, so take log-probabilities first. The order is: bias, repetition,
// frequency and presence penalties, temperature, top_k, top_p, min_p, draw.
func (s *Sampler) Pick(row []float32) int32 {
	s.penalise(row)
	if s.p.Temperature == 0 {
		return int32(ArgMax(row))
	}
	if s.p.TopK == 0 && s.p.TopP == 1 && s.p.MinP == 0 {
		return s.drawAll(row)
	}
	return s.draw(s.truncate(row))
}

func (s *Sampler) penalise(row []float32) {
	for id, v := range s.p.Bias {
		row[id] += float32(v)
	}
	if s.p.Repetition != 1 {
		for id := range s.seen {
			if x := row[id]; x > 0 {
				row[id] = float32(float64(x) / s.p.Repetition)
			} else {
				row[id] = float32(float64(x) * s.p.Repetition)
			}
		}
	}
	for id, n := range s.counts {
		row[id] = float32(float64(row[id]) - s.p.Frequency*float64(n) - s.p.Presence)
	}
}

// uniform is the draw of this position, in [0, 1).
func (s *Sampler) uniform() float64 {
	return rand.New(rand.NewPCG(uint64(s.p.Seed), s.n)).Float64()
}

// drawAll draws from the whole distribution without sorting it.
func (s *Sampler) drawAll(row []float32) int32 {
	m := float64(row[ArgMax(row)])
	if cap(s.w) < len(row) {
		s.w = make([]float64, len(row))
	}
	w, inv := s.w[:len(row)], 1/s.p.Temperature
	var sum float64
	for i, x := range row {
		w[i] = weight((float64(x) - m) * inv)
		sum += w[i]
	}
	u := s.uniform() * sum
	last := int32(0)
	for i, v := range w {
		if v == 0 {
			continue
		}
		if u -= v; u < 0 {
			return int32(i)
		}
		last = int32(i)
	}
	return last
}

// weight is exp(x) for x ≤ 0, and 0 where a sum of a vocabulary's weights would not notice.
func weight(x float64) float64 {
	if !(x > -48) {
		return 0
	}
	return math.Exp(x)
}

// truncate returns the candidates that top_k, top_p and min_p leave, with weights, in falling order.
func (s *Sampler) truncate(row []float32) []Candidate {
	m := float64(row[ArgMax(row)])
	inv := 1 / s.p.Temperature
	var all float64
	if s.p.TopK == 0 && s.p.TopP < 1 {
		for _, x := range row {
			all += weight((float64(x) - m) * inv)
		}
	}
	cand := s.shortlist(row, m, inv, all)
	for i := range cand {
		cand[i].X = weight((cand[i].X - m) * inv)
	}
	if s.p.TopP < 1 {
		cand = nucleus(cand, all, s.p.TopP)
	}
	return slices.DeleteFunc(cand, func(c Candidate) bool { return c.X < s.p.MinP*cand[0].X || c.X == 0 })
}

// shortlist returns enough candidates, sorted, for the truncations that follow: the top_k, or a growing head of the
// distribution until it holds the nucleus.
func (s *Sampler) shortlist(row []float32, m, inv, all float64) []Candidate {
	if k := s.p.TopK; k > 0 {
		if k <= 128 {
			return Top(row, k)
		}
		cand := s.above(row, float32(math.Inf(-1)))
		return cand[:min(k, len(cand))]
	}
	if s.p.TopP == 1 { // min_p alone
		return s.above(row, float32(m+math.Log(s.p.MinP)/inv-1e-3))
	}
	for depth := 4.0; ; depth *= 2 {
		cand := s.above(row, float32(m-depth/inv))
		var sum float64
		for _, c := range cand {
			sum += weight((c.X - m) * inv)
		}
		if sum >= s.p.TopP*all || depth > 48 {
			return cand
		}
	}
}

// above lists the tokens whose logit is not below floor, in falling order.
func (s *Sampler) above(row []float32, floor float32) []Candidate {
	cand := s.cand[:0]
	for id, x := range row {
		if x >= floor {
			cand = append(cand, Candidate{ID: int32(id), X: float64(x)})
		}
	}
	slices.SortFunc(cand, func(a, b Candidate) int {
		if before(a, b) {
			return -1
		}
		return 1
	})
	s.cand = cand
	return cand
}

// nucleus keeps the shortest head of cand that holds the share p of the whole weight (of cand's own where all is 0).
// Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration".
func nucleus(cand []Candidate, all, p float64) []Candidate {
	if all == 0 {
		for _, c := range cand {
			all += c.X
		}
	}
	var sum float64
	for i, c := range cand {
		if sum += c.X; sum >= p*all {
			return cand[:i+1]
		}
	}
	return cand
}

func (s *Sampler) draw(cand []Candidate) int32 {
	var sum float64
	for _, c := range cand {
		sum += c.X
	}
	u := s.uniform() * sum
	for _, c := range cand {
		if u -= c.X; u < 0 {
			return c.ID
		}
	}
	return cand[len(cand)-1].ID
}
