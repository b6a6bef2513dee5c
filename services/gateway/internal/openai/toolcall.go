package openai

// ToolCall is a call of a tool that the model wants made, or a part of one. Parts with the same Index add up to one call.
type ToolCall struct {
	Index     int    // which call of the answer: 0, 1, 2, …
	ID        string // on the first part
	Name      string // on the first part
	Arguments string // JSON text, or the next piece of it
}

// appendContent appends a message's content: null where there are calls and no text.
func appendContent(b []byte, text string, calls bool) []byte {
	if text == "" && calls {
		return append(b, "null"...)
	}
	return appendString(b, text)
}

// appendToolCalls appends the member of a message that holds whole calls, or nothing where there are none.
func appendToolCalls(b []byte, calls []ToolCall) []byte {
	if len(calls) == 0 {
		return b
	}
	b = append(b, `,"tool_calls":[`...)
	for i := range calls {
		t := &calls[i]
		b = appendString(append(comma(b, i), `{"id":`...), t.ID)
		b = appendString(append(b, `,"type":"function","function":{"name":`...), t.Name)
		b = append(appendString(append(b, `,"arguments":`...), t.Arguments), "}}"...)
	}
	return append(b, ']')
}

// AddToolCall adds a part of a call to those that came before: it begins a call where the index is new.
func AddToolCall(calls []ToolCall, part *ToolCall) []ToolCall {
	for i := range calls {
		if c := &calls[i]; c.Index == part.Index {
			c.Arguments += part.Arguments
			if c.ID == "" {
				c.ID = part.ID
			}
			if c.Name == "" {
				c.Name = part.Name
			}
			return calls
		}
	}
	return append(calls, *part)
}
