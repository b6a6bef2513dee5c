package openai

import (
	"strconv"
	"strings"
)

// nameLength bounds the names of functions and schemas, from OpenAI's API reference.
const nameLength = 64

const namePattern = "^[a-zA-Z0-9_-]+$"

// wish reads one parameter that only chats have; it reports false, having read nothing, for other names.
func (w *Wishes) wish(c *cursor, l Limits, name string) bool {
	switch name {
	case "tools":
		w.tools(c, l)
	case "tool_choice":
		w.choice(c)
	case "parallel_tool_calls":
		w.OneCall = !c.null() && !c.bool()
	case "response_format":
		w.format(c, l)
	default:
		return false
	}
	return true
}

func (w *Wishes) tools(c *cursor, l Limits) {
	if !c.null() {
		w.Tools = c.Tools(l, func() (Tool, string) { return tool(c, l) })
	}
}

// Tools reads an array of tools, each with a name of its own; one reads one, and says where its name stands.
func (c *cursor) Tools(l Limits, one func() (t Tool, at string)) (list []Tool) {
	named := map[string]bool{}
	c.array(func(i int) {
		if i == l.Tools {
			c.fail(invalid("tools", CodeArrayTooLong, "Invalid 'tools': array too long. Expected an array with maximum length %d.", l.Tools))
			return
		}
		t, at := one()
		if c.err == nil && named[t.Name] {
			c.fail(invalid(at, CodeInvalidValue, "Invalid '%s': there are two tools with the name '%s'. Give every tool its own.", at, t.Name))
		}
		named[t.Name] = true
		list = append(list, t)
	})
	return list
}

func tool(c *cursor, l Limits) (t Tool, at string) {
	var typ, function bool
	c.object(func(name string) {
		switch name {
		case "type":
			typ = true
			functionType(c)
		case "function":
			at, function = c.path(), true
			t = functionOf(c, l)
		default:
			unknown(c)
		}
	})
	switch {
	case c.err != nil:
	case !typ:
		c.fail(missing(c.path() + ".type"))
	case !function:
		c.fail(missing(c.path() + ".function"))
	case t.Name == "":
		c.fail(missing(at + ".name"))
	}
	return t, at + ".name"
}

func functionType(c *cursor) {
	if s := c.text(); c.err == nil && s != "function" {
		c.fail(invalid(c.path(), CodeInvalidValue, "Invalid value: '%s'. Supported values are: 'function'.", clip(s)))
	}
}

func functionOf(c *cursor, l Limits) (t Tool) {
	c.object(func(name string) {
		switch name {
		case "name":
			t.Name = identifier(c)
		case "description":
			if !c.null() {
				t.Description = c.text()
			}
		case "parameters":
			if !c.null() {
				t.Parameters = c.schema(l)
			}
		case "strict":
			t.Strict = !c.null() && c.bool()
		default:
			unknown(c)
		}
	})
	return t
}

// identifier reads a name of a function or a schema.
func identifier(c *cursor) string {
	s := c.text()
	if c.err != nil {
		return ""
	}
	switch at := c.path(); {
	case s == "":
		c.fail(invalid(at, CodeEmptyString, "Invalid '%s': empty string. Expected a string with minimum length 1, but got an empty string instead.", at))
	case len(s) > nameLength:
		c.fail(invalid(at, CodeStringTooLong,
			"Invalid '%s': string too long. Expected a string with maximum length %d, but got a string with length %d instead.", at, nameLength, len(s)))
	case strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}):
		c.fail(invalid(at, CodeInvalidValue,
			"Invalid '%s': string does not match pattern. Expected a string that matches the pattern '%s'.", at, namePattern))
	}
	return s
}

// schema reads a JSON Schema as it is. It shares no memory with the body.
func (c *cursor) schema(l Limits) []byte {
	if !c.expect('{', "an object, a JSON Schema") {
		return nil
	}
	raw := c.value()
	if c.err == nil && len(raw) > l.Schema {
		c.fail(invalid(c.path(), CodeStringTooLong, "Invalid '%s': a schema of %d bytes is above the limit of %d bytes.", c.path(), len(raw), l.Schema))
	}
	c.unseen = true
	return raw.Clone()
}

func (w *Wishes) choice(c *cursor) {
	switch {
	case c.null():
	case c.err == nil && c.dec.PeekKind() == '{':
		w.Choice = namedChoice(c)
	case c.expect('"', "one of 'none', 'auto' and 'required', or an object that names a function"):
		mode := c.text()
		if c.err == nil && mode != ToolAuto && mode != ToolNone && mode != ToolRequired {
			c.fail(invalid("tool_choice", CodeInvalidValue, "Invalid value: '%s'. Supported values are: 'none', 'auto', and 'required'.", clip(mode)))
		}
		w.Choice.Mode = mode
	}
}

func namedChoice(c *cursor) (choice ToolChoice) {
	var typ bool
	c.object(func(name string) {
		switch name {
		case "type":
			typ = true
			functionType(c)
		case "function":
			choice.Mode = ToolNamed
			c.object(func(name string) {
				if name != "name" {
					unknown(c)
					return
				}
				choice.Name = identifier(c)
			})
		default:
			unknown(c)
		}
	})
	switch {
	case c.err != nil:
	case !typ:
		c.fail(missing("tool_choice.type"))
	case choice.Name == "":
		c.fail(missing("tool_choice.function.name"))
	}
	return choice
}

func indexed(name string, i int) string { return name + "[" + strconv.Itoa(i) + "]" }

func (w *Wishes) check() *Error {
	mode := w.Choice.Mode
	if len(w.Tools) == 0 {
		if mode == ToolRequired || mode == ToolNamed {
			return invalid("tool_choice", CodeInvalidValue, "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.")
		}
		return nil
	}
	if mode != ToolNamed {
		return nil
	}
	for i := range w.Tools {
		if w.Tools[i].Name == w.Choice.Name {
			return nil
		}
	}
	return invalid("tool_choice", CodeInvalidValue, "Tool choice '%s' not found in 'tools' parameter.", w.Choice.Name)
}
