package anthropic

import (
	"math"

	"github.com/leathq/leat/services/gateway/internal/openai"
)

// Request is a body of POST /v1/messages or /v1/messages/count_tokens, as the chat that it asks for.
type Request struct {
	openai.ChatRequest
}

// Decode reads a request for a message. Its error is an [*openai.Error] with status 400 that names the request's own field.
func Decode(body []byte, l openai.Limits) (*Request, error) { return decode(body, l, false) }

// DecodeCount reads a request to count a message's tokens: the same, without max_tokens.
func DecodeCount(body []byte, l openai.Limits) (*Request, error) { return decode(body, l, true) }

func decode(body []byte, l openai.Limits, counting bool) (*Request, error) {
	l = l.Or()
	d := &decoder{l: l, r: &Request{}}
	c, err := openai.Decode(body, l, func(c *openai.Cursor, name string) {
		d.c = c
		if !d.prompt(name) && !d.sampling(name) && !unserved(c, name) {
			c.Unknown()
		}
	})
	if err != nil {
		return nil, err
	}
	if e := d.finish(c, counting); e != nil {
		return nil, e
	}
	return d.r, nil
}

// decoder is one request on its way in.
type decoder struct {
	c      *openai.Cursor
	l      openai.Limits
	r      *Request
	system *openai.Message
	turns  []turn
}

// prompt reads what the prompt is made of, which is all that a count needs.
func (d *decoder) prompt(name string) bool {
	c, r := d.c, d.r
	switch name {
	case "model":
		if !c.Null() {
			r.Model = c.Text()
		}
	case "messages":
		if !c.Null() {
			d.messages()
		}
	case "system":
		if !c.Null() {
			d.system = d.systemOf()
		}
	case "tools":
		if !c.Null() {
			d.tools()
		}
	case "tool_choice":
		if !c.Null() {
			d.choice()
		}
	case "thinking":
		if !c.Null() {
			d.thinking()
		}
	case "output_config":
		if !c.Null() {
			d.output()
		}
	case "cache_control":
		if !c.Null() {
			d.r.Mark = d.cache()
		}
	default:
		return false
	}
	return true
}

// sampling reads how the answer is made.
func (d *decoder) sampling(name string) bool {
	c, p := d.c, &d.r.Params
	switch name {
	case "max_tokens":
		if !c.Null() {
			p.MaxTokens = c.Whole(1, math.MaxInt32)
		}
	case "stream":
		p.Stream = !c.Null() && c.Bool()
	case "temperature":
		p.Temperature = c.Number("temperature", 0, 1, openai.Never)
	case "top_p":
		p.TopP = c.Number("top_p", 0, 1, 1)
	case "top_k":
		if c.Null() {
			return true
		}
		k := c.Whole(0, math.MaxInt32)
		if p.TopK = &k; k > 0 {
			c.Give("top_k")
		}
	case "stop_sequences":
		d.stop()
	case "metadata":
		d.metadata()
	default:
		return false
	}
	return true
}

func (d *decoder) stop() {
	c, p := d.c, &d.r.Params
	if c.Null() {
		return
	}
	c.Array(func(i int) {
		if i == d.l.Stop {
			c.Fail(openai.Invalid("stop_sequences", openai.CodeArrayTooLong, "Invalid 'stop_sequences': expected at most %d stop sequences.", d.l.Stop))
			return
		}
		s := c.Text()
		if !c.Failed() && s == "" {
			c.Fail(openai.Invalid(c.Path(), openai.CodeEmptyString, "Invalid '%s': a stop sequence must not be empty.", c.Path()))
		}
		p.Stop = append(p.Stop, s)
	})
	if len(p.Stop) > 0 {
		c.Give("stop")
	}
}

func (d *decoder) metadata() {
	c := d.c
	if c.Null() {
		return
	}
	c.Object(func(name string) {
		if name != "user_id" {
			c.Unknown()
			return
		}
		if !c.Null() {
			d.r.User = c.Text()
		}
	})
}

// unserved refuses what is known and not served, unless it is at the value that changes nothing.
func unserved(c *openai.Cursor, name string) bool {
	const out = "Leave it out."
	switch name {
	case "service_tier":
		c.Unserved(out, `"auto"`, `"standard_only"`)
	case "speed":
		c.Unserved(out, `"standard"`)
	case "mcp_servers":
		c.Unserved(out, `[]`)
	case "container", "context_management", "inference_geo", "diagnostics", "output_format", "betas", "user_profile_id", "workspace_id":
		c.Unserved(out)
	default:
		return false
	}
	return true
}

// finish checks what depends on several fields and makes the chat.
func (d *decoder) finish(c *openai.Cursor, counting bool) *openai.Error {
	r := d.r
	switch {
	case r.Model == "":
		return openai.Missing("model")
	case d.turns == nil:
		return openai.Missing("messages")
	case r.MaxTokens == 0 && !counting:
		return openai.Missing("max_tokens")
	}
	if e := d.converse(); e != nil {
		return e
	}
	if e := d.chooses(); e != nil {
		return e
	}
	r.N = 1
	r.Given = append(c.Given(), r.Names()...)
	if c.Images() > 0 {
		r.Given = append(r.Given, "image_url")
	}
	r.RawMessages, r.RichMessages = openai.AppendMessages(nil, r.Messages), openai.AppendRich(nil, r.Messages)
	return nil
}
