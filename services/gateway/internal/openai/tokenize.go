package openai

import "math"

// TokenizeRequest is a body of POST /tokenize: vLLM's {prompt} or {messages}, or llama-server's {content}.
type TokenizeRequest struct {
	Model               string // may be empty: the only model there is
	Text                string // where Messages is nil
	Messages            []Message
	RawMessages         []byte // shares memory with the body
	AddSpecialTokens    bool   // default: true for prompt, false for messages and content, as in vLLM and llama-server
	ParseSpecialTokens  bool   // read spelled-out special tokens as such; default true
	AddGenerationPrompt bool   // for Messages; default true
}

// DecodeTokenize reads a tokenise request. Its error is an [*Error] with status 400.
func DecodeTokenize(body []byte, l Limits) (*TokenizeRequest, error) {
	l = l.orDefault()
	r := &TokenizeRequest{ParseSpecialTokens: true, AddGenerationPrompt: true}
	form, special := "", false // which of prompt, content, messages; whether add_special_tokens was given
	_, err := decode(body, l, func(c *cursor, name string) {
		switch name {
		case "model":
			if !c.null() {
				r.Model = c.text()
			}
		case "prompt", "content", "messages":
			r.input(c, l, name, &form)
		case "add_special_tokens", "add_special":
			if !c.null() {
				r.AddSpecialTokens, special = c.bool(), true
			}
		case "add_generation_prompt":
			r.AddGenerationPrompt = c.null() || c.bool()
		case "parse_special":
			r.ParseSpecialTokens = c.null() || c.bool()
		case "return_token_strs", "with_pieces", "continue_final_message":
			if !c.null() && c.bool() {
				c.fail(unsupportedParameter(name, "Leave it out or set it to false."))
			}
		default:
			unknown(c)
		}
	})
	switch {
	case err != nil:
		return nil, err
	case form == "":
		return nil, missing("prompt")
	case !special:
		r.AddSpecialTokens = form == "prompt"
	}
	return r, nil
}

// input reads one of the forms that a tokenise request may have.
func (r *TokenizeRequest) input(c *cursor, l Limits, name string, form *string) {
	if c.null() {
		return
	}
	if c.err == nil && *form != "" {
		c.fail(invalid(name, CodeInvalidValue, "Invalid '%s': '%s' is given as well. Give one of them.", name, *form))
		return
	}
	*form = name
	if name == "messages" {
		r.Messages, r.RawMessages = messages(c, l)
		return
	}
	r.Text = c.text()
}

// DetokenizeRequest is a body of POST /detokenize, the same in vLLM and llama-server.
type DetokenizeRequest struct {
	Model  string // may be empty: the only model there is
	Tokens []int32
}

// DecodeDetokenize reads a detokenise request. Its error is an [*Error] with status 400.
func DecodeDetokenize(body []byte, l Limits) (*DetokenizeRequest, error) {
	r := &DetokenizeRequest{}
	_, err := decode(body, l.orDefault(), func(c *cursor, name string) {
		switch name {
		case "model":
			if !c.null() {
				r.Model = c.text()
			}
		case "tokens":
			if !c.null() {
				r.Tokens = []int32{}
				c.array(func(int) { r.Tokens = append(r.Tokens, int32(c.integer(0, math.MaxInt32))) })
			}
		default:
			unknown(c)
		}
	})
	if err != nil {
		return nil, err
	}
	if r.Tokens == nil {
		return nil, missing("tokens")
	}
	return r, nil
}
