package openai

import "io"

// Limits bounds what one request may ask for. A zero field means its default; the size of a body is bounded by whoever
// reads it.
type Limits struct {
	Depth    int // nesting of the JSON; default 32
	Messages int // messages of a chat, and content parts of one message; default 16384
	Prompts  int // prompts of one completions request; default 2048
	Choices  int // prompts × n; default 2048
	Stop     int // stop strings; default 16 (OpenAI: 4)
	Bias     int // entries of logit_bias; default 1024
	Tools    int // tools of a chat, and calls of one message; default 128, as OpenAI's
	Schema   int // bytes of one JSON Schema; default 256 KiB
	Images   int // image parts of a request; default 512
}

func (l Limits) orDefault() Limits {
	for _, f := range []struct {
		field *int
		value int
	}{{&l.Depth, 32}, {&l.Messages, 16384}, {&l.Prompts, 2048}, {&l.Choices, 2048}, {&l.Stop, 16}, {&l.Bias, 1024}, {&l.Tools, 128},
		{&l.Schema, 256 << 10}, {&l.Images, 512}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return l
}

// decode reads body as one object and nothing after it. Of several faults it reports excessive depth first, then
// whichever comes first in the body.
func decode(body []byte, l Limits, field func(c *cursor, name string)) (*cursor, error) {
	c := newCursor(body)
	c.object(func(name string) { field(c, name) })
	if c.err == nil {
		if _, err := c.dec.ReadToken(); err != io.EOF {
			c.fail(trailing(body, c.dec.InputOffset()))
		}
	}
	if c.err == nil && !c.unseen {
		return c, nil
	}
	if at := tooDeep(body, l.Depth); at >= 0 {
		line, col := position(body, int64(at))
		return nil, invalid("", "", "The JSON body of your request is nested deeper than %d levels at byte %d (line %d, column %d).",
			l.Depth, at, line, col)
	}
	if c.err == nil {
		return c, nil
	}
	return nil, c.err
}

func trailing(body []byte, offset int64) *Error {
	line, col := position(body, offset)
	return invalid("", "", "We could not parse the JSON body of your request: there is more after the object that ends "+
		"at byte %d (line %d, column %d). Send one JSON object.", offset, line, col)
}
