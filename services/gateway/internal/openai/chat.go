package openai

// ChatRequest is a body of POST /v1/chat/completions.
type ChatRequest struct {
	Params
	Wishes
	Messages    []Message
	RawMessages []byte // the messages array as the client sent it; it shares memory with the body

	// RichMessages are the messages with what only engines of Anthropic's API take; nil where there is nothing of it.
	RichMessages []byte
}

// DecodeChat reads a chat completion request. Its error is an [*Error] with status 400.
func DecodeChat(body []byte, l Limits) (*ChatRequest, error) {
	l = l.orDefault()
	r := &ChatRequest{}
	topGiven := false
	c, err := decode(body, l, func(c *cursor, name string) {
		switch name {
		case "messages":
			if !c.null() {
				r.Messages, r.RawMessages = messages(c, l)
			}
		case "max_completion_tokens":
			r.maxTokens(c, true)
		case "logprobs":
			if r.Logprobs = !c.null() && c.bool(); r.Logprobs {
				c.give("logprobs")
			}
		case "top_logprobs":
			if topGiven = !c.null(); topGiven {
				r.TopLogprobs = int(c.integer(0, 20))
				c.give("top_logprobs")
			}
		default:
			if !r.wish(c, l, name) && !r.field(c, l, name) {
				unknown(c)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	if e := r.check(c, l, topGiven); e != nil {
		return nil, e
	}
	return r, nil
}

func (r *ChatRequest) check(c *cursor, l Limits, topGiven bool) *Error {
	if e := r.finish(c); e != nil {
		return e
	}
	if r.Messages == nil {
		return missing("messages")
	}
	if topGiven && !r.Logprobs {
		return invalid("top_logprobs", CodeInvalidValue,
			"The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.")
	}
	if e := r.Wishes.check(); e != nil {
		return e
	}
	r.Given = append(r.Given, r.Names()...)
	if c.images > 0 {
		r.Given = append(r.Given, "image_url")
	}
	return r.choices(1, l)
}
