package anthropic_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/leathq/leat/services/gateway/internal/anthropic"
	"github.com/leathq/leat/services/gateway/internal/openai"
)

const hi = `"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]`

// said is a request with these messages.
func said(messages string) string { return `{"model":"m","max_tokens":9,"messages":` + messages + `}` }

// A conversation with everything in it becomes the chat that OpenAI's API would have.
func TestAConversationBecomesAChat(t *testing.T) {
	r, err := anthropic.Decode([]byte(`{"model":"m","max_tokens":9,
		"system":[{"type":"text","text":"Be","cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"text","text":"brief."}],
		"messages":[
			{"role":"user","content":"Look"},
			{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aGk="}},{"type":"text","text":"here"}]},
			{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"So"},
				{"type":"tool_use","id":"a","name":"f","input":{"x":[1,{}]}},{"type":"tool_use","id":"b","name":"g","input":{}}]},
			{"role":"user","content":[{"content":[{"type":"text","text":"one"}],"tool_use_id":"b","type":"tool_result"},
				{"type":"tool_result","tool_use_id":"a","content":"two","is_error":true},{"type":"text","text":"and?"}]}],
		"tools":[{"name":"f","description":"d","input_schema":{"type":"object"}},{"type":"custom","name":"g","input_schema":{}}],
		"tool_choice":{"type":"tool","name":"g","disable_parallel_tool_use":true},"thinking":{"type":"enabled","budget_tokens":2048},
		"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}},"stop_sequences":["x"],"metadata":{"user_id":"u"},
		"temperature":0.5,"top_p":1,"top_k":3,"stream":true,"service_tier":"auto"}`), openai.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"role":"system","content":"Be\nbrief."},` +
		`{"role":"user","content":[{"type":"text","text":"Look"},{"type":"image_url","image_url":{"url":"data:image/png;base64,aGk="}},{"type":"text","text":"here"}]},` +
		`{"role":"assistant","content":"So","reasoning_content":"hm","reasoning_signature":"s","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":[1,{}]}"}},{"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]},` +
		`{"role":"tool","content":"one","tool_call_id":"b"},{"role":"tool","content":"Error: two","tool_call_id":"a"},{"role":"user","content":"and?"}]`
	if string(r.RawMessages) != want {
		t.Errorf("messages\n%s, want\n%s", r.RawMessages, want)
	}
	if got := strings.Join(r.Given, " "); got != "stop temperature top_k tools tool_choice parallel_tool_calls response_format thinking image_url" {
		t.Errorf("given %s", got)
	}
	extras := string(openai.AppendExtras(nil, &r.Wishes))
	if !json.Valid([]byte(extras)) || !strings.Contains(extras, `"thinking":{"type":"enabled","budget_tokens":2048}`) || !strings.Contains(extras, `"tool_choice":{"type":"function","function":{"name":"g"}}`) {
		t.Errorf("extras %s", extras)
	}
	if r.MaxTokens != 9 || r.User != "u" || !r.Stream || *r.Temperature != 0.5 || *r.TopK != 3 || !reflect.DeepEqual(r.Stop, []string{"x"}) || r.N != 1 {
		t.Errorf("params %+v", r.Params)
	}
}

// What the engine is not asked for needs nothing of it.
func TestNothingIsAskedOfTheEngine(t *testing.T) {
	r, err := anthropic.Decode([]byte(`{`+hi+`,"thinking":{"type":"disabled"},"cache_control":{"type":"ephemeral"},"tools":[],"tool_choice":{"type":"auto"},"stop_sequences":[],"top_k":0,"mcp_servers":[],"system":null}`), openai.Limits{})
	if err != nil || len(r.Given) > 0 || len(openai.AppendExtras(nil, &r.Wishes)) > 0 {
		t.Errorf("given %v, %v", r, err)
	}
}

func TestACountNeedsNoMaxTokens(t *testing.T) {
	body := []byte(`{"model":"m","messages":[{"role":"user","content":"hi"}]}`)
	if _, err := anthropic.DecodeCount(body, openai.Limits{}); err != nil {
		t.Error(err)
	}
	if _, err := anthropic.Decode(body, openai.Limits{}); err == nil {
		t.Error("a message without max_tokens was taken")
	}
}

func TestRefusals(t *testing.T) {
	result := func(rest string) string {
		return said(`[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]},{"role":"user","content":[` + rest + `]}]`)
	}
	for body, param := range map[string]string{
		`{` + hi + `,"n":2}`:                                                                                                        "n",
		`{` + hi + `,"temperature":1.5}`:                                                                                            "temperature",
		`{` + hi + `,"stop_sequences":[""]}`:                                                                                        "stop_sequences[0]",
		`{` + hi + `,"mcp_servers":[{}]}`:                                                                                           "mcp_servers",
		`{` + hi + `,"thinking":{"type":"enabled","budget_tokens":9}}`:                                                              "thinking.budget_tokens",
		`{` + hi + `,"thinking":{"type":"on"}}`:                                                                                     "thinking.type",
		`{` + hi + `,"tools":[{"type":"bash_20250124","name":"bash"}]}`:                                                             "tools[0].type",
		`{` + hi + `,"tools":[{"name":"f"}]}`:                                                                                       "tools[0].input_schema",
		`{` + hi + `,"tools":[{"name":"f","input_schema":{}},{"name":"f","input_schema":{}}]}`:                                      "tools[1].name",
		`{` + hi + `,"tool_choice":{"type":"any"}}`:                                                                                 "tool_choice",
		`{` + hi + `,"tool_choice":{"type":"auto","name":"f"}}`:                                                                     "tool_choice.name",
		`{` + hi + `,"tools":[{"name":"f","input_schema":{}}],"tool_choice":{"type":"tool","name":"g"}}`:                            "tool_choice.name",
		`{` + hi + `,"system":[{"type":"image","source":{"type":"url","url":"https://x/y.png"}}]}`:                                  "system[0]",
		`{` + hi + `,"cache_control":{"ttl":"5m"}}`:                                                                                 "cache_control.type",
		`{` + hi + `,"metadata":{"session":"x"}}`:                                                                                   "metadata.session",
		`{` + hi + `,"output_config":{"effort":"high"}}`:                                                                            "output_config.effort",
		`{"model":"m","max_tokens":0,"messages":[]}`:                                                                                "max_tokens",
		`{"max_tokens":1,"messages":[{"role":"user","content":"x"}]}`:                                                               "model",
		`{"model":"m","max_tokens":1}`:                                                                                              "messages",
		said(`[]`):                                                                                                                  "messages",
		said(`[{"role":"user","content":[]}]`):                                                                                      "messages[0].content",
		said(`[{"role":"system","content":"x"}]`):                                                                                   "messages[0].role",
		said(`[{"role":"user"}]`):                                                                                                   "messages[0].content",
		said(`[{"role":"user","content":"x"},{"role":"assistant","content":"{"}]`):                                                  "messages",
		said(`[{"role":"user","content":[{"text":"x"}]}]`):                                                                          "messages[0].content[0].type",
		said(`[{"role":"user","content":[{"type":"document","source":{}}]}]`):                                                       "messages[0].content[0].type",
		said(`[{"role":"user","content":[{"type":"text","text":"x","id":"y"}]}]`):                                                   "messages[0].content[0].id",
		said(`[{"role":"user","content":[{"type":"thinking","thinking":"x","signature":""}]}]`):                                     "messages[0].content[0]",
		said(`[{"role":"user","content":[{"type":"image","source":{"type":"base64","data":"aGk="}}]}]`):                             "messages[0].content[0].source.media_type",
		said(`[{"role":"user","content":[{"type":"tool_result","tool_use_id":"a"}]}]`):                                              "messages[0].content[0].tool_use_id",
		result(`{"type":"text","text":"x"},{"type":"tool_result","tool_use_id":"a"}`):                                               "messages[2].content[1]",
		result(`{"type":"tool_result","tool_use_id":"b"}`):                                                                          "messages[2].content[0].tool_use_id",
		result(`{"type":"tool_result","tool_use_id":"a"},{"type":"tool_result","tool_use_id":"a"}`):                                 "messages[2].content[1].tool_use_id",
		result(`{"type":"tool_result","tool_use_id":"a","content":[{"type":"image","source":{"type":"url","url":"https://x/y"}}]}`): "messages[2].content[0].content[0]",
	} {
		_, err := anthropic.Decode([]byte(body), openai.Limits{})
		var e *openai.Error
		if !errors.As(err, &e) || e.Status != 400 || e.Param != param || !strings.Contains(e.Message, strings.TrimSuffix(param, "[0]")) {
			t.Errorf("%s: %v (param %q), want a refusal of %s", body, err, paramOf(e), param)
		}
	}
}

func paramOf(e *openai.Error) string {
	if e == nil {
		return ""
	}
	return e.Param
}

// Whatever the bytes: no panic, a refusal is a 400, and what is accepted makes messages of JSON.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{` + hi + `}`))
	f.Add([]byte(`{` + hi + `,"tools":[{"name":"f","input_schema":{"a":[[[]]]}}],"tool_choice":{"type":"any"},"thinking":{"type":"enabled"}}`))
	f.Add([]byte(said(`[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://x"}}]},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","is_error":true}]}]`)))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := anthropic.Decode(body, openai.Limits{})
		if err != nil {
			var e *openai.Error
			if !errors.As(err, &e) || e.Status != 400 || !json.Valid(anthropic.AppendError(nil, e, "req_1")) {
				t.Fatalf("refused %q with %#v", body, err)
			}
			return
		}
		var list []map[string]any
		if err := json.Unmarshal(r.RawMessages, &list); err != nil || len(list) == 0 || len(list) != len(r.Messages) || r.MaxTokens < 1 || r.Model == "" {
			t.Fatalf("accepted %q as %s: %v", body, r.RawMessages, err)
		}
		if err := openai.CheckMessages(r.RawMessages); err != nil {
			t.Fatalf("accepted %q as %s, which a chat refuses: %v", body, r.RawMessages, err)
		}
		if x := openai.AppendExtras(nil, &r.Wishes); len(x) > 0 && !json.Valid(x) {
			t.Fatalf("extras %s", x)
		}
	})
}
