package sample

import (
	"fmt"
	"math"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// DefaultTemperature is what a request without a temperature gets, as OpenAI's API documents it.
const DefaultTemperature = 1.0

// Params is a request's sampling with every default filled in.
type Params struct {
	Temperature float64 // 0: greedy
	TopP        float64 // 1: off
	TopK        int     // 0: off
	MinP        float64 // 0: off
	Frequency   float64
	Presence    float64
	Repetition  float64 // 1: off
	Bias        map[int32]float64
	Seed        int64
}

// NewParams checks a request's sampling for a vocabulary of the given size. The error is a client's *engine.Error that
// names the parameter.
func NewParams(s *engine.Sampling, vocab int) (Params, error) {
	p := Params{Temperature: DefaultTemperature, TopP: 1, Repetition: 1, Bias: s.LogitBias, Seed: s.AutoSeed}
	if s.Seed != nil {
		p.Seed = *s.Seed
	}
	for _, it := range []struct {
		name     string
		from     *float64
		to       *float64
		low, top float64
		open     bool // low itself is outside
	}{
		{"temperature", s.Temperature, &p.Temperature, 0, 100, false},
		{"top_p", s.TopP, &p.TopP, 0, 1, true},
		{"min_p", s.MinP, &p.MinP, 0, 1, false},
		{"frequency_penalty", s.FrequencyPenalty, &p.Frequency, -2, 2, false},
		{"presence_penalty", s.PresencePenalty, &p.Presence, -2, 2, false},
		{"repetition_penalty", s.RepetitionPenalty, &p.Repetition, 0, 100, true},
	} {
		if it.from == nil {
			continue
		}
		v := *it.from
		if !(v >= it.low && v <= it.top) || it.open && v == it.low {
			return p, invalid(it.name, fmt.Sprintf("%s is %g; it must lie between %g and %g", it.name, v, it.low, it.top))
		}
		*it.to = v
	}
	if s.TopK != nil {
		if p.TopK = max(*s.TopK, 0); *s.TopK < -1 {
			return p, invalid("top_k", fmt.Sprintf("top_k is %d; it must be -1 or 0 (off) or positive", *s.TopK))
		}
	}
	for id, v := range p.Bias {
		switch {
		case id < 0 || int(id) >= vocab:
			return p, invalid("logit_bias", fmt.Sprintf("logit_bias names token %d; this model's tokens go from 0 to %d", id, vocab-1))
		case math.IsNaN(v) || v < -100 || v > 100:
			return p, invalid("logit_bias", fmt.Sprintf("logit_bias of token %d is %g; it must lie between -100 and 100", id, v))
		}
	}
	return p, nil
}

func invalid(param, message string) error {
	return &engine.Error{Code: "invalid_value", Param: param, Client: true, Message: message}
}
