package wire

import "github.com/leathq/leat/services/worker/internal/engine"

// Submit asks the child to run one sequence. Of the request it carries what a llama sequence needs: not the model's
// name, the user, metadata or chat messages.
type Submit struct {
	ID  uint64
	Req engine.Request
}

// Bits of a request's flags.
const (
	flagAddSpecial = 1 << iota
	flagParseSpecial
	flagIgnoreEOS
	flagEcho
	flagLogprobs
	flagTokens // the prompt is token ids, not text
	flagTemperature
	flagTopP
	flagTopK
	flagMinP
	flagFrequency
	flagPresence
	flagRepetition
	flagSeed
	flagEnd
)

func requestFlags(q *engine.Request) uint64 {
	var f uint64
	for _, it := range []struct {
		on  bool
		bit uint64
	}{
		{q.Prompt.AddSpecial, flagAddSpecial}, {q.Prompt.ParseSpecial, flagParseSpecial}, {q.IgnoreEOS, flagIgnoreEOS},
		{q.Echo, flagEcho}, {q.Logprobs, flagLogprobs}, {q.Prompt.Tokens != nil, flagTokens},
		{q.Temperature != nil, flagTemperature}, {q.TopP != nil, flagTopP}, {q.TopK != nil, flagTopK},
		{q.MinP != nil, flagMinP}, {q.FrequencyPenalty != nil, flagFrequency}, {q.PresencePenalty != nil, flagPresence},
		{q.RepetitionPenalty != nil, flagRepetition}, {q.Seed != nil, flagSeed},
	} {
		if it.on {
			f |= it.bit
		}
	}
	return f
}

// floats lists a request's optional numbers with their flags, in wire order.
func floats(s *engine.Sampling) [6]struct {
	p   **float64
	bit uint64
} {
	return [6]struct {
		p   **float64
		bit uint64
	}{
		{&s.Temperature, flagTemperature}, {&s.TopP, flagTopP}, {&s.MinP, flagMinP},
		{&s.FrequencyPenalty, flagFrequency}, {&s.PresencePenalty, flagPresence}, {&s.RepetitionPenalty, flagRepetition},
	}
}

// Append encodes s behind b.
func (s *Submit) Append(b []byte) []byte {
	q := &s.Req
	b = putUint(b, s.ID)
	b = putString(b, q.ID)
	b = putUint(b, requestFlags(q))
	if q.Prompt.Tokens != nil {
		b = putTokens(b, q.Prompt.Tokens)
	} else {
		b = putString(b, q.Prompt.Text)
	}
	for _, f := range floats(&q.Sampling) {
		if *f.p != nil {
			b = putFloat(b, **f.p)
		}
	}
	if q.TopK != nil {
		b = putInt(b, int64(*q.TopK))
	}
	if q.Seed != nil {
		b = putInt(b, *q.Seed)
	}
	b = putInt(b, q.AutoSeed)
	b = putUint(b, uint64(len(q.LogitBias)))
	for id, v := range q.LogitBias {
		b = putFloat(putInt(b, int64(id)), v)
	}
	b = putUint(b, uint64(len(q.Stop)))
	for _, stop := range q.Stop {
		b = putString(b, stop)
	}
	b = putInt(putInt(b, int64(q.MaxTokens)), int64(q.TopLogprob))
	return putString(putString(putString(b, q.Grammar), q.GrammarTrigger), q.Adapter)
}

// DecodeSubmit decodes a KindSubmit payload.
func DecodeSubmit(b []byte) (Submit, error) {
	r := &reader{b: b}
	s := Submit{ID: r.uint()}
	q := &s.Req
	q.ID = r.string()
	f := r.uint()
	if f >= flagEnd {
		r.fail("unknown flags")
	}
	q.Prompt.AddSpecial, q.Prompt.ParseSpecial = f&flagAddSpecial != 0, f&flagParseSpecial != 0
	q.IgnoreEOS, q.Echo, q.Logprobs = f&flagIgnoreEOS != 0, f&flagEcho != 0, f&flagLogprobs != 0
	if f&flagTokens != 0 {
		if q.Prompt.Tokens = r.tokens(); q.Prompt.Tokens == nil {
			q.Prompt.Tokens = []int32{}
		}
	} else {
		q.Prompt.Text = r.string()
	}
	decodeSampling(r, f, &q.Sampling)
	for range r.count(1) {
		q.Stop = append(q.Stop, r.string())
	}
	q.MaxTokens, q.TopLogprob = int(r.int32()), int(r.int32())
	q.Grammar, q.GrammarTrigger, q.Adapter = r.string(), r.string(), r.string()
	return s, r.end()
}

func decodeSampling(r *reader, f uint64, s *engine.Sampling) {
	for _, it := range floats(s) {
		if f&it.bit != 0 {
			v := r.float()
			*it.p = &v
		}
	}
	if f&flagTopK != 0 {
		v := int(r.int32())
		s.TopK = &v
	}
	if f&flagSeed != 0 {
		v := r.int()
		s.Seed = &v
	}
	s.AutoSeed = r.int()
	if n := r.count(9); n > 0 {
		s.LogitBias = make(map[int32]float64, n)
		for range n {
			id := r.int32()
			s.LogitBias[id] = r.float()
		}
	}
}
