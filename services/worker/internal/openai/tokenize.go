package openai

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// Tokenize implements engine.Engine with the upstream's /tokenize. vLLM and SGLang read spelled-out special tokens
// whether or not parseSpecial is set.
func (e *Engine) Tokenize(ctx context.Context, text string, addSpecial, parseSpecial bool) ([]int32, error) {
	return e.tokenize(ctx, e.facts.Load(), text, addSpecial, parseSpecial)
}

func (e *Engine) tokenize(ctx context.Context, f *facts, text string, addSpecial, parseSpecial bool) ([]int32, error) {
	w := writer{b: []byte{'{'}}
	if f.dialect.tokenizer == tokenizerLlama {
		w.str("content", text)
		w.bool("add_special", addSpecial)
		w.bool("parse_special", parseSpecial)
	} else {
		w.str("model", f.upstreamModel)
		w.str("prompt", text)
		w.bool("add_special_tokens", addSpecial)
	}
	var reply struct {
		Tokens []int32 `json:"tokens"`
	}
	if err := e.ask(ctx, "/tokenize", append(w.b, '}'), &reply); err != nil {
		return nil, err
	}
	if reply.Tokens == nil {
		return nil, protocol("/tokenize returns no tokens", nil)
	}
	return reply.Tokens, nil
}

// Detokenize implements engine.Engine with the upstream's /detokenize.
func (e *Engine) Detokenize(ctx context.Context, ids []int32) (string, error) {
	f := e.facts.Load()
	if !f.tokenizes {
		return "", noTokenizer()
	}
	w := writer{b: []byte{'{'}}
	if f.dialect.tokenizer != tokenizerLlama {
		w.str("model", f.upstreamModel)
	}
	w.name("tokens")
	ints, err := json.Marshal(append([]int32{}, ids...))
	if err != nil {
		return "", err
	}
	var reply struct {
		Prompt  *string `json:"prompt"`  // vLLM
		Content *string `json:"content"` // llama-server
		Text    *string `json:"text"`    // SGLang
	}
	if err := e.ask(ctx, "/detokenize", append(append(w.b, ints...), '}'), &reply); err != nil {
		return "", err
	}
	for _, text := range []*string{reply.Prompt, reply.Content, reply.Text} {
		if text != nil {
			return *text, nil
		}
	}
	return "", protocol("/detokenize returns no text", nil)
}

func noTokenizer() error {
	return &engine.Error{Code: "unsupported_parameter", Client: true,
		Message: "this model's upstream has no /tokenize and /detokenize: send text instead of tokens"}
}

// ask posts a small request and decodes the answer.
func (e *Engine) ask(ctx context.Context, path string, body []byte, into any) error {
	status, page, err := e.fetch(ctx, http.MethodPost, path, body)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return err
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		return noTokenizer()
	case status != http.StatusOK:
		return e.refusal(status, "", page)
	}
	if err := json.Unmarshal(page, into); err != nil {
		return protocol(path, err)
	}
	return nil
}
