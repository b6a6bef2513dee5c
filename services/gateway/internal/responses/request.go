package responses

import (
	"math"

	"github.com/leathq/leat/services/gateway/internal/openai"
)

// Request is a body of POST /v1/responses, as the chat that it asks for, and what an answer repeats of it.
type Request struct {
	openai.ChatRequest
	Instructions string
}

const noStore = "There is no store of responses behind this server. Send the whole conversation as 'input', with 'store' false."

// Decode reads a request. Its error is an [*openai.Error] with status 400 that names the request's own field.
func Decode(body []byte, l openai.Limits) (*Request, error) {
	l = l.Or()
	d := &decoder{l: l, r: &Request{}}
	c, err := openai.Decode(body, l, func(c *openai.Cursor, name string) {
		d.c = c
		if !d.prompt(name) && !d.sampling(name) && !d.r.ReadSampling(c, l, name) && !unserved(c, name) {
			c.Unknown()
		}
	})
	if err != nil {
		return nil, err
	}
	if e := d.finish(c); e != nil {
		return nil, e
	}
	return d.r, nil
}

// decoder is one request on its way in.
type decoder struct {
	c     *openai.Cursor
	l     openai.Limits
	r     *Request
	given bool // an input
	top   bool // a number of alternatives
	chat  []openai.Message
	calls map[string]bool // that have no output yet
}

// prompt reads what the prompt is made of.
func (d *decoder) prompt(name string) bool {
	c, r := d.c, d.r
	switch name {
	case "model":
		if !c.Null() {
			r.Model = c.Text()
		}
	case "input":
		if !c.Null() {
			d.given = true
			d.input()
		}
	case "instructions":
		if !c.Null() {
			r.Instructions = c.Text()
		}
	case "tools":
		if !c.Null() {
			d.tools()
		}
	case "tool_choice":
		if !c.Null() {
			d.choice()
		}
	case "parallel_tool_calls":
		r.OneCall = !c.Null() && !c.Bool()
	case "text":
		if !c.Null() {
			d.text()
		}
	default:
		return false
	}
	return true
}

// sampling reads how the answer is made and sent.
func (d *decoder) sampling(name string) bool {
	c, p := d.c, &d.r.Params
	switch name {
	case "max_output_tokens":
		if !c.Null() {
			p.MaxTokens = c.Whole(1, math.MaxInt32)
		}
	case "stream":
		p.Stream = !c.Null() && c.Bool()
	case "stream_options":
		d.streamOptions()
	case "top_logprobs":
		if !c.Null() {
			p.TopLogprobs = c.Whole(0, 20)
			d.top = p.TopLogprobs > 0
		}
	case "include":
		d.include()
	case "metadata":
		p.ReadMetadata(c)
	case "user":
		if !c.Null() {
			p.User = c.Text()
		}
	case "ignore_eos":
		if p.IgnoreEOS = !c.Null() && c.Bool(); p.IgnoreEOS {
			c.Give("ignore_eos")
		}
	default:
		return false
	}
	return true
}

func (d *decoder) streamOptions() {
	c := d.c
	if c.Null() {
		return
	}
	c.Object(func(name string) {
		if name != "include_obfuscation" {
			c.Unknown()
			return
		}
		c.Unserved("Leave it out or set it to false.", `false`)
	})
}

func (d *decoder) include() {
	c, p := d.c, &d.r.Params
	if c.Null() {
		return
	}
	c.Array(func(int) {
		switch what := c.Text(); {
		case c.Failed():
		case what == "message.output_text.logprobs":
			p.Logprobs = true
		case what == "reasoning.encrypted_content": // is there wherever an engine gives it
		default:
			c.Fail(openai.Invalid(c.Path(), openai.CodeUnsupportedValue,
				"Unsupported value: '%s' is '%.100s', and this server includes only 'message.output_text.logprobs' and 'reasoning.encrypted_content'.", c.Path(), what))
		}
	})
}

// unserved refuses what is known and not served, unless it is at the value that changes nothing.
func unserved(c *openai.Cursor, name string) bool {
	const out = "Leave it out."
	switch name {
	case "store":
		c.Unserved(noStore, `false`)
	case "previous_response_id", "conversation", "prompt":
		c.Unserved(noStore)
	case "background":
		c.Unserved("Requests are answered while the client waits; for bulk work there is /v1/batches.", `false`)
	case "truncation":
		c.Unserved("A prompt that does not fit is refused, not cut. Leave it out or set it to \"disabled\".", `"disabled"`)
	case "service_tier":
		c.Unserved(out, `"auto"`, `"default"`)
	case "reasoning":
		c.Unserved(out, `{}`, `{"effort":null,"summary":null}`, `{"effort":null}`, `{"summary":null}`)
	case "max_tool_calls", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "safety_identifier", "moderation",
		"context_management", "background_options", "access_programs", "image":
		c.Unserved(out)
	default:
		return false
	}
	return true
}

// finish checks what depends on several fields and makes the chat.
func (d *decoder) finish(c *openai.Cursor) *openai.Error {
	r := d.r
	switch {
	case r.Model == "":
		return openai.Missing("model")
	case !d.given:
		return openai.Missing("input")
	case d.top && !r.Logprobs:
		return openai.Invalid("top_logprobs", openai.CodeInvalidValue,
			"The 'top_logprobs' parameter is only allowed when 'include' has 'message.output_text.logprobs'.")
	}
	if err := openai.CheckWishes(&r.Wishes); err != nil {
		e, _ := err.(*openai.Error) //nolint:errorlint // it returns nothing else, unwrapped
		return e
	}
	if r.Instructions != "" {
		d.chat = append([]openai.Message{{Role: "system", Content: r.Instructions}}, d.chat...)
	}
	r.N, r.Messages = 1, d.chat
	r.Given = append(c.Given(), r.Names()...)
	if r.Logprobs {
		r.Given = append(r.Given, "logprobs")
	}
	if c.Images() > 0 {
		r.Given = append(r.Given, "image_url")
	}
	r.RawMessages, r.RichMessages = openai.AppendMessages(nil, r.Messages), openai.AppendRich(nil, r.Messages)
	return nil
}
