package anthropic

import (
	"strings"

	"github.com/leathq/leat/services/gateway/internal/openai"
)

// block reads one content block. What its type does not have is refused, whatever the order of its members.
func (d *decoder) block() block {
	c := d.c
	var b block
	isError, inner := false, ""
	has := map[string]bool{}
	c.Object(func(name string) {
		has[name] = true
		switch name {
		case "type":
			b.typ = d.blockType()
		case "text", "thinking":
			b.text = c.Text()
		case "signature":
			b.signature = c.Text()
		case "data":
			b.signature = openai.Redacted + c.Text()
		case "id", "tool_use_id":
			b.id = c.Text()
		case "name":
			b.name = c.Identifier()
		case "input":
			b.input = c.Opaque(d.l)
		case "source":
			b.image = d.source()
			c.Image(d.l)
		case "content":
			if !c.Null() {
				b.text, inner = d.result()
			}
		case "is_error":
			isError = !c.Null() && c.Bool()
		case "cache_control":
			if !c.Null() {
				b.mark = d.cache()
			}
		case "citations":
			c.Unserved("Leave it out.", `[]`, `{"enabled":false}`)
		case "caller":
			c.Unserved("Leave it out.", `{"type":"direct"}`)
		default:
			c.Unknown()
		}
	})
	if b.at = c.Path(); c.Failed() {
		return b
	}
	b.fits(c, has)
	if b.mark == "" {
		b.mark = inner
	}
	if isError {
		b.text = "Error: " + b.text // a chat has no other place for it
	}
	return b
}

func (d *decoder) blockType() string {
	c := d.c
	t := c.Text()
	if c.Failed() {
		return ""
	}
	if _, known := members[t]; !known {
		c.Fail(openai.Invalid(c.Path(), openai.CodeUnsupportedValue,
			"Unsupported value: '%s' is '%.100s', and this server takes blocks of the types 'text', 'image', 'tool_use', 'tool_result', 'thinking' and 'redacted_thinking'.", c.Path(), t))
	}
	return t
}

// members are what a block of a type must have, and what it may.
var members = map[string]struct{ must, may []string }{
	"text":        {[]string{"text"}, []string{"cache_control", "citations"}},
	"image":       {[]string{"source"}, []string{"cache_control"}},
	"tool_use":    {[]string{"id", "name", "input"}, []string{"cache_control", "caller"}},
	"tool_result": {[]string{"tool_use_id"}, []string{"content", "is_error", "cache_control"}},
	"thinking":    {[]string{"thinking", "signature"}, nil},

	"redacted_thinking": {[]string{"data"}, nil},
}

func (b *block) fits(c *openai.Cursor, has map[string]bool) {
	if b.typ == "" {
		c.Fail(openai.Missing(b.at + ".type"))
		return
	}
	m := members[b.typ]
	delete(has, "type")
	for _, name := range m.must {
		if !has[name] {
			c.Fail(openai.Missing(b.at + "." + name))
			return
		}
		delete(has, name)
	}
	for _, name := range m.may {
		delete(has, name)
	}
	for name := range has {
		c.Fail(openai.Invalid(b.at+"."+name, openai.CodeUnknownParameter, "Invalid '%s.%s': a '%s' block has no '%s'.", b.at, name, b.typ, name))
		return
	}
	if b.typ == "tool_use" && b.id == "" || b.typ == "tool_result" && b.id == "" {
		c.Fail(openai.Invalid(b.at, openai.CodeEmptyString, "Invalid '%s': its id must not be empty.", b.at))
	}
}

// source reads an image's source as a URL.
func (d *decoder) source() (url string) {
	c := d.c
	typ, media, data := "", "", ""
	c.Object(func(name string) {
		switch name {
		case "type":
			typ = c.OneOf("base64", "url")
		case "media_type":
			media = c.OneOf("image/jpeg", "image/png", "image/gif", "image/webp")
		case "data":
			data = c.Text()
		case "url":
			url = c.URL()
		default:
			c.Unknown()
		}
	})
	at := c.Path()
	switch {
	case c.Failed():
	case typ == "":
		c.Fail(openai.Missing(at + ".type"))
	case typ == "url" && url == "":
		c.Fail(openai.Missing(at + ".url"))
	case typ == "base64" && media == "":
		c.Fail(openai.Missing(at + ".media_type"))
	case typ == "base64" && data == "":
		c.Fail(openai.Missing(at + ".data"))
	case typ == "url" && media+data != "" || typ == "base64" && url != "":
		c.Fail(openai.Invalid(at, openai.CodeInvalidValue, "Invalid '%s': a source has either 'url' or 'media_type' and 'data', as its 'type' says.", at))
	case typ == "base64":
		return "data:" + media + ";base64," + data
	}
	return url
}

// result reads what a tool gave: a string or an array of text blocks. mark is the last one's: they become one block.
func (d *decoder) result() (text, mark string) {
	c := d.c
	var texts []string
	for _, b := range d.content(c.Path()) {
		if b.typ != "text" {
			c.Fail(openai.Invalid(b.at, openai.CodeUnsupportedValue,
				"Unsupported block: '%s' is of the type '%s', and this server takes only text as a tool's result.", b.at, b.typ))
			return "", ""
		}
		texts = append(texts, b.text)
		if b.mark != "" {
			mark = b.mark
		}
	}
	return strings.Join(texts, "\n"), mark
}

// below names the field that holds an object which was read by itself.
func below(name string, err error) *openai.Error {
	e, ok := err.(*openai.Error) //nolint:errorlint // decoders return nothing else, unwrapped
	if !ok || e.Param == "" {
		return openai.Invalid(name, openai.CodeInvalidValue, "Invalid '%s': %v", name, err)
	}
	own := *e
	own.Param = name + "." + e.Param
	own.Message = strings.ReplaceAll(e.Message, "'"+e.Param+"'", "'"+own.Param+"'")
	return &own
}
