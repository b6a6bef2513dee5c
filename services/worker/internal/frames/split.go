package frames

import (
	"strings"
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
	if d.Extra != nil {
		n += len(d.Extra.Signature)
		for i := range d.Extra.ToolCalls {
			c := &d.Extra.ToolCalls[i]
			n += 32 + len(c.ID) + len(c.Name) + len(c.Arguments)
		}
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
	if d.Extra != nil {
		return halveExtra(d)
	}
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

// halveExtra cuts a delta before its Extra, else between its calls of tools, else within the arguments of the only one.
func halveExtra(d engine.Delta) (a, b engine.Delta, ok bool) {
	if d.Reasoning != "" || d.Text != "" || len(d.Tokens) > 0 || len(d.Logprobs) > 0 || len(d.Prompt) > 0 {
		a = engine.Delta{Reasoning: d.Reasoning, Text: d.Text, Tokens: d.Tokens, Logprobs: d.Logprobs, Prompt: d.Prompt}
		d.Reasoning, d.Text, d.Tokens, d.Logprobs, d.Prompt = "", "", nil, nil, nil
		return a, d, true
	}
	first, rest := engine.Extra{}, *d.Extra
	switch calls := d.Extra.ToolCalls; {
	case len(calls) > 1:
		first.ToolCalls, rest.ToolCalls = calls[:len(calls)/2], calls[len(calls)/2:]
	case len(calls) == 1 && middle(calls[0].Arguments) > 0:
		head, tail := calls[0], engine.ToolCall{Index: calls[0].Index}
		cut := middle(head.Arguments)
		head.Arguments, tail.Arguments = head.Arguments[:cut], head.Arguments[cut:]
		first.ToolCalls, rest.ToolCalls = []engine.ToolCall{head}, []engine.ToolCall{tail}
	default:
		return d, d, false
	}
	d.Extra = &rest
	return engine.Delta{Extra: &first}, d, true
}

// validExtra makes every text of an Extra valid UTF-8. The given one is left as it is.
func validExtra(e *engine.Extra) *engine.Extra {
	if e == nil {
		return nil
	}
	fix := func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
	out := &engine.Extra{Signature: fix(e.Signature), ToolCalls: make([]engine.ToolCall, len(e.ToolCalls))}
	for i, c := range e.ToolCalls {
		out.ToolCalls[i] = engine.ToolCall{Index: c.Index, ID: fix(c.ID), Name: fix(c.Name), Arguments: fix(c.Arguments)}
	}
	return out
}

// middle is where a text can be cut between characters, near its middle.
func middle(s string) int {
	cut := len(s) / 2
	for cut > 0 && cut < len(s) && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return cut
}
