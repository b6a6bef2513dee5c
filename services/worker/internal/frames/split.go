package frames

import (
	"unicode/utf8"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// size estimates the encoded bytes of a delta from above, closely enough to decide whether it must be split.
func size(d *engine.Delta) int {
	n := 256 + len(d.Reasoning) + len(d.Text) + 5*len(d.Tokens)
	for i := range d.Logprobs {
		n += logprobSize(&d.Logprobs[i])
	}
	for i := range d.Prompt {
		n += logprobSize(&d.Prompt[i])
	}
	return n
}

func logprobSize(l *engine.TokenLogprob) int {
	n := 32 + len(l.Text)
	for i := range l.Top {
		n += 32 + len(l.Top[i].Text)
	}
	return n
}

// halve cuts a delta in two that say the same one after the other; ok is false where there is nothing to cut.
func halve(d engine.Delta) (a, b engine.Delta, ok bool) {
	think, cut := 0, 0
	switch {
	case d.Reasoning == "":
		cut = middle(d.Text)
	case d.Text == "":
		think = middle(d.Reasoning)
	default:
		think = len(d.Reasoning) // all of it before any text
	}
	if think == 0 && cut == 0 && len(d.Tokens) < 2 && len(d.Logprobs) < 2 && len(d.Prompt) < 2 {
		return d, d, false
	}
	t, l, p := len(d.Tokens)/2, len(d.Logprobs)/2, len(d.Prompt)/2
	a = engine.Delta{Reasoning: d.Reasoning[:think], Text: d.Text[:cut], Tokens: d.Tokens[:t], Logprobs: d.Logprobs[:l], Prompt: d.Prompt[:p]}
	d.Reasoning, d.Text, d.Tokens, d.Logprobs, d.Prompt = d.Reasoning[think:], d.Text[cut:], d.Tokens[t:], d.Logprobs[l:], d.Prompt[p:]
	return a, d, true
}

// middle is where a text can be cut between characters, near its middle.
func middle(s string) int {
	cut := len(s) / 2
	for cut > 0 && cut < len(s) && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return cut
}
