package calls_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/gbnf"
	"github.com/leathq/leat/services/gateway/internal/calls"
	"github.com/leathq/leat/services/gateway/internal/chat"
	"github.com/leathq/leat/services/gateway/internal/openai"
)

var tools = []openai.Tool{
	{Name: "weather", Description: "of a city", Parameters: []byte(`{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}`)},
	{Name: "time"},
}

func rule(t *testing.T, f *calls.Format, w openai.Wishes) (calls.Rule, *gbnf.Grammar) {
	t.Helper()
	r, err := calls.Grammar(f, &w)
	if err != nil {
		t.Fatal(err)
	}
	if r.Grammar == "" {
		return r, nil
	}
	g, err := gbnf.Parse(r.Grammar)
	if err != nil {
		t.Fatalf("%v in\n%s", err, r.Grammar)
	}
	return r, g
}

func spelled(f *calls.Format, list ...string) string {
	each := make([]string, len(list)/2)
	for i := range each {
		each[i] = f.Pre + list[2*i] + f.Mid + list[2*i+1] + f.Post
	}
	return f.Begin + strings.Join(each, f.Sep) + f.End
}

// What a grammar lets a model say is what the parser finds, in every format; and nothing else can be said.
func TestGrammarsOfFormats(t *testing.T) {
	for _, f := range formats {
		t.Run(f.Name, func(t *testing.T) {
			one, two := spelled(f, "weather", `{"city":"Rome"}`), spelled(f, "time", "{}", "weather", `{"city": "é\""}`)
			r, g := rule(t, f, openai.Wishes{Tools: tools, Choice: openai.ToolChoice{Mode: openai.ToolRequired}})
			if r.Trigger != "" || !g.Match(one) || g.Match(two) == f.Single {
				t.Errorf("required: %+v", r)
			}
			for _, bad := range []string{"", "Sure.", one + "x", spelled(f, "rm", "{}"), spelled(f, "time", `{"a":1}`), spelled(f, "weather", `{}`), spelled(f, "weather", `{"city":1}`)} {
				if g.Match(bad) {
					t.Errorf("%q may be said", bad)
				}
			}
			for _, text := range []string{one, two} {
				p := newParser(f)
				if said, list := parse(p, text, 3); said != "" || len(list) != p.Complete() || !f.Single && len(list) == 0 {
					t.Errorf("%q is parsed to %q and %v", text, said, list)
				}
			}
			if !strings.HasPrefix(one, f.Mark) {
				t.Errorf("calls begin with %q, not with the mark %q", one, f.Mark)
			}
		})
	}
}

func TestChoices(t *testing.T) {
	f := calls.Hermes
	one, two := spelled(f, "time", "{}"), spelled(f, "time", "{}", "time", "{}")
	other := spelled(f, "weather", `{"city":"Rome"}`)
	format := openai.Format{Type: openai.FormatSchema, Name: "x", Schema: []byte(`{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}`)}
	for _, tc := range []struct {
		name    string
		wishes  openai.Wishes
		trigger string
		yes, no []string
	}{
		{"nothing", openai.Wishes{}, "", nil, nil},
		{"auto", openai.Wishes{Tools: tools}, "<tool_call>", []string{one, two, other}, []string{"text"}},
		{"none", openai.Wishes{Tools: tools, Choice: openai.ToolChoice{Mode: openai.ToolNone}}, "", nil, nil},
		{"required", openai.Wishes{Tools: tools, Choice: openai.ToolChoice{Mode: openai.ToolRequired}}, "", []string{one, two, other}, []string{"text"}},
		{"one call", openai.Wishes{Tools: tools, OneCall: true, Choice: openai.ToolChoice{Mode: openai.ToolRequired}}, "", []string{one, other}, []string{two}},
		{"one call at most", openai.Wishes{Tools: tools, OneCall: true}, "<tool_call>", []string{one}, []string{two}},
		{"named", openai.Wishes{Tools: tools, Choice: openai.ToolChoice{Mode: openai.ToolNamed, Name: "time"}}, "", []string{one}, []string{two, other}},
		{"an object", openai.Wishes{Format: openai.Format{Type: openai.FormatObject}}, "", []string{`{}`, `{"a": [1,"x"]}`}, []string{`[]`, ` {}`, `{} `}},
		{"a schema", openai.Wishes{Format: format}, "", []string{`{"a":1}`}, []string{`{}`, one}},
		{"a schema or calls", openai.Wishes{Tools: tools, Format: format}, "", []string{`{"a":1}`, one, two}, []string{`{}`, "text"}},
		{"calls although there is a schema", openai.Wishes{Tools: tools, Format: format, Choice: openai.ToolChoice{Mode: openai.ToolRequired}}, "", []string{one}, []string{`{"a":1}`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, g := rule(t, f, tc.wishes)
			if r.Trigger != tc.trigger || (g == nil) != (tc.yes == nil) {
				t.Fatalf("got %+v", r)
			}
			for _, text := range tc.yes {
				if !g.Match(text) {
					t.Errorf("%q may not be said", text)
				}
			}
			for _, text := range tc.no {
				if g.Match(text) {
					t.Errorf("%q may be said", text)
				}
			}
		})
	}
}

// A schema's fault is told in OpenAI's words, with the parameter that has it.
func TestSchemaRefusals(t *testing.T) {
	function := func(s string, strict bool) openai.Wishes {
		return openai.Wishes{Tools: []openai.Tool{{Name: "ok"}, {Name: "f", Parameters: []byte(s), Strict: strict}}}
	}
	for _, tc := range []struct {
		wishes               openai.Wishes
		param, code, message string
	}{
		{function(`{"type":"object","properties":{"a":{"not":{}}}}`, false), "tools[1].function.parameters", "invalid_function_parameters",
			"Invalid schema for function 'f': In context=('properties', 'a'), 'not' is not supported. Say what is allowed."},
		{function(`{"type":"object","properties":{}}`, true), "tools[1].function.parameters", "invalid_function_parameters",
			"Invalid schema for function 'f': In context=(), 'additionalProperties' is required to be supplied and to be false."},
		{function(`{"type":"string"}`, false), "tools[1].function.parameters", "invalid_function_parameters",
			"Invalid schema for function 'f': schema must be a JSON Schema of 'type: \"object\"'."},
		{openai.Wishes{Format: openai.Format{Type: openai.FormatSchema, Name: "x", Schema: []byte(`{"type":"object","minProperties":1}`)}}, "response_format", "invalid_json_schema",
			"Invalid schema for response_format 'x': In context=(), 'minProperties' is not supported. List the members that there must be in required."},
		{openai.Wishes{Format: openai.Format{Type: openai.FormatSchema, Name: "x", Schema: []byte(`{"type":"object","properties":{"a":false},"required":["a"]}`)}}, "response_format", "invalid_json_schema",
			"Invalid schema for response_format 'x': no value can match it: something that is required contains itself without an end, or cannot be."},
	} {
		_, err := calls.Grammar(calls.Hermes, &tc.wishes)
		var e *openai.Error
		if !errors.As(err, &e) || e.Param != tc.param || e.Code != tc.code || e.Message != tc.message || e.Status != 400 {
			t.Errorf("got %+v, want %s, %s, %s", err, tc.param, tc.code, tc.message)
		}
	}
}

// The formats are told by the templates of their models; a template without tools, or of an unknown form, is told in words.
func TestFormatsByTemplate(t *testing.T) {
	for name, want := range map[string]*calls.Format{"hermes": calls.Hermes, "llama3": calls.Llama3, "mistral": calls.Mistral} {
		source, err := os.ReadFile(filepath.Join("..", "chat", "testdata", "tools", "templates", name+".jinja"))
		if err != nil {
			t.Fatal(err)
		}
		if f, native := calls.Of(string(source)); f != want || !native {
			t.Errorf("%s: got %s, %v", name, f.Name, native)
		}
	}
	for _, source := range []string{"{{ messages }}", "{% for t in tools %}<function={{ t.name }}>{% endfor %}"} {
		if f, native := calls.Of(source); f != calls.Hermes || native {
			t.Errorf("%s: got %s, %v", source, f.Name, native)
		}
	}
	if f, native := calls.Of("{% if tools %}[TOOL_CALLS]{{ name }}[ARGS]{% endif %}"); f != calls.MistralArgs || !native {
		t.Errorf("got %s, %v", f.Name, native)
	}
}

func TestPlainConversation(t *testing.T) {
	history := []chat.Message{
		{Role: "system", Content: "Be brief."}, {Role: "user", Content: "hi"},
		{Role: "assistant", Content: "Well.", ToolCalls: []chat.ToolCall{{ID: "1", Name: "time", Arguments: "{}"}, {ID: "2", Name: "weather", Arguments: `{"city":"x"}`}}},
		{Role: "tool", Content: "12:00", ToolCallID: "1"}, {Role: "tool", Content: "rain", ToolCallID: "2"}, {Role: "user", Content: "thanks"},
	}
	got := calls.Plain(history, calls.Explain(tools))
	if len(got) != 5 || got[0].Role != "system" || !strings.HasPrefix(got[0].Content, "Be brief.\n\n# Tools") ||
		!strings.Contains(got[0].Content, `{"type":"function","function":{"name":"time"}}`) {
		t.Fatalf("got %+v", got)
	}
	want := "Well.\n<tool_call>\n{\"name\": \"time\", \"arguments\": {}}\n</tool_call>\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\":\"x\"}}\n</tool_call>"
	if got[2].Content != want || got[2].ToolCalls != nil {
		t.Errorf("calls: %q", got[2].Content)
	}
	if got[3].Role != "user" || got[3].Content != "<tool_response>\n12:00\n</tool_response>\n<tool_response>\nrain\n</tool_response>" {
		t.Errorf("results: %+v", got[3])
	}
	if fmt.Sprint(history[2].ToolCalls) == "[]" {
		t.Error("the history was changed")
	}
	if first := calls.Plain(history[1:2], "tools")[0]; first.Role != "system" || first.Content != "tools" {
		t.Errorf("without a system message: %+v", first)
	}
}
