package openai

// Wishes is what a chat asks for beside words: tools that may be called, and the form of the answer.
type Wishes struct {
	Tools   []Tool
	Choice  ToolChoice
	OneCall bool // parallel_tool_calls is false: at most one call an answer
	Format  Format

	Thinking []byte // Anthropic's thinking, an object as the client sent it, for engines that can
	Mark     string // Anthropic's cache_control of the whole request, a JSON object; see AppendRichExtras
}

// Tool is a function that the model may call.
type Tool struct {
	Name        string // 1 to 64 of a-z, A-Z, 0-9, _ and -
	Description string
	Parameters  []byte // a JSON Schema, an object as the client sent it; nil: the function takes none
	Strict      bool   // the arguments must match the schema; what that asks of the schema is not checked here
	Mark        string // Anthropic's cache_control, a JSON object; see AppendRichExtras
}

// ToolChoice says whether tools are called.
type ToolChoice struct {
	Mode string // auto, none, required or function; empty where not given, which is auto
	Name string // of the function, with that mode
}

// The values of [ToolChoice.Mode].
const (
	ToolAuto     = "auto"
	ToolNone     = "none"
	ToolRequired = "required"
	ToolNamed    = "function"
)

// Format is the form that the answer must have.
type Format struct {
	Type        string // json_object or json_schema; empty: text
	Name        string // of the schema
	Description string
	Schema      []byte // the JSON Schema, an object as the client sent it
	Strict      bool   // the schema follows the rules of OpenAI's strict mode; not checked here
}

// The values of [Format.Type].
const (
	FormatObject = "json_object"
	FormatSchema = "json_schema"
)

// Names tells what an engine must be able to do for these wishes, by the parameter's JSON name. What changes nothing, as
// a choice without tools, is not named.
func (w *Wishes) Names() (names []string) {
	if len(w.Tools) > 0 {
		names = append(names, "tools")
		if w.Choice.Mode != "" && w.Choice.Mode != ToolAuto {
			names = append(names, "tool_choice")
		}
		if w.OneCall {
			names = append(names, "parallel_tool_calls")
		}
	}
	if w.Format.Type != "" {
		names = append(names, "response_format")
	}
	if w.Thinking != nil {
		names = append(names, "thinking")
	}
	return names
}

// AppendExtras appends the wishes as a JSON object with OpenAI's names, for engines that take chats as they are. It
// appends nothing where there is nothing that changes anything.
func AppendExtras(b []byte, w *Wishes) []byte { return appendExtras(b, w, false) }

func appendExtras(b []byte, w *Wishes, rich bool) []byte {
	if len(w.Names()) == 0 {
		return b
	}
	b = append(b, '{')
	if len(w.Tools) > 0 {
		b = append(appendTools(append(b, `"tools":`...), w.Tools, rich), ',')
		if w.Choice.Mode != "" {
			b = append(appendChoice(append(b, `"tool_choice":`...), w.Choice), ',')
		}
		if w.OneCall {
			b = append(b, `"parallel_tool_calls":false,`...)
		}
	}
	if w.Format.Type != "" {
		b = append(appendFormat(append(b, `"response_format":`...), &w.Format), ',')
	}
	if w.Thinking != nil {
		b = append(append(append(b, `"thinking":`...), w.Thinking...), ',')
	}
	b[len(b)-1] = '}'
	return b
}

// AppendTools appends tools as OpenAI's array, which is also what chat templates are given.
func AppendTools(b []byte, tools []Tool) []byte { return appendTools(b, tools, false) }

func appendTools(b []byte, tools []Tool, rich bool) []byte {
	b = append(b, '[')
	for i := range tools {
		t := &tools[i]
		b = appendString(append(comma(b, i), `{"type":"function","function":{"name":`...), t.Name)
		if t.Description != "" {
			b = appendString(append(b, `,"description":`...), t.Description)
		}
		if t.Parameters != nil {
			b = append(append(b, `,"parameters":`...), t.Parameters...)
		}
		if t.Strict {
			b = append(b, `,"strict":true`...)
		}
		b = append(b, '}')
		if rich {
			b = appendMark(b, t.Mark)
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

func appendChoice(b []byte, c ToolChoice) []byte {
	if c.Mode != ToolNamed {
		return appendString(b, c.Mode)
	}
	return append(appendString(append(b, `{"type":"function","function":{"name":`...), c.Name), "}}"...)
}

func appendFormat(b []byte, f *Format) []byte {
	b = appendString(append(b, `{"type":`...), f.Type)
	if f.Type == FormatSchema {
		b = appendString(append(b, `,"json_schema":{"name":`...), f.Name)
		if f.Description != "" {
			b = appendString(append(b, `,"description":`...), f.Description)
		}
		b = append(append(b, `,"schema":`...), f.Schema...)
		if f.Strict {
			b = append(b, `,"strict":true`...)
		}
		b = append(b, '}')
	}
	return append(b, '}')
}
