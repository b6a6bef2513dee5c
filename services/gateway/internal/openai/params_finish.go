package openai

import "unicode/utf8"

// Bounds of metadata, from OpenAI's API reference.
const (
	metadataPairs = 16
	metadataKey   = 64
	metadataValue = 512
)

func (p *Params) metadata(c *cursor) {
	if c.null() {
		return
	}
	c.object(func(name string) {
		switch {
		case len(p.Metadata) == metadataPairs:
			c.fail(invalid("metadata", CodeObjectTooLong, "Invalid 'metadata': expected at most %d pairs.", metadataPairs))
			return
		case utf8.RuneCountInString(name) > metadataKey:
			c.fail(invalid("metadata", CodeStringTooLong, "Invalid key in 'metadata': expected at most %d characters, but %q is longer.",
				metadataKey, clip(name)))
			return
		case p.Metadata == nil:
			p.Metadata = make(map[string]string)
		}
		value := c.text()
		if c.err == nil && utf8.RuneCountInString(value) > metadataValue {
			c.fail(invalid(c.path(), CodeStringTooLong, "Invalid '%s': string too long. Expected at most %d characters, but got %d.",
				c.path(), metadataValue, utf8.RuneCountInString(value)))
		}
		p.Metadata[name] = value
	})
}

// finish checks what depends on several fields and fills defaults. A field's own faults have been told before.
func (p *Params) finish(c *cursor) *Error {
	if p.Model == "" {
		return missing("model")
	}
	if p.streamOptionsGiven && !p.Stream {
		return invalid("stream_options", CodeInvalidValue,
			"The 'stream_options' parameter is only allowed when 'stream' is enabled.")
	}
	if p.N == 0 {
		p.N = 1
	}
	p.Given = c.given
	return nil
}

// choices refuses more answers than one request may ask for.
func (p *Params) choices(prompts int, l Limits) *Error {
	if prompts*p.N <= l.Choices {
		return nil
	}
	return invalid("n", CodeIntegerAboveMax,
		"Invalid 'n': %d prompts with %d choices each are more than the %d choices that one request may ask for.",
		prompts, p.N, l.Choices)
}

func missing(param string) *Error {
	return invalid(param, CodeMissingParameter, "Missing required parameter: '%s'.", param)
}

// unknown refuses the member whose name was just read.
func unknown(c *cursor) {
	c.fail(invalid(c.path(), CodeUnknownParameter, "Unrecognized request argument supplied: %s", c.path()))
}
