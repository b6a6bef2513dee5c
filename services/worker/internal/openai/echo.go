package openai

import (
	"github.com/leathq/leat/services/worker/internal/engine"
)

// maxEcho is how many prompt tokens one delta carries at most.
const maxEcho = 256

// echo sends the prompt back in front of an answer. With log-probabilities the upstream has echoed it: its first
// prompt_tokens entries are the prompt's, and the text behind them is the answer's. Without, the engine spells the
// prompt itself, as one entry without an id.
func (s *sequence) echo(d *engine.Delta, a *answer) error {
	if !s.req.Logprobs {
		return s.spell()
	}
	n := min(a.usage.prompt, len(d.Logprobs))
	prompt := d.Logprobs[:n:n]
	d.Logprobs = d.Logprobs[n:]
	skip := 0
	for _, t := range prompt {
		skip += len(t.Text)
	}
	d.Text = d.Text[min(skip, len(d.Text)):]
	for len(prompt) > 0 {
		k := min(len(prompt), maxEcho)
		if err := s.deliver(engine.Delta{Prompt: prompt[:k:k]}); err != nil {
			return err
		}
		prompt = prompt[k:]
	}
	return nil
}

// spell sends the prompt's text as one entry.
func (s *sequence) spell() error {
	text := s.req.Prompt.Text
	if len(s.req.Prompt.Tokens) > 0 {
		var err error
		if text, err = s.e.Detokenize(s.ctx, s.req.Prompt.Tokens); err != nil {
			return err
		}
	}
	return s.deliver(engine.Delta{Prompt: []engine.TokenLogprob{{ID: unknownID, Text: []byte(text), Null: true}}})
}
