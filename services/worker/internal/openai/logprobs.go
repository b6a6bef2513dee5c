package openai

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// unknownID stands in TokenLogprob.ID where the upstream does not say which token it was.
const unknownID = -1

// wireLogprobs has both shapes: chat's list of contents, which llama-server uses for completions too, and the older
// parallel lists of completions.
type wireLogprobs struct {
	Content       []wireToken          `json:"content"`
	Tokens        []string             `json:"tokens"`
	TokenLogprobs []*float64           `json:"token_logprobs"`
	TopLogprobs   []map[string]float64 `json:"top_logprobs"`
}

type wireToken struct {
	ID          *int32      `json:"id"`
	Token       string      `json:"token"`
	Bytes       []int       `json:"bytes"`
	Logprob     float64     `json:"logprob"`
	TopLogprobs []wireToken `json:"top_logprobs"`
}

func (t wireToken) id() int32 {
	if t.ID == nil {
		return unknownID
	}
	return *t.ID
}

func (t wireToken) text() []byte {
	if len(t.Bytes) == 0 {
		return []byte(t.Token)
	}
	b := make([]byte, len(t.Bytes))
	for i, v := range t.Bytes {
		b[i] = byte(v)
	}
	return b
}

// decodeLogprobs reads an upstream's logprobs object, with at most top alternatives a token.
func decodeLogprobs(raw []byte, top int) ([]engine.TokenLogprob, error) {
	var w wireLogprobs
	if err := json.Unmarshal(raw, &w); err != nil {
		return nil, err
	}
	if len(w.Content) > 0 {
		return w.contents(top), nil
	}
	return w.lists(top), nil
}

func (w *wireLogprobs) contents(top int) []engine.TokenLogprob {
	out := make([]engine.TokenLogprob, len(w.Content))
	for i, t := range w.Content {
		out[i] = engine.TokenLogprob{ID: t.id(), Text: t.text(), Logprob: t.Logprob}
		for _, alt := range t.TopLogprobs[:min(top, len(t.TopLogprobs))] {
			out[i].Top = append(out[i].Top, engine.TopLogprob{ID: alt.id(), Text: alt.text(), Logprob: alt.Logprob})
		}
	}
	return out
}

func (w *wireLogprobs) lists(top int) []engine.TokenLogprob {
	out := make([]engine.TokenLogprob, len(w.Tokens))
	for i, token := range w.Tokens {
		out[i] = engine.TokenLogprob{ID: unknownID, Text: []byte(token), Null: true}
		if i < len(w.TokenLogprobs) && w.TokenLogprobs[i] != nil {
			out[i].Logprob, out[i].Null = *w.TokenLogprobs[i], false
		}
		if i < len(w.TopLogprobs) {
			out[i].Top = ranked(w.TopLogprobs[i], top)
		}
	}
	return out
}

// ranked puts a map of alternatives into falling order.
func ranked(m map[string]float64, top int) []engine.TopLogprob {
	if len(m) == 0 {
		return nil
	}
	out := make([]engine.TopLogprob, 0, len(m))
	for token, logprob := range m {
		out = append(out, engine.TopLogprob{ID: unknownID, Text: []byte(token), Logprob: logprob})
	}
	slices.SortFunc(out, func(a, b engine.TopLogprob) int {
		return cmp.Or(cmp.Compare(b.Logprob, a.Logprob), cmp.Compare(string(a.Text), string(b.Text)))
	})
	return out[:min(top, len(out))]
}
