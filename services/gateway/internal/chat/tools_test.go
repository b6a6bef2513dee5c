package chat_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leathq/leat/services/gateway/internal/chat"
)

type toolConversation struct {
	Tools    json.RawMessage
	Messages []struct {
		Role, Content string
		ToolCallID    string `json:"tool_call_id"`
		ToolCalls     []struct {
			ID       string
			Function struct {
				Name      string
				Arguments json.RawMessage
			}
		} `json:"tool_calls"`
	}
}

func (c *toolConversation) messages() (out []chat.Message) {
	for _, m := range c.Messages {
		turn := chat.Message{Role: m.Role, Content: m.Content, ToolCallID: m.ToolCallID}
		for _, call := range m.ToolCalls {
			turn.ToolCalls = append(turn.ToolCalls, chat.ToolCall{ID: call.ID, Name: call.Function.Name, Arguments: string(call.Function.Arguments)})
		}
		out = append(out, turn)
	}
	return out
}

// Tools, calls of them and their results are, byte for byte, what Hugging Face's set-up of Jinja makes of them.
func TestKnownRenderingsWithTools(t *testing.T) {
	var conversations map[string]toolConversation
	readJSON(t, "testdata/tools/conversations.json", &conversations)
	files, err := filepath.Glob("testdata/tools/templates/*.jinja")
	if err != nil || len(files) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".jinja")
		t.Run(name, func(t *testing.T) {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			tmpl, err := chat.Parse(string(source), "<s>", "</s>")
			if err != nil || !tmpl.Tools() {
				t.Fatalf("it knows tools: %v, %v", tmpl.Tools(), err)
			}
			var want []golden
			readJSON(t, filepath.Join("testdata", "tools", "golden", name+".json"), &want)
			if len(want) != 2*len(conversations) {
				t.Fatalf("%d golden renderings for %d conversations: run testdata/render.py", len(want), len(conversations))
			}
			for _, w := range want {
				c := conversations[w.Conversation]
				got, err := tmpl.RenderTools(c.messages(), c.Tools, w.Add, goldenNow)
				compare(t, w, got, err)
			}
		})
	}
}

// Arguments that are no JSON are what they are: a text.
func TestArgumentsThatAreNoJSON(t *testing.T) {
	got, e := render(t, `{{ messages[0].tool_calls[0].function.arguments | tojson }}`,
		[]chat.Message{{Role: "assistant", ToolCalls: []chat.ToolCall{{Name: "f", Arguments: `{"a":`}}}})
	if e != nil || got != `"{\"a\":"` {
		t.Errorf("got %s, %v", got, e)
	}
}
