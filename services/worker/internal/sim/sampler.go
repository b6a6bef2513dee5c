package sim

import (
	"math"
	"slices"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// sampler generates the tokens of one request.
type sampler struct {
	req     *engine.Request
	mean    int
	state   uint64
	seed    uint64
	d       dist
	work    []candidate
	counts  map[int32]int // of generated tokens; nil where no penalty needs it
	seen    map[int32]bool
	greedy  bool
	plain   bool // no bias, no penalty, no truncation of the distribution
	temp    float64
	token   int32
	logprob engine.TokenLogprob
}

func newSampler(req *engine.Request, prompt []int32, weights uint64, mean int) *sampler {
	s := &sampler{req: req, mean: mean, state: mix(weights + 1), temp: 1}
	for _, id := range prompt {
		s.state = after(s.state, id)
	}
	if req.Temperature != nil {
		s.temp = *req.Temperature
	}
	s.greedy = s.temp <= 0
	if req.Seed != nil {
		s.seed = uint64(*req.Seed)
	} else {
		s.seed = uint64(req.AutoSeed)
	}
	penalised := set(req.FrequencyPenalty, 0) || set(req.PresencePenalty, 0) || set(req.RepetitionPenalty, 1)
	if penalised {
		s.counts, s.seen = map[int32]int{}, map[int32]bool{}
		for _, id := range prompt {
			s.seen[id] = true
		}
	}
	s.plain = !penalised && len(req.LogitBias) == 0 &&
		(s.greedy || !set(req.TopP, 1) && req.TopK == nil && !set(req.MinP, 0))
	return s
}

func set(p *float64, neutral float64) bool { return p != nil && *p != neutral }

// next draws one token. last is true for the end of the text.
func (s *sampler) next() (token int32, last bool) {
	s.d.at(s.state, s.mean)
	s.token = s.pick()
	if s.req.Logprobs {
		s.logprob = s.d.logprob(s.token, s.req.TopLogprob)
	}
	s.state = after(s.state, s.token)
	if s.counts != nil {
		s.counts[s.token]++
		s.seen[s.token] = true
	}
	return s.token, s.token == idEOS
}

func (s *sampler) pick() int32 {
	if s.plain && s.greedy {
		return s.d.id(s.first())
	}
	u := unit(s.state, s.seed*2+1_000_003)
	if s.plain && s.temp == 1 {
		return s.weighted(u)
	}
	from := s.adjusted()
	if s.greedy {
		return from[0].id
	}
	from = s.truncated(from)
	sum := 0.0
	for _, c := range from {
		sum += math.Exp((c.logit - from[0].logit) / s.temp)
	}
	u *= sum
	for _, c := range from {
		if u -= math.Exp((c.logit - from[0].logit) / s.temp); u < 0 {
			return c.id
		}
	}
	return from[len(from)-1].id
}

// weighted draws from the distribution as it is; the rest of the vocabulary is never drawn.
func (s *sampler) weighted(u float64) int32 {
	u *= s.d.sum - restMass
	first := s.first()
	if first > 0 {
		u -= u * eosWeight / (s.d.sum - restMass)
	}
	for i, w := range s.d.weight[first:] {
		if u -= w; u < 0 {
			return s.d.id(first + i)
		}
	}
	return s.d.id(ranks - 1)
}

// first is the rank of the likeliest token that may be drawn.
func (s *sampler) first() int {
	if s.d.eos && s.req.IgnoreEOS {
		return 1
	}
	return 0
}

// adjusted is the distribution after bias and penalties, in falling order. Formulas: OpenAI's for frequency, presence
// and bias; CTRL's (Keskar 2019), as in Hugging Face and vLLM, for repetition.
func (s *sampler) adjusted() []candidate {
	s.work = s.work[:0]
	for _, c := range s.d.candidates() {
		if c.id != idEOS || !s.req.IgnoreEOS {
			s.work = append(s.work, c)
		}
	}
	for id := range s.req.LogitBias {
		if !slices.ContainsFunc(s.work, func(c candidate) bool { return c.id == id }) && (id != idEOS || !s.req.IgnoreEOS) {
			s.work = append(s.work, candidate{id, s.d.logit(id)})
		}
	}
	for i := range s.work {
		c := &s.work[i]
		if p := s.req.RepetitionPenalty; p != nil && s.seen[c.id] {
			if c.logit > 0 {
				c.logit /= *p
			} else {
				c.logit *= *p
			}
		}
		if n := s.counts[c.id]; n > 0 {
			c.logit -= value(s.req.FrequencyPenalty)*float64(n) + value(s.req.PresencePenalty)
		}
		c.logit += s.req.LogitBias[c.id]
	}
	slices.SortFunc(s.work, byLogit)
	return s.work
}

func value(p *float64) float64 {
	if p == nil {
		return 0
	}
	return *p
}

// truncated keeps what top_k, min_p and top_p keep, in this order; the likeliest token always.
func (s *sampler) truncated(from []candidate) []candidate {
	if k := s.req.TopK; k != nil && *k > 0 && *k < len(from) {
		from = from[:*k]
	}
	if p := s.req.MinP; p != nil && *p > 0 {
		floor := from[0].logit + s.temp*math.Log(*p)
		n := slices.IndexFunc(from, func(c candidate) bool { return c.logit < floor })
		if n > 0 {
			from = from[:n]
		}
	}
	if p := s.req.TopP; p != nil && *p < 1 {
		sum := 0.0
		for _, c := range from {
			sum += math.Exp((c.logit - from[0].logit) / s.temp)
		}
		left := sum * *p
		for i, c := range from {
			if left -= math.Exp((c.logit - from[0].logit) / s.temp); left <= 0 {
				return from[:i+1]
			}
		}
	}
	return from
}
