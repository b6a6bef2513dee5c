package openai_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/leathq/leat/services/gateway/internal/openai"
)

const (
	weather   = `{"type":"function","function":{"name":"weather","description":"Of a city","parameters":{"type":"object","properties":{"city":{"type":"string"}}},"strict":true}}`
	clock     = `{"type":"function","function":{"name":"time"}}`
	oneSchema = `{"type":"json_schema","json_schema":{"name":"answer","schema":{"type":"object"},"strict":true}}`
)

func TestWishes(t *testing.T) {
	r := decodeChat(t, `{`+hi+`,"tools":[`+weather+`,`+clock+`],"tool_choice":{"type":"function","function":{"name":"time"}},"parallel_tool_calls":false,"response_format":`+oneSchema+`}`)
	want := openai.Wishes{
		Tools: []openai.Tool{
			{Name: "weather", Description: "Of a city", Parameters: []byte(`{"type":"object","properties":{"city":{"type":"string"}}}`), Strict: true},
			{Name: "time"},
		},
		Choice: openai.ToolChoice{Mode: openai.ToolNamed, Name: "time"}, OneCall: true,
		Format: openai.Format{Type: openai.FormatSchema, Name: "answer", Schema: []byte(`{"type":"object"}`), Strict: true},
	}
	if !reflect.DeepEqual(r.Wishes, want) {
		t.Errorf("got  %+v\nwant %+v", r.Wishes, want)
	}
	if want := []string{"tools", "tool_choice", "parallel_tool_calls", "response_format"}; !slices.Equal(r.Given, want) {
		t.Errorf("given %v, want %v", r.Given, want)
	}
}

// What an engine is told is what the client sent: decoding it again gives the same wishes.
func TestExtrasSayTheSame(t *testing.T) {
	for _, fields := range []string{
		`"tools":[` + weather + `,` + clock + `],"tool_choice":"required"`,
		`"tools":[` + clock + `],"parallel_tool_calls":false,"tool_choice":{"type":"function","function":{"name":"time"}}`,
		`"tools":[` + clock + `],"tool_choice":"auto"`,
		`"response_format":` + oneSchema, `"response_format":{"type":"json_object"}`,
	} {
		r := decodeChat(t, `{`+hi+`,`+fields+`}`)
		extras := openai.AppendExtras(nil, &r.Wishes)
		again := decodeChat(t, `{`+hi+`,`+string(extras[1:]))
		if !reflect.DeepEqual(again.Wishes, r.Wishes) {
			t.Errorf("%s: told as %s", fields, extras)
		}
	}
}

// What changes nothing asks nothing of an engine, and is not told to it.
func TestNeutralWishes(t *testing.T) {
	for _, fields := range []string{
		`"tools":[]`, `"tools":null`, `"tool_choice":"none"`, `"tool_choice":"auto","tools":[]`, `"parallel_tool_calls":false`,
		`"response_format":{"type":"text"}`, `"response_format":null`,
	} {
		r := decodeChat(t, `{`+hi+`,`+fields+`}`)
		if extras := openai.AppendExtras(nil, &r.Wishes); len(r.Given) > 0 || len(extras) > 0 {
			t.Errorf("%s: given %v, extras %s", fields, r.Given, extras)
		}
	}
	if r := decodeChat(t, `{`+hi+`,"tools":[`+clock+`],"tool_choice":"none"}`); !slices.Equal(r.Given, []string{"tools", "tool_choice"}) {
		t.Errorf("tools that may not be called: given %v", r.Given)
	}
}

func TestWishRefusals(t *testing.T) {
	function := func(f string) string { return `"tools":[{"type":"function","function":` + f + `}]` }
	for _, tc := range []struct{ fields, param, code string }{
		{`"tools":{}`, "tools", openai.CodeInvalidType},
		{`"tools":[{"function":{"name":"f"}}]`, "tools[0].type", openai.CodeMissingParameter},
		{`"tools":[{"type":"retrieval"}]`, "tools[0].type", openai.CodeInvalidValue},
		{`"tools":[{"type":"function"}]`, "tools[0].function", openai.CodeMissingParameter},
		{function(`{}`), "tools[0].function.name", openai.CodeMissingParameter},
		{function(`{"name":""}`), "tools[0].function.name", openai.CodeEmptyString},
		{function(`{"name":"a b"}`), "tools[0].function.name", openai.CodeInvalidValue},
		{function(`{"name":"` + strings.Repeat("a", 65) + `"}`), "tools[0].function.name", openai.CodeStringTooLong},
		{function(`{"name":"f","parameters":[]}`), "tools[0].function.parameters", openai.CodeInvalidType},
		{function(`{"name":"f","parameters":{"a":"` + strings.Repeat("x", 3000) + `"}}`), "tools[0].function.parameters", openai.CodeStringTooLong},
		{function(`{"name":"f","strict":1}`), "tools[0].function.strict", openai.CodeInvalidType},
		{function(`{"name":"f","returns":1}`), "tools[0].function.returns", openai.CodeUnknownParameter},
		{`"tools":[` + clock + `,` + clock + `]`, "tools[1].function.name", openai.CodeInvalidValue},
		{`"tools":[` + clock + strings.Repeat(`,{"type":"function","function":{"name":"x"}}`, 1) + `,` + weather + `]`, "tools", openai.CodeArrayTooLong},
		{`"tool_choice":"required"`, "tool_choice", openai.CodeInvalidValue},
		{`"tools":[` + clock + `],"tool_choice":"any"`, "tool_choice", openai.CodeInvalidValue},
		{`"tools":[` + clock + `],"tool_choice":1`, "tool_choice", openai.CodeInvalidType},
		{`"tools":[` + clock + `],"tool_choice":{"type":"function"}`, "tool_choice.function.name", openai.CodeMissingParameter},
		{`"tools":[` + clock + `],"tool_choice":{"function":{"name":"time"}}`, "tool_choice.type", openai.CodeMissingParameter},
		{`"tool_choice":{"type":"function","function":{"name":"weather"}},"tools":[` + clock + `]`, "tool_choice", openai.CodeInvalidValue},
		{`"parallel_tool_calls":1`, "parallel_tool_calls", openai.CodeInvalidType},
		{`"response_format":"json"`, "response_format", openai.CodeInvalidType},
		{`"response_format":{}`, "response_format.type", openai.CodeMissingParameter},
		{`"response_format":{"type":"xml"}`, "response_format.type", openai.CodeInvalidValue},
		{`"response_format":{"type":"json_schema"}`, "response_format.json_schema", openai.CodeMissingParameter},
		{`"response_format":{"type":"json_schema","json_schema":{"schema":{}}}`, "response_format.json_schema.name", openai.CodeMissingParameter},
		{`"response_format":{"type":"json_schema","json_schema":{"name":"a"}}`, "response_format.json_schema.schema", openai.CodeMissingParameter},
		{`"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":true}}`, "response_format.json_schema.schema", openai.CodeInvalidType},
		{`"response_format":{"type":"text","json_schema":{"name":"a","schema":{}}}`, "response_format.json_schema", openai.CodeInvalidValue},
		{function(`{"name":"f","parameters":` + strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat(`}`, 40) + `}`), "", ""},
	} {
		t.Run(tc.fields[:min(len(tc.fields), 60)], func(t *testing.T) {
			_, err := openai.DecodeChat([]byte(`{`+hi+`,`+tc.fields+`}`), openai.Limits{Tools: 2, Schema: 2000})
			e, ok := errors.AsType[*openai.Error](err)
			if !ok || e.Param != tc.param || e.Code != tc.code {
				t.Errorf("got %#v, want param %q, code %q", err, tc.param, tc.code)
			}
		})
	}
}

const asked = `{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"time","arguments":"{}"}}]}`

// A conversation with calls, their results and an image is read, and spelled again as it was.
func TestMessagesWithCalls(t *testing.T) {
	const raw = `[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA==","detail":"low"}},{"type":"text","text":"b"}]},` +
		asked + `,{"role":"tool","content":"12:00","tool_call_id":"call_1"}]`
	r := decodeChat(t, `{"model":"m","messages":`+raw+`}`)
	want := []openai.Message{
		{Role: "user", Content: "a\nb", Parts: []openai.Part{{Text: "a"}, {Image: "data:image/png;base64,AA==", Detail: "low"}, {Text: "b"}}},
		{Role: "assistant", ToolCalls: []openai.ToolCall{{ID: "call_1", Name: "time", Arguments: "{}"}}},
		{Role: "tool", Content: "12:00", ToolCallID: "call_1"},
	}
	if !reflect.DeepEqual(r.Messages, want) {
		t.Errorf("got  %+v\nwant %+v", r.Messages, want)
	}
	if !slices.Equal(r.Given, []string{"image_url"}) {
		t.Errorf("given %v", r.Given)
	}
	var spelled, sent any
	if err := json.Unmarshal(openai.AppendMessages(nil, r.Messages), &spelled); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(raw), &sent); err != nil || !reflect.DeepEqual(spelled, sent) {
		t.Errorf("spelled %v, want %v", spelled, sent)
	}
}

func TestCallRefusals(t *testing.T) {
	call := func(c string) string { return `[{"role":"assistant","tool_calls":[` + c + `]}]` }
	image := func(i string) string {
		return `[{"role":"user","content":[{"type":"image_url","image_url":` + i + `}]}]`
	}
	for _, tc := range []struct{ messages, param, code string }{
		{`[{"role":"tool","content":"x","tool_call_id":"call_1"}]`, "messages[0].role", openai.CodeInvalidValue},
		{`[` + asked + `,{"role":"tool","content":"x"}]`, "messages[1].tool_call_id", openai.CodeMissingParameter},
		{`[` + asked + `,{"role":"tool","content":"x","tool_call_id":"call_2"}]`, "messages[1].tool_call_id", openai.CodeInvalidValue},
		{`[` + asked + `,{"role":"user","content":"x"},{"role":"tool","content":"x","tool_call_id":"call_1"}]`, "messages[2].role", openai.CodeInvalidValue},
		{`[{"role":"user","content":"x","tool_call_id":"call_1"}]`, "messages[0].tool_call_id", openai.CodeInvalidValue},
		{`[{"role":"user","content":"x","tool_calls":[]}]`, "", ""},
		{`[{"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":""}}],"role":"user"}]`, "messages[0].tool_calls", openai.CodeInvalidValue},
		{`[{"role":"assistant","tool_calls":[]}]`, "messages[0].content", openai.CodeMissingParameter},
		{call(`{}`), "messages[0].tool_calls[0].id", openai.CodeMissingParameter},
		{call(`{"id":"c"}`), "messages[0].tool_calls[0].type", openai.CodeMissingParameter},
		{call(`{"id":"c","type":"custom"}`), "messages[0].tool_calls[0].type", openai.CodeInvalidValue},
		{call(`{"id":"c","type":"function","function":{"arguments":""}}`), "messages[0].tool_calls[0].function.name", openai.CodeMissingParameter},
		{call(`{"id":"c","type":"function","function":{"name":"f"}}`), "messages[0].tool_calls[0].function.arguments", openai.CodeMissingParameter},
		{call(`{"id":"c","type":"function","function":{"name":"f","arguments":{}}}`), "messages[0].tool_calls[0].function.arguments", openai.CodeInvalidType},
		{image(`"https://x"`), "messages[0].content[0].image_url", openai.CodeInvalidType},
		{image(`{}`), "messages[0].content[0].image_url.url", openai.CodeMissingParameter},
		{image(`{"url":"ftp://x"}`), "messages[0].content[0].image_url.url", openai.CodeInvalidValue},
		{image(`{"url":"data:text/plain;base64,AA=="}`), "messages[0].content[0].image_url.url", openai.CodeInvalidValue},
		{image(`{"url":"https://x","detail":"huge"}`), "messages[0].content[0].image_url.detail", openai.CodeInvalidValue},
		{`[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x"}},{"type":"image_url","image_url":{"url":"https://x"}},{"type":"image_url","image_url":{"url":"https://x"}}]}]`, "messages", openai.CodeArrayTooLong},
		{`[{"role":"user","content":[{"type":"image_url"}]}]`, "messages[0].content[0].image_url", openai.CodeMissingParameter},
		{`[{"role":"system","content":[{"type":"image_url","image_url":{"url":"https://x"}}]}]`, "messages[0]", openai.CodeInvalidValue},
		{`[{"role":"user","content":[{"type":"text","text":"a","image_url":{"url":"https://x"}}]}]`, "messages[0].content[0]", openai.CodeInvalidValue},
	} {
		t.Run(tc.messages, func(t *testing.T) {
			_, err := openai.DecodeChat([]byte(`{"model":"m","messages":`+tc.messages+`}`), openai.Limits{Images: 2})
			if tc.param == "" && err == nil {
				return
			}
			e, ok := errors.AsType[*openai.Error](err)
			if !ok || e.Param != tc.param || e.Code != tc.code {
				t.Errorf("got %#v, want param %q, code %q", err, tc.param, tc.code)
			}
		})
	}
}

func TestAddToolCall(t *testing.T) {
	var calls []openai.ToolCall
	for _, p := range []openai.ToolCall{{ID: "a", Name: "f"}, {Arguments: "{"}, {Index: 1, ID: "b", Name: "g", Arguments: "{}"}, {Arguments: "}"}} {
		calls = openai.AddToolCall(calls, &p)
	}
	if want := []openai.ToolCall{{ID: "a", Name: "f", Arguments: "{}"}, {Index: 1, ID: "b", Name: "g", Arguments: "{}"}}; !slices.Equal(calls, want) {
		t.Errorf("got %+v", calls)
	}
}
