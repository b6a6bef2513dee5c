package responses

import (
	"strings"

	"github.com/leathq/leat/services/gateway/internal/openai"
)

// input reads a string or an array of items.
func (d *decoder) input() {
	c := d.c
	if !c.Is('[') {
		if c.Expect('"', "a string or an array of items") {
			d.chat = append(d.chat, openai.Message{Role: "user", Content: c.Text()})
		}
		return
	}
	c.Array(func(i int) {
		if i == d.l.Messages {
			c.Fail(openai.Invalid("input", openai.CodeArrayTooLong, "Invalid 'input': array too long. Expected at most %d items.", d.l.Messages))
			return
		}
		it := d.item()
		if c.Failed() {
			return
		}
		if e := d.converse(&it); e != nil {
			c.Fail(e)
		}
	})
	if !c.Failed() && len(d.chat) == 0 {
		c.Fail(openai.Invalid("input", openai.CodeEmptyArray, "Invalid 'input': expected at least one item."))
	}
}

// item is one item of the input with the path that an error names.
type item struct {
	typ, at   string
	role      string
	text      string // of a message, of reasoning, of an output
	parts     []openai.Part
	id        string // the call's
	name      string
	arguments string
	signature string
}

// members are what an item of a type must have, and what it may.
var members = map[string]struct{ must, may []string }{
	"message":              {[]string{"role", "content"}, []string{"id", "status", "phase"}},
	"function_call":        {[]string{"call_id", "name", "arguments"}, []string{"id", "status"}},
	"function_call_output": {[]string{"call_id", "output"}, []string{"id", "status"}},
	"reasoning":            {nil, []string{"id", "status", "summary", "content", "encrypted_content"}},
}

var itemNames = names("type role content output call_id name arguments encrypted_content summary id status phase")

func names(list string) map[string]bool {
	out := map[string]bool{}
	for _, name := range strings.Fields(list) {
		out[name] = true
	}
	return out
}

// item reads one item. What its type does not have is refused, whatever the order of its members.
func (d *decoder) item() (it item) {
	c := d.c
	has := map[string]bool{}
	c.Object(func(name string) {
		if !itemNames[name] {
			c.Unknown()
			return
		}
		if c.Null() { // SDKs send back what they were given, with nulls
			return
		}
		has[name] = true
		switch name {
		case "type":
			it.typ = d.itemType()
		case "role":
			it.role = c.OneOf("user", "assistant", "system", "developer")
		case "content", "output":
			it.text, it.parts = d.content(c.Path())
		case "call_id":
			it.id = c.Text()
		case "name":
			it.name = c.Identifier()
		case "arguments":
			it.arguments = c.Text()
		case "encrypted_content":
			it.signature = c.Text()
		case "summary":
			_, _ = d.content(c.Path())
		case "id":
			_ = c.Text()
		case "status":
			c.OneOf("in_progress", "completed", "incomplete")
		case "phase":
			c.OneOf("commentary", "final_answer")
		}
	})
	if it.at = c.Path(); !c.Failed() {
		it.fits(c, has)
	}
	return it
}

func (d *decoder) itemType() string {
	c := d.c
	t := c.Text()
	if _, known := members[t]; !known && !c.Failed() {
		c.Fail(openai.Invalid(c.Path(), openai.CodeUnsupportedValue,
			"Unsupported value: '%s' is '%.100s', and this server takes items of the types 'message', 'function_call', 'function_call_output' and 'reasoning'.", c.Path(), t))
	}
	return t
}

func (it *item) fits(c *openai.Cursor, has map[string]bool) {
	if it.typ == "" {
		it.typ = "message"
	}
	m := members[it.typ]
	delete(has, "type")
	for _, name := range m.must {
		if !has[name] {
			c.Fail(openai.Missing(it.at + "." + name))
			return
		}
		delete(has, name)
	}
	for _, name := range m.may {
		delete(has, name)
	}
	for name := range has {
		c.Fail(openai.Invalid(it.at+"."+name, openai.CodeUnknownParameter, "Invalid '%s.%s': an item of the type '%s' has no '%s'.", it.at, name, it.typ, name))
		return
	}
	if images := it.parts != nil; images && it.role != "user" {
		c.Fail(openai.Invalid(it.at, openai.CodeInvalidValue, "Invalid '%s': only messages with role 'user' have images.", it.at))
	}
}

// content reads a string or an array of parts. The parts are returned where there are others than text.
func (d *decoder) content(at string) (string, []openai.Part) {
	c := d.c
	if !c.Is('[') {
		if !c.Expect('"', "a string or an array of parts") {
			return "", nil
		}
		return c.Text(), nil
	}
	var parts []openai.Part
	var texts []string
	c.Array(func(i int) {
		if i == d.l.Messages {
			c.Fail(openai.Invalid(at, openai.CodeArrayTooLong, "Invalid '%s': expected at most %d parts.", at, d.l.Messages))
			return
		}
		p := d.part()
		if p.Image == "" {
			texts = append(texts, p.Text)
		}
		parts = append(parts, p)
	})
	if len(texts) == len(parts) {
		parts = nil
	}
	return strings.Join(texts, "\n"), parts
}

var partNames = names("type text refusal image_url detail annotations logprobs file_id file_url file_data filename input_audio")

// part reads one part of a content.
func (d *decoder) part() (p openai.Part) {
	c := d.c
	typ := ""
	has := map[string]bool{}
	c.Object(func(name string) {
		if !partNames[name] {
			c.Unknown()
			return
		}
		if c.Null() {
			return
		}
		has[name] = true
		switch name {
		case "type":
			typ = c.OneOf("input_text", "output_text", "input_image", "refusal", "reasoning_text", "summary_text")
		case "text", "refusal":
			p.Text = c.Text()
		case "image_url":
			p.Image = c.URL()
			c.Image(d.l)
		case "detail":
			p.Detail = c.OneOf("auto", "low", "high")
		case "annotations", "logprobs": // of an answer that is sent back; they ask nothing
			c.Skip('[', "an array")
		default:
			c.Unserved("This server takes text, and images by 'image_url'.")
		}
	})
	at := c.Path()
	switch {
	case c.Failed():
	case typ == "":
		c.Fail(openai.Missing(at + ".type"))
	case typ == "input_image" && p.Image == "":
		c.Fail(openai.Missing(at + ".image_url"))
	case typ == "refusal" && !has["refusal"]:
		c.Fail(openai.Missing(at + ".refusal"))
	case typ != "input_image" && typ != "refusal" && !has["text"]:
		c.Fail(openai.Missing(at + ".text"))
	case typ == "input_image" && has["text"], typ != "input_image" && has["image_url"]:
		c.Fail(openai.Invalid(at, openai.CodeInvalidValue, "Invalid '%s': a part has either a text or an 'image_url', as its 'type' says.", at))
	}
	return p
}

// converse adds an item to the chat. What the assistant's side did in a row is one message there.
func (d *decoder) converse(it *item) *openai.Error {
	switch it.typ {
	case "reasoning":
		m := d.assistant(func(m *openai.Message) bool { return m.Content == "" && m.ToolCalls == nil })
		m.Think(it.text, it.signature)
	case "function_call":
		m := d.assistant(func(*openai.Message) bool { return true })
		if d.calls == nil {
			d.calls = map[string]bool{}
		}
		d.calls[it.id] = true
		m.ToolCalls = append(m.ToolCalls, openai.ToolCall{Index: len(m.ToolCalls), ID: it.id, Name: it.name, Arguments: it.arguments})
	case "function_call_output":
		if !d.calls[it.id] {
			return openai.Invalid(it.at+".call_id", openai.CodeInvalidValue, "No tool call found for function call output with call_id %.100s.", it.id)
		}
		delete(d.calls, it.id)
		d.chat = append(d.chat, openai.Message{Role: "tool", Content: it.text, ToolCallID: it.id})
	default:
		if it.role == "assistant" {
			d.assistant(func(m *openai.Message) bool { return m.Content == "" }).Content = it.text
			return nil
		}
		d.chat = append(d.chat, openai.Message{Role: it.role, Content: it.text, Parts: it.parts})
	}
	return nil
}

// assistant returns the last message where it is the assistant's and has room, and a new one otherwise.
func (d *decoder) assistant(room func(*openai.Message) bool) *openai.Message {
	if last := len(d.chat) - 1; last >= 0 && d.chat[last].Role == "assistant" && room(&d.chat[last]) {
		return &d.chat[last]
	}
	d.chat = append(d.chat, openai.Message{Role: "assistant"})
	return &d.chat[len(d.chat)-1]
}
