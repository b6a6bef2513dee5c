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

// Constraint says which tokens may be picked next.
type Constraint interface {
	// Allows tells whether a token may be picked.
	Allows(id int32) bool
	// Mask sets the row's entries of all other tokens to −Inf. The error says why none is left.
	Mask(row []float32) error
}

// PickAllowed chooses the next token among those that c allows. It picks as Pick does, and only where c refuses that token
// again, among the allowed ones, by a draw of its own: without truncation (top_k, top_p, min_p) that gives each allowed token
// the probability that masking first would give it.
func (s *Sampler) PickAllowed(row []float32, c Constraint) (int32, error) {
	s.penalise(row)
	if id := s.pick(row, 0); c.Allows(id) {
		return id, nil
	}
	if err := c.Mask(row); err != nil {
		return 0, err
	}
	return s.pick(row, 1), nil
}

// Pick chooses the next token. It may change row, so take log-probabilities first. The order is: bias, repetition,
// frequency and presence penalties, temperature, top_k, top_p, min_p, draw.
func (s *Sampler) Pick(row []float32) int32 {
	s.penalise(row)
	return s.pick(row, 0)
}

// pick is Pick without the penalties; try tells a position's draws apart.
func (s *Sampler) pick(row []float32, try uint64) int32 {
	if s.p.Temperature == 0 {
		return int32(ArgMax(row))
	}
	u := s.uniform(try)
	if s.p.TopK == 0 && s.p.TopP == 1 && s.p.MinP == 0 {
		return s.drawAll(row, u)
	}
	return draw(s.truncate(row), u)
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

// uniform is a draw of this position, in [0, 1).
func (s *Sampler) uniform(try uint64) float64 {
	return rand.New(rand.NewPCG(uint64(s.p.Seed), s.n|try<<56)).Float64()
}

// drawAll draws from the whole distribution without sorting it.
func (s *Sampler) drawAll(row []float32, u float64) int32 {
	w, sum := s.weights(row)
	u *= sum
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

// weights returns every token's probability up to a common factor, the largest being 1, and their sum.
func (s *Sampler) weights(row []float32) (w []float64, sum float64) {
	if cap(s.w) < len(row) {
		s.w = make([]float64, len(row))
	}
	w = s.w[:len(row)]
	m, inv := row[ArgMax(row)], 1/s.p.Temperature
	for i, x := range row {
		v := weight(float64(x-m) * inv)
		w[i] = v
		sum += v
	}
	return w, sum
}

// truncate returns the candidates that top_k, top_p and min_p leave, with their weights, in an order that depends on
// the logits alone.
func (s *Sampler) truncate(row []float32) []Candidate {
	cand := s.cand[:0]
	switch {
	case s.p.TopK > 0:
		cand = s.topK(row, cand)
	case s.p.TopP < 1:
		w, sum := s.weights(row)
		cand = nucleus(cand, w, s.p.TopP*sum)
	default:
		w, _ := s.weights(row)
		for id, v := range w {
			if v >= s.p.MinP {
				cand = append(cand, Candidate{ID: int32(id), X: v})
			}
		}
	}
	s.cand = cand
	return slices.DeleteFunc(cand, func(c Candidate) bool { return c.X < s.p.MinP || c.X == 0 })
}

// topK returns the top_k tokens in falling order, cut again to their own nucleus where top_p asks for it.
func (s *Sampler) topK(row []float32, cand []Candidate) []Candidate {
	if s.p.TopK <= 128 {
		cand = Top(row, s.p.TopK)
	} else {
		for id, x := range row {
			cand = append(cand, Candidate{ID: int32(id), X: float64(x)})
		}
		sortCandidates(cand)
		cand = cand[:min(s.p.TopK, len(cand))]
	}
	var all, sum float64
	m, inv := cand[0].X, 1/s.p.Temperature
	for i := range cand {
		cand[i].X = weight((cand[i].X - m) * inv)
		all += cand[i].X
	}
	for i, c := range cand {
		if sum += c.X; sum >= s.p.TopP*all {
			return cand[:i+1]
		}
	}
	return cand
}

const (
	depth   = 48 // weights below exp(−depth) count as nothing
	buckets = 8 * depth
)

// nucleus returns the smallest set of most likely tokens that holds the given mass: Holtzman et al. 2020, "The Curious
// Case of Neural Text Degeneration". Only the tokens at its edge are sorted.
func nucleus(cand []Candidate, w []float64, mass float64) []Candidate {
	var hist [buckets + 1]float64
	for _, v := range w {
		if v > 0 {
			hist[bucket(v)] += v
		}
	}
	edge, above := 0, 0.0
	for edge < buckets && above+hist[edge] < mass {
		above += hist[edge]
		edge++
	}
	for id, v := range w {
		if v > 0 && bucket(v) < edge {
			cand = append(cand, Candidate{ID: int32(id), X: v})
		}
	}
	first := len(cand)
	for id, v := range w {
		if v > 0 && bucket(v) == edge {
			cand = append(cand, Candidate{ID: int32(id), X: v})
		}
	}
	sortCandidates(cand[first:])
	for i := first; i < len(cand); i++ {
		if above += cand[i].X; above >= mass {
			return cand[:i+1]
		}
	}
	return cand
}

// bucket puts weights in falling classes by their binary exponent and its next two bits.
func bucket(w float64) int {
	return min(int((math.Float64bits(1)>>50)-(math.Float64bits(w)>>50)), buckets)
}

func sortCandidates(cand []Candidate) {
	slices.SortFunc(cand, func(a, b Candidate) int {
		if before(a, b) {
			return -1
		}
		return 1
	})
}

func draw(cand []Candidate, u float64) int32 {
	var sum float64
	for _, c := range cand {
		sum += c.X
	}
	u *= sum
	for _, c := range cand {
		if u -= c.X; u < 0 {
			return c.ID
		}
	}
	return cand[len(cand)-1].ID
}
