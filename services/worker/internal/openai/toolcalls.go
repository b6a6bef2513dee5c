package openai

import (
	"encoding/json"
	"fmt"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// toolCalls puts the parts of tool calls into one form, whatever the upstream leaves out: some give no index, no id, the whole
// call at once, the arguments as an object, or the name again with every part.
type toolCalls struct {
	request string // of which ids are made where the upstream gives none
	open    []opened
}

// opened is a call that has begun.
type opened struct{ id string }

// part is a call or a part of one, as servers spell it.
type part struct {
	Index    *int    `json:"index"`
	ID       *string `json:"id"`
	Function struct {
		Name      *string         `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	} `json:"function"`
}

// maxCalls bounds the calls of one answer.
const maxCalls = 1024

// read takes a "tool_calls" array, or its only element: streams of TGI had that once.
func (c *toolCalls) read(raw []byte) ([]engine.ToolCall, error) {
	parts := make([]part, 1)
	into := any(&parts)
	if raw[0] == '{' {
		into = &parts[0]
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return nil, fmt.Errorf("tool_calls: %w", err)
	}
	out := make([]engine.ToolCall, 0, len(parts))
	for i := range parts {
		call, err := c.take(&parts[i])
		if err != nil {
			return nil, err
		}
		out = append(out, call)
	}
	return out, nil
}

func (c *toolCalls) take(p *part) (call engine.ToolCall, err error) {
	if call.Arguments, err = arguments(p.Function.Arguments); err != nil {
		return call, err
	}
	call.Index = c.place(p)
	if call.Index < 0 || call.Index >= maxCalls {
		return call, fmt.Errorf("tool_calls: an index of %d", call.Index)
	}
	if call.Index < len(c.open) {
		return call, nil
	}
	// Upstreams count without gaps; one that does not is made to.
	call.Index = len(c.open)
	if p.ID != nil && *p.ID != "" {
		call.ID = *p.ID
	} else {
		call.ID = fmt.Sprintf("call_%s_%d", c.request, call.Index)
	}
	if p.Function.Name != nil {
		call.Name = *p.Function.Name
	}
	c.open = append(c.open, opened{call.ID})
	return call, nil
}

// place is which call a part belongs to; the number of open calls is a new one.
func (c *toolCalls) place(p *part) int {
	last := len(c.open) - 1
	switch {
	case p.Index != nil:
		return *p.Index
	case p.ID != nil && *p.ID != "":
		for i := range c.open {
			if c.open[i].id == *p.ID {
				return i
			}
		}
		return len(c.open)
	case p.Function.Name != nil && *p.Function.Name != "" || last < 0:
		return len(c.open)
	}
	return last
}

// arguments is their JSON text: servers send it as a string, or as the object itself.
func arguments(raw json.RawMessage) (string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", nil
	}
	if raw[0] != '"' {
		return string(raw), nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return "", fmt.Errorf("arguments of a tool call: %w", err)
	}
	return text, nil
}

// finish is the finish reason of an answer: some servers say "stop" of one that calls tools.
func (c *toolCalls) finish(reason string) string {
	if len(c.open) > 0 && (finishReason(reason) == engine.FinishStop || reason == "tool_use" || reason == "function_call") {
		return string(engine.FinishTools)
	}
	return reason
}
