package gateway

import (
	"strconv"

	"github.com/zeebo/xxh3"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/services/gateway/internal/calls"
	"github.com/leathq/leat/services/gateway/internal/chat"
	"github.com/leathq/leat/services/gateway/internal/flight"
	"github.com/leathq/leat/services/gateway/internal/openai"
)

// can tells whether a parameter is honoured: by the engine itself, or, where it takes text and heeds grammars, by what the
// gateway makes of the parameter.
func (m *served) can(name string) bool {
	switch name {
	case "tools", "tool_choice", "parallel_tool_calls", "response_format":
		return m.params[name] || m.GetChat() == "template" && m.params["grammar"]
	}
	return m.params[name]
}

// imageTokens is what an image counts for in a router's books: the order of what models make of one, whatever its bytes.
const imageTokens = 1000

// imagery is the images of a chat: how many, and the bytes of their URLs.
type imagery struct{ count, bytes int }

func imageryOf(messages []openai.Message) (im imagery) {
	for i := range messages {
		for _, p := range messages[i].Parts {
			if p.Image != "" {
				im.count++
				im.bytes += len(p.Image)
			}
		}
	}
	return im
}

// constrain holds the answer to what the call wishes, where the engine takes text.
func (c *call) constrain(m *served) error {
	if m.template == nil || len(c.wishes.Names()) == 0 {
		return nil
	}
	rule, err := calls.Grammar(m.calls, &c.wishes)
	if err == nil && rule.Grammar != "" && c.template.Grammar != "" {
		return errs.Field("grammar", "invalid_value", "A grammar cannot be given together with tools that may be called or a response_format: both say what the answer must match.")
	}
	if err != nil || rule.Grammar == "" {
		return err
	}
	c.template.Grammar, c.template.GrammarTrigger = rule.Grammar, rule.Trigger
	return nil
}

// holds names the parameter that became the grammar of the answer, or is empty.
func (c *call) holds(m *served) string {
	switch {
	case m.template == nil:
		return ""
	case c.wishes.Format.Type != "":
		return "response_format"
	case len(c.wishes.Tools) > 0:
		return "tools"
	}
	return ""
}

// prompt renders the messages, and the tools where there are some: by the template itself where it spells calls in a form
// that is understood, else in words.
func (c *call) prompt(m *served, open bool) (string, error) {
	messages, tools := c.messages, []byte(nil)
	switch {
	case m.spellsCalls && len(c.wishes.Tools) > 0:
		tools = openai.AppendTools(nil, c.wishes.Tools)
	case !m.spellsCalls && (len(c.wishes.Tools) > 0 || toldOfCalls(messages)):
		explanation := ""
		if len(c.wishes.Tools) > 0 {
			explanation = calls.Explain(c.wishes.Tools)
		}
		messages = calls.Plain(messages, explanation)
	}
	return m.template.RenderTools(messages, tools, open, nil)
}

func toldOfCalls(messages []chat.Message) bool {
	for i := range messages {
		if len(messages[i].ToolCalls) > 0 || messages[i].Role == "tool" {
			return true
		}
	}
	return false
}

// parsers are what takes calls out of the choices' texts; nil where there are none to be found.
func (c *call) parsers(m *served, choices int) []*calls.Parser {
	if m.template == nil || len(c.wishes.Tools) == 0 || c.wishes.Choice.Mode == openai.ToolNone {
		return nil
	}
	names := make([]string, len(c.wishes.Tools))
	for i := range names {
		names[i] = c.wishes.Tools[i].Name
	}
	out := make([]*calls.Parser, choices)
	for i := range out {
		out[i] = calls.NewParser(m.calls, names, callIDs(c.id+"/"+strconv.Itoa(i), m.calls.ShortIDs))
	}
	return out
}

// callIDs makes the ids of one choice's calls, the same whenever the same request is answered.
func callIDs(choice string, short bool) func(i int) string {
	const letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return func(i int) string {
		h := xxh3.HashString128(choice + "/" + strconv.Itoa(i))
		var id [20]byte
		for j := range 10 {
			id[j], id[10+j] = letters[h.Lo%62], letters[h.Hi%62]
			h.Lo, h.Hi = h.Lo/62, h.Hi/62
		}
		if short {
			return string(id[:9])
		}
		return "call_" + string(id[:])
	}
}

// find takes calls out of a delta's text. What may become one waits for the next delta.
func find(p *calls.Parser, d *flight.Delta) {
	text, parts := p.Feed(d.Text)
	if d.End != nil {
		rest, cut := p.End()
		text, parts = text+rest, append(parts, cut...)
		if d.End.Finish == "stop" && p.Complete() > 0 {
			d.End.Finish = "tool_calls"
		}
	}
	d.Text = text
	if len(parts) > 0 {
		x := extraOf(d)
		x.ToolCalls = append(x.ToolCalls, parts...)
	}
}

// spelled is a chat as an engine takes it that reads messages: with marks of what is to be cached, and reasoning in
// several blocks, where it knows of them.
func (c *call) spelled(m *served) (messages, extras []byte) {
	if !m.params["cache_control"] {
		return c.raw, openai.AppendExtras(nil, &c.wishes)
	}
	if messages = c.rich; messages == nil {
		messages = c.raw
	}
	return messages, openai.AppendRichExtras(nil, &c.wishes)
}
