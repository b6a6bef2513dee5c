package openai

import "strings"

// Message is one turn of a chat.
type Message struct {
	Role    string // system, developer, user or assistant
	Content string // text; the text parts of an array of parts, joined by a newline
	Name    string // the participant, where given
}

// messages reads the array and returns it with its bytes in the body.
func messages(c *cursor, l Limits) (list []Message, raw []byte) {
	if !c.expect('[', "an array of messages") {
		return nil, nil
	}
	start := c.next()
	c.array(func(i int) {
		if i == l.Messages {
			c.fail(invalid("messages", CodeArrayTooLong, "Invalid 'messages': array too long. Expected at most %d messages.", l.Messages))
			return
		}
		list = append(list, message(c, l))
	})
	if c.err == nil && len(list) == 0 {
		c.fail(invalid("messages", CodeEmptyArray,
			"Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead."))
	}
	return list, c.body[start:c.dec.InputOffset()]
}

func message(c *cursor, l Limits) (m Message) {
	var role, content bool
	c.object(func(name string) {
		switch name {
		case "role":
			m.Role, role = roleOf(c), true
		case "content":
			if content = !c.null(); content {
				m.Content = contentOf(c, l)
			}
		case "name":
			if !c.null() {
				m.Name = c.text()
			}
		default:
			messageExtra(c, name)
		}
	})
	switch {
	case c.err != nil:
	case !role:
		c.fail(missing(c.path() + ".role"))
	case !content:
		c.fail(missing(c.path() + ".content"))
	}
	return m
}

// messageExtra lets through what an SDK's answer object carries when it is sent back as history, while it is empty.
// Reasoning, which answers have, may be there: engines that take messages get it, and no chat template sees it.
func messageExtra(c *cursor, name string) {
	switch name {
	case "reasoning_content", "reasoning":
		if !c.null() {
			_ = c.text()
		}
	case "refusal", "audio", "function_call", "tool_calls", "annotations", "tool_call_id":
		if !c.null() && !c.oneOf([]string{`[]`}) {
			c.fail(unsupportedParameter(c.path(), "Leave it out."))
		}
	default:
		unknown(c)
	}
}

func roleOf(c *cursor) string {
	role := c.text()
	switch role {
	case "system", "developer", "user", "assistant":
	case "tool", "function":
		c.fail(invalid(c.path(), CodeUnsupportedValue,
			"Unsupported value: '%s' does not support '%s', because this server does not serve tools.", c.path(), role))
	default:
		c.fail(invalid(c.path(), CodeInvalidValue,
			"Invalid value: '%s'. Supported values are: 'system', 'developer', 'user' and 'assistant'.", clip(role)))
	}
	return role
}

// contentOf reads a string or an array of text parts.
func contentOf(c *cursor, l Limits) string {
	if c.err == nil && c.dec.PeekKind() != '[' {
		if !c.expect('"', "a string or an array of content parts") {
			return ""
		}
		return c.text()
	}
	var parts []string
	c.array(func(i int) {
		if i == l.Messages {
			c.fail(invalid(c.path(), CodeArrayTooLong, "Invalid 'messages': a message has more than %d content parts.", l.Messages))
			return
		}
		parts = append(parts, part(c))
	})
	if c.err == nil && len(parts) == 0 {
		c.fail(invalid(c.path(), CodeEmptyArray, "Invalid '%s': empty array. Expected at least one content part.", c.path()))
	}
	return strings.Join(parts, "\n")
}

// part reads one {"type":"text","text":…}.
func part(c *cursor) (text string) {
	var typ, given bool
	c.object(func(name string) {
		switch name {
		case "type":
			typ = true
			if t := c.text(); c.err == nil && t != "text" {
				c.fail(invalid(c.path(), CodeUnsupportedValue,
					"Unsupported value: '%s' is '%s', and this server takes only 'text' parts.", c.path(), clip(t)))
			}
		case "text":
			text, given = c.text(), true
		case "image_url", "input_audio", "file", "refusal":
			c.fail(unsupportedParameter(c.path(), "This server takes only 'text' parts."))
		default:
			unknown(c)
		}
	})
	switch {
	case c.err != nil:
	case !typ:
		c.fail(missing(c.path() + ".type"))
	case !given:
		c.fail(missing(c.path() + ".text"))
	}
	return text
}
