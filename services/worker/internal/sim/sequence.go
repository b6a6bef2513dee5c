package sim

import (
	"github.com/leathq/leat/pkg/enginesim"
	"github.com/leathq/leat/services/worker/internal/engine"
)

// maxEcho is how many prompt tokens one delta carries at most.
const maxEcho = 256

// sequence is one running request.
type sequence struct {
	seq     enginesim.Seq
	req     *engine.Request
	out     engine.Output
	sampler *sampler
	text    text
	weights uint64
	mean    int

	delta engine.Delta // filled by sample, sent by emit
	held  chan struct{}
	ended chan struct{}
	err   error // set before ended is closed
}

func (e *Engine) newSequence(req *engine.Request, out engine.Output) (*sequence, error) {
	prompt, err := promptTokens(req)
	if err != nil {
		return nil, err
	}
	s := &sequence{
		req: req, out: out, weights: e.cfg.Weights, mean: e.cfg.MeanOutput,
		sampler: newSampler(req, prompt, e.cfg.Weights, e.cfg.MeanOutput),
		text:    text{stops: req.Stop},
		held:    make(chan struct{}, 1), ended: make(chan struct{}),
	}
	s.seq = enginesim.Seq{Prompt: prompt, MaxTokens: req.MaxTokens, Sample: s.sample, Owner: s}
	return s, nil
}

func promptTokens(req *engine.Request) ([]int32, error) {
	p := req.Prompt
	switch {
	case len(p.Tokens) > 0:
		var b []byte
		for _, id := range p.Tokens {
			var err error
			if b, err = appendToken(b[:0], id); err != nil {
				return nil, clientError("invalid_prompt", "prompt", err.Error())
			}
		}
		return p.Tokens, nil
	case len(p.Messages) > 0:
		return nil, clientError("invalid_prompt", "messages", "this engine takes rendered text or tokens: render info.chat_template first")
	}
	ids := tokenize(p.Text, p.AddSpecial, p.ParseSpecial)
	if len(ids) == 0 {
		return nil, clientError("invalid_prompt", "prompt", errEmptyPrompt.Error()+": send at least one character or token")
	}
	return ids, nil
}

func clientError(code, param, message string) error {
	return &engine.Error{Code: code, Param: param, Message: message, Client: true}
}

// sample is the machine's question for the next token.
func (s *sequence) sample() (token int32, last bool) {
	token, last = s.sampler.next()
	s.delta = engine.Delta{Tokens: []int32{token}}
	if s.req.Logprobs {
		s.delta.Logprobs = []engine.TokenLogprob{s.sampler.logprob}
	}
	if last {
		s.delta.Text = s.text.flush()
		return token, true
	}
	var piece [4]byte
	b, _ := appendToken(piece[:0], token)
	s.delta.Text, last = s.text.add(string(b))
	return token, last
}

// emit sends what sample prepared.
func (s *sequence) emit(d enginesim.Delta) {
	if d.First && s.req.Echo {
		s.echo()
	}
	if d.Finish != enginesim.FinishNone {
		if d.Finish == enginesim.FinishLength {
			s.delta.Text += s.text.flush()
		}
		s.delta.Finish = engine.FinishReason(d.Finish)
		s.delta.Usage = &engine.Usage{
			UncachedInput: len(s.seq.Prompt) - s.seq.Cached, CacheRead: s.seq.Cached, Output: s.seq.Output,
		}
		s.delta.Timing = &engine.Timing{
			Queue:   s.seq.Started.Sub(s.seq.Arrived),
			Prefill: s.seq.First.Sub(s.seq.Started),
			Decode:  s.seq.Ended.Sub(s.seq.First),
		}
	}
	s.out.Emit(s.delta)
	s.delta = engine.Delta{}
}

// echo sends the prompt's tokens back, with their log-probabilities where they are asked for.
func (s *sequence) echo() {
	prompt := s.seq.Prompt
	entries := make([]engine.TokenLogprob, len(prompt))
	state, d := mix(s.weights+1), dist{}
	for i, id := range prompt {
		text, _ := appendToken(nil, id)
		entries[i] = engine.TokenLogprob{ID: id, Text: text, Null: true}
		if s.req.Logprobs && i > 0 {
			d.at(state, s.mean)
			entries[i] = d.logprob(id, s.req.TopLogprob)
		}
		state = after(state, id)
	}
	for len(entries) > 0 {
		n := min(len(entries), maxEcho)
		s.out.Emit(engine.Delta{Prompt: entries[:n:n]})
		entries = entries[n:]
	}
}

// hold tells Generate to wait for credit.
func (s *sequence) hold() {
	select {
	case s.held <- struct{}{}:
	default:
	}
}
