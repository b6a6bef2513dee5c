package openai

import (
	"math"

	"github.com/go-json-experiment/json/jsontext"
)

// Prompt is a text, or token ids where Tokens is not nil.
type Prompt struct {
	Text   string
	Tokens []int32
}

// CompletionRequest is a body of POST /v1/completions. Choice j of prompt i has the index i×N + j.
type CompletionRequest struct {
	Params
	Prompts          []Prompt
	Echo             bool // the answer starts with the prompt
	PromptOnly       bool // max_tokens was 0: nothing follows the prompt; MaxTokens is 1 then, what engines generate at least
	AddSpecialTokens bool // vLLM: let the tokeniser add BOS/EOS to text prompts; true where not given
}

// DecodeCompletion reads a completion request. Its error is an [*Error] with status 400.
func DecodeCompletion(body []byte, l Limits) (*CompletionRequest, error) {
	l = l.orDefault()
	r := &CompletionRequest{AddSpecialTokens: true}
	c, err := decode(body, l, func(c *cursor, name string) {
		switch name {
		case "prompt":
			if !c.null() {
				r.Prompts = prompts(c, l)
			}
		case "echo":
			if r.Echo = !c.null() && c.bool(); r.Echo {
				c.give("echo")
			}
		case "max_tokens":
			if !c.null() {
				r.MaxTokens = int(c.integer(0, math.MaxInt32))
				r.PromptOnly = r.MaxTokens == 0
			}
		case "logprobs":
			if !c.null() {
				r.TopLogprobs, r.Logprobs = int(c.integer(0, 20)), true
				c.give("logprobs")
			}
		case "add_special_tokens":
			if !c.null() {
				r.AddSpecialTokens = c.bool()
			}
		default:
			if !r.field(c, l, name) {
				unknown(c)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	if e := r.check(c, l); e != nil {
		return nil, e
	}
	return r, nil
}

func (r *CompletionRequest) check(c *cursor, l Limits) *Error {
	if e := r.finish(c); e != nil {
		return e
	}
	if r.Prompts == nil {
		return missing("prompt")
	}
	switch {
	case r.PromptOnly && !r.Echo:
		return invalid("max_tokens", CodeIntegerBelowMin,
			"Invalid 'max_tokens': integer below minimum value. Expected a value >= 1, or 0 with 'echo' for the prompt alone.")
	case r.PromptOnly:
		r.MaxTokens = 1
	case r.MaxTokens == 0:
		r.MaxTokens = CompletionMaxTokens
	}
	return r.choices(len(r.Prompts), l)
}

const promptShapes = "a string, an array of strings, an array of token ids or an array of arrays of token ids"

// prompts reads the four shapes of "prompt"; one array holds elements of one kind.
func prompts(c *cursor, l Limits) (list []Prompt) {
	if c.err == nil && c.dec.PeekKind() != '[' {
		if !c.expect('"', promptShapes) {
			return nil
		}
		return []Prompt{{Text: c.text()}}
	}
	if !c.open('[', promptShapes) {
		return nil
	}
	kind := c.dec.PeekKind()
	if kind == '0' {
		list = []Prompt{{Tokens: tokensUntilClose(c)}}
		return list
	}
	for c.err == nil && c.dec.PeekKind() != ']' {
		if len(list) == l.Prompts {
			c.fail(invalid("prompt", CodeArrayTooLong, "Invalid 'prompt': array too long. Expected at most %d prompts.", l.Prompts))
			return nil
		}
		list = append(list, prompt(c, kind))
	}
	c.close()
	if c.err == nil && len(list) == 0 {
		c.fail(invalid("prompt", CodeEmptyArray, "Invalid 'prompt': empty array. Expected %s.", promptShapes))
	}
	return list
}

func prompt(c *cursor, kind jsontext.Kind) Prompt {
	if kind != '[' {
		return Prompt{Text: c.text()}
	}
	if !c.open('[', "an array of token ids") {
		return Prompt{}
	}
	tokens := tokensUntilClose(c)
	if c.err == nil && len(tokens) == 0 {
		c.fail(invalid(c.path(), CodeEmptyArray, "Invalid '%s': empty array. Expected at least one token id.", c.path()))
	}
	return Prompt{Tokens: tokens}
}

// tokensUntilClose reads token ids and the bracket that ends them.
func tokensUntilClose(c *cursor) []int32 {
	tokens := []int32{}
	for c.err == nil && c.dec.PeekKind() != ']' {
		tokens = append(tokens, int32(c.integer(0, math.MaxInt32)))
	}
	c.close()
	return tokens
}
