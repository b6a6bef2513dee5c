package calls

import (
	"strings"

	"github.com/leathq/leat/services/gateway/internal/chat"
	"github.com/leathq/leat/services/gateway/internal/openai"
)

// Explain puts tools into words, in the form of [Hermes], for models whose template has none.
func Explain(tools []openai.Tool) string {
	var b strings.Builder
	b.WriteString("# Tools\n\nYou may call one or more functions to help with the user's request. These are the functions, as JSON, within <tools></tools>:\n<tools>\n")
	for i := range tools {
		line := openai.AppendTools(nil, tools[i:i+1])
		b.Write(line[1 : len(line)-1]) // without the array's brackets
		b.WriteByte('\n')
	}
	b.WriteString("</tools>\n\nTo call a function, answer with a JSON object of its name and its arguments within <tool_call></tool_call>:\n" +
		"<tool_call>\n{\"name\": \"function name\", \"arguments\": {\"argument\": \"value\"}}\n</tool_call>\n" +
		"The results come within <tool_response></tool_response>.")
	return b.String()
}

// Plain makes a conversation that a template without tools can render: the explanation joins the system's message, calls
// are spelled as the model spells them, and results are the user's.
func Plain(messages []chat.Message, explanation string) []chat.Message {
	out := make([]chat.Message, 0, len(messages)+1)
	if explanation != "" {
		first := chat.Message{Role: "system", Content: explanation}
		if len(messages) > 0 && (messages[0].Role == "system" || messages[0].Role == "developer") {
			first.Role, first.Content = messages[0].Role, messages[0].Content+"\n\n"+explanation
			messages = messages[1:]
		}
		out = append(out, first)
	}
	answering := false // the message before was made of results
	for _, m := range messages {
		switch {
		case m.Role == "tool":
			result := "<tool_response>\n" + m.Content + "\n</tool_response>"
			if answering {
				out[len(out)-1].Content += "\n" + result
			} else {
				out = append(out, chat.Message{Role: "user", Content: result})
			}
			answering = true
			continue
		case len(m.ToolCalls) > 0:
			m.Content = join(m.Content, spell(m.ToolCalls))
			m.ToolCalls = nil
		}
		answering = false
		out = append(out, m)
	}
	return out
}

func join(text, calls string) string {
	if text == "" {
		return calls
	}
	return text + "\n" + calls
}

func spell(calls []chat.ToolCall) string {
	parts := make([]string, len(calls))
	for i, c := range calls {
		parts[i] = Hermes.Pre + c.Name + Hermes.Mid + c.Arguments + Hermes.Post
	}
	return strings.Join(parts, Hermes.Sep)
}
