package anthropic

import (
	"slices"
	"strings"

	"github.com/leathq/leat/services/gateway/internal/openai"
)

// turn is what one side said. Messages of the same role in a row are one turn.
type turn struct {
	role   string
	blocks []block
}

// block is one content block with the path that an error names.
type block struct {
	typ, at   string
	text      string // of text and thinking; of a tool's result
	image     string // http, https or data URL
	id        string // of a tool's use or of the use that a result answers
	name      string
	input     []byte
	signature string // of thinking; of redacted thinking, after its prefix, what it consists of
	mark      string // its cache_control
}

// unmarked are parts without their marks.
func unmarked(parts []openai.Part) []openai.Part {
	out := slices.Clone(parts)
	for i := range out {
		out[i].Mark = ""
	}
	return out
}

// marked are the parts of a message's content, where one of them is marked.
func marked(parts []openai.Part) []openai.Part {
	for i := range parts {
		if parts[i].Mark != "" {
			return parts
		}
	}
	return nil
}

func (d *decoder) messages() {
	c := d.c
	n := 0
	c.Array(func(i int) {
		if n = i + 1; i == d.l.Messages {
			c.Fail(openai.Invalid("messages", openai.CodeArrayTooLong, "Invalid 'messages': array too long. Expected at most %d messages.", d.l.Messages))
			return
		}
		t := d.message()
		if last := len(d.turns) - 1; last >= 0 && d.turns[last].role == t.role {
			d.turns[last].blocks = append(d.turns[last].blocks, t.blocks...)
			return
		}
		d.turns = append(d.turns, t)
	})
	if !c.Failed() && n == 0 {
		c.Fail(openai.Invalid("messages", openai.CodeEmptyArray, "Invalid 'messages': expected at least one message."))
	}
}

func (d *decoder) message() (t turn) {
	c := d.c
	content := false
	c.Object(func(name string) {
		switch name {
		case "role":
			if t.role = c.Text(); !c.Failed() && t.role != "user" && t.role != "assistant" {
				c.Fail(openai.Invalid(c.Path(), openai.CodeInvalidValue,
					"Invalid '%s': '%.100s'. Supported values are: 'user' and 'assistant'; a system prompt goes into the top-level 'system'.", c.Path(), t.role))
			}
		case "content":
			content = true
			t.blocks = d.content(c.Path())
		default:
			c.Unknown()
		}
	})
	switch {
	case c.Failed():
	case t.role == "":
		c.Fail(openai.Missing(c.Path() + ".role"))
	case !content:
		c.Fail(openai.Missing(c.Path() + ".content"))
	}
	return t
}

// content reads a string or an array of blocks.
func (d *decoder) content(at string) (list []block) {
	c := d.c
	if !c.Is('[') {
		if !c.Expect('"', "a string or an array of content blocks") {
			return nil
		}
		return []block{{typ: "text", at: at, text: c.Text()}}
	}
	c.Array(func(i int) {
		if i == d.l.Messages {
			c.Fail(openai.Invalid(at, openai.CodeArrayTooLong, "Invalid '%s': expected at most %d content blocks.", at, d.l.Messages))
			return
		}
		list = append(list, d.block())
	})
	if !c.Failed() && len(list) == 0 {
		c.Fail(openai.Invalid(at, openai.CodeEmptyArray, "Invalid '%s': expected at least one content block.", at))
	}
	return list
}

func (d *decoder) systemOf() *openai.Message {
	c := d.c
	list := d.content("system")
	if c.Failed() {
		return nil
	}
	var texts []string
	var parts []openai.Part
	for _, b := range list {
		if b.typ != "text" {
			c.Fail(openai.Invalid(b.at, openai.CodeInvalidValue, "Invalid '%s': a system prompt has only 'text' blocks, and this one is '%s'.", b.at, b.typ))
			return nil
		}
		texts, parts = append(texts, b.text), append(parts, openai.Part{Text: b.text, Mark: b.mark})
	}
	if len(texts) == 0 {
		return nil
	}
	return &openai.Message{Role: "system", Content: strings.Join(texts, "\n"), Marked: marked(parts)}
}

// converse makes the chat: the results of tools are messages of their own there.
func (d *decoder) converse() *openai.Error {
	r := d.r
	if d.system != nil {
		r.Messages = append(r.Messages, *d.system)
	}
	var uses map[string]bool
	for i := range d.turns {
		t := &d.turns[i]
		if t.role == "assistant" {
			m, e := t.assistant()
			if e != nil {
				return e
			}
			uses = map[string]bool{}
			for _, call := range m.ToolCalls {
				uses[call.ID] = true
			}
			r.Messages = append(r.Messages, m)
			continue
		}
		list, e := t.user(uses)
		if e != nil {
			return e
		}
		r.Messages, uses = append(r.Messages, list...), nil
	}
	if last := d.turns[len(d.turns)-1]; last.role == "assistant" {
		return openai.Invalid("messages", openai.CodeUnsupportedValue,
			"Invalid 'messages': the last message is the assistant's, and this server does not continue answers. End with a message of the user.")
	}
	return nil
}

func (t *turn) assistant() (openai.Message, *openai.Error) {
	m := openai.Message{Role: "assistant"}
	var texts []string
	var parts []openai.Part
	for i := range t.blocks {
		switch b := &t.blocks[i]; b.typ {
		case "text":
			texts, parts = append(texts, b.text), append(parts, openai.Part{Text: b.text, Mark: b.mark})
		case "thinking", "redacted_thinking":
			m.Think(b.text, b.signature)
		case "tool_use":
			m.ToolCalls = append(m.ToolCalls, openai.ToolCall{Index: len(m.ToolCalls), ID: b.id, Name: b.name, Arguments: string(b.input)})
		default:
			return m, openai.Invalid(b.at, openai.CodeInvalidValue, "Invalid '%s': a '%s' block is the user's, not the assistant's.", b.at, b.typ)
		}
	}
	m.Content, m.Marked = strings.Join(texts, "\n"), marked(parts)
	return m, nil
}

// user makes messages of a user's turn. uses are the calls of tools that it may answer.
func (t *turn) user(uses map[string]bool) (list []openai.Message, _ *openai.Error) {
	m := openai.Message{Role: "user"}
	var texts []string
	images := false
	for i := range t.blocks {
		b := &t.blocks[i]
		switch b.typ {
		case "text":
			texts, m.Parts = append(texts, b.text), append(m.Parts, openai.Part{Text: b.text, Mark: b.mark})
		case "image":
			images, m.Parts = true, append(m.Parts, openai.Part{Image: b.image, Mark: b.mark})
		case "tool_result":
			switch {
			case len(m.Parts) > 0:
				return nil, openai.Invalid(b.at, openai.CodeInvalidValue, "Invalid '%s': the results of tools come before everything else in a message.", b.at)
			case !uses[b.id]:
				return nil, openai.Invalid(b.at+".tool_use_id", openai.CodeInvalidValue,
					"Invalid '%s.tool_use_id': there is no 'tool_use' block '%.100s' in the message before.", b.at, b.id)
			}
			delete(uses, b.id)
			list = append(list, openai.Message{Role: "tool", Content: b.text, ToolCallID: b.id, Mark: b.mark})
		default:
			return nil, openai.Invalid(b.at, openai.CodeInvalidValue, "Invalid '%s': a '%s' block is the assistant's, not the user's.", b.at, b.typ)
		}
	}
	m.Content, m.Marked = strings.Join(texts, "\n"), marked(m.Parts)
	if m.Parts = unmarked(m.Parts); !images {
		m.Parts = nil
	}
	if len(texts) > 0 || images || len(list) == 0 {
		list = append(list, m)
	}
	return list, nil
}
