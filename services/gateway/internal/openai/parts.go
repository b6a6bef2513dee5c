package openai

import "strings"

// Part is one part of a message's content.
type Part struct {
	Text   string // of a text part
	Image  string // http, https or data URL of an image part; empty: it is a text part
	Detail string // of an image part: auto, low or high; empty where not given
	Mark   string // of Message.Marked: its cache_control, a JSON object; empty where there is none
}

// contentOf reads a string or an array of parts. The parts are returned where there are others than text.
func contentOf(c *cursor, l Limits) (string, []Part) {
	if c.err == nil && c.dec.PeekKind() != '[' {
		if !c.expect('"', "a string or an array of content parts") {
			return "", nil
		}
		return c.text(), nil
	}
	var parts []Part
	var texts []string
	c.array(func(i int) {
		if i == l.Messages {
			c.fail(invalid(c.path(), CodeArrayTooLong, "Invalid 'messages': a message has more than %d content parts.", l.Messages))
			return
		}
		p := part(c)
		if p.Image == "" {
			texts = append(texts, p.Text)
		} else if c.images++; c.images > l.Images {
			c.fail(invalid("messages", CodeArrayTooLong, "Invalid 'messages': there are more than %d images in the request.", l.Images))
		}
		parts = append(parts, p)
	})
	if c.err == nil && len(parts) == 0 {
		c.fail(invalid(c.path(), CodeEmptyArray, "Invalid '%s': empty array. Expected at least one content part.", c.path()))
	}
	if len(texts) == len(parts) {
		parts = nil
	}
	return strings.Join(texts, "\n"), parts
}

// part reads one {"type":"text","text":…} or {"type":"image_url","image_url":{"url":…}}.
func part(c *cursor) (p Part) {
	var typ string
	var text bool
	c.object(func(name string) {
		switch name {
		case "type":
			if typ = c.text(); c.err == nil && typ != "text" && typ != "image_url" {
				c.fail(invalid(c.path(), CodeUnsupportedValue,
					"Unsupported value: '%s' is '%s', and this server takes only 'text' and 'image_url' parts.", c.path(), clip(typ)))
			}
		case "text":
			p.Text, text = c.text(), true
		case "image_url":
			image(c, &p)
		case "input_audio", "file", "refusal":
			c.fail(unsupportedParameter(c.path(), "This server takes only 'text' and 'image_url' parts."))
		default:
			unknown(c)
		}
	})
	switch {
	case c.err != nil:
	case typ == "":
		c.fail(missing(c.path() + ".type"))
	case typ == "text" && !text:
		c.fail(missing(c.path() + ".text"))
	case typ == "image_url" && p.Image == "":
		c.fail(missing(c.path() + ".image_url"))
	case text && p.Image != "":
		c.fail(invalid(c.path(), CodeInvalidValue, "Invalid '%s': a part has either 'text' or 'image_url', as its 'type' says.", c.path()))
	}
	return p
}

func image(c *cursor, p *Part) {
	c.object(func(name string) {
		switch name {
		case "url":
			p.Image = imageURL(c)
		case "detail":
			if c.null() {
				return
			}
			p.Detail = c.text()
			if c.err == nil && p.Detail != "auto" && p.Detail != "low" && p.Detail != "high" {
				c.fail(invalid(c.path(), CodeInvalidValue, "Invalid value: '%s'. Supported values are: 'low', 'high', and 'auto'.", clip(p.Detail)))
			}
		default:
			unknown(c)
		}
	})
	if c.err == nil && p.Image == "" {
		c.fail(missing(c.path() + ".url"))
	}
}

// imageURL reads a URL as far as this server looks at it: who fetches or decodes the image sees the rest.
func imageURL(c *cursor) string {
	s := c.text()
	if c.err != nil {
		return ""
	}
	if data, ok := strings.CutPrefix(s, "data:"); ok {
		kind, rest, _ := strings.Cut(data[:min(len(data), 200)], ";")
		if !strings.HasPrefix(kind, "image/") || !strings.HasPrefix(rest, "base64,") {
			c.fail(invalid(c.path(), CodeInvalidValue, "Invalid image URL: '%s'. Expected a base64-encoded data URL with an image MIME type "+
				"(e.g. 'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU='), but got '%s'.", c.path(), clip(s)))
		}
		return s
	}
	if !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") {
		c.fail(invalid(c.path(), CodeInvalidValue, "Invalid '%s'. Expected a valid URL (https:, http: or data:), but got a value with an invalid format.", c.path()))
	}
	return s
}
