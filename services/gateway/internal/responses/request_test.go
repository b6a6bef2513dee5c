package responses_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/leathq/leat/services/gateway/internal/openai"
	"github.com/leathq/leat/services/gateway/internal/responses"
)

const hi = `"model":"m","input":"hi"`

// A conversation with everything in it becomes the chat that the older API would have. Items are as an answer had them.
func TestAConversationBecomesAChat(t *testing.T) {
	r, err := responses.Decode([]byte(`{"model":"m","instructions":"Be brief.","input":[
			{"role":"user","content":[{"type":"input_image","image_url":"https://x/y.png","detail":"low","file_id":null},{"type":"input_text","text":"here"}]},
			{"id":"rs_1","type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"hm"}],"encrypted_content":"s","status":null},
			{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"So","annotations":[],"logprobs":[{"token":"So"}]}]},
			{"type":"function_call","id":"fc_1","call_id":"a","name":"f","arguments":"{}","status":"completed"},
			{"type":"function_call","call_id":"b","name":"g","arguments":"{\"x\":1}"},
			{"output":[{"type":"input_text","text":"one"}],"type":"function_call_output","call_id":"b"},
			{"type":"function_call_output","call_id":"a","output":"two"},
			{"role":"developer","content":"and?"}],
		"tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":true},{"type":"function","name":"g","parameters":null}],
		"tool_choice":{"type":"function","name":"g"},"parallel_tool_calls":false,
		"text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object"},"strict":true}},
		"max_output_tokens":9,"temperature":0.5,"top_k":3,"include":["message.output_text.logprobs","reasoning.encrypted_content"],"top_logprobs":2,
		"metadata":{"k":"v"},"user":"u","stream":true,"stream_options":{"include_obfuscation":false},"store":false,"reasoning":{"effort":null}}`), openai.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"role":"system","content":"Be brief."},` +
		`{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/y.png","detail":"low"}},{"type":"text","text":"here"}]},` +
		`{"role":"assistant","content":"So","reasoning_content":"hm","reasoning_signature":"s","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"g","arguments":"{\"x\":1}"}}]},` +
		`{"role":"tool","content":"one","tool_call_id":"b"},{"role":"tool","content":"two","tool_call_id":"a"},{"role":"developer","content":"and?"}]`
	if string(r.RawMessages) != want {
		t.Errorf("messages\n%s, want\n%s", r.RawMessages, want)
	}
	if got := strings.Join(r.Given, " "); got != "temperature top_k tools tool_choice parallel_tool_calls response_format logprobs image_url" {
		t.Errorf("given %s", got)
	}
	if extras := openai.AppendExtras(nil, &r.Wishes); !json.Valid(extras) || !strings.Contains(string(extras), `"parallel_tool_calls":false`) {
		t.Errorf("extras %s", extras)
	}
	if r.MaxTokens != 9 || r.User != "u" || !r.Stream || *r.Temperature != 0.5 || *r.TopK != 3 || r.TopLogprobs != 2 || r.Metadata["k"] != "v" || r.N != 1 {
		t.Errorf("params %+v", r.Params)
	}
}

// What changes nothing needs nothing of the engine, as when an SDK sends its defaults.
func TestNothingIsAskedOfTheEngine(t *testing.T) {
	r, err := responses.Decode([]byte(`{`+hi+`,"store":false,"background":false,"truncation":"disabled","service_tier":"auto","tools":[],"tool_choice":"auto","parallel_tool_calls":true,
		"text":{"format":{"type":"text"}},"include":[],"previous_response_id":null,"reasoning":{"effort":null,"summary":null},"top_logprobs":0,"instructions":null}`), openai.Limits{})
	if err != nil || len(r.Given) > 0 || len(openai.AppendExtras(nil, &r.Wishes)) > 0 {
		t.Errorf("given %+v, %v", r, err)
	}
}

func TestRefusals(t *testing.T) {
	for body, param := range map[string]string{
		`{` + hi + `,"messages":[]}`:                                         "messages",
		`{` + hi + `,"store":true}`:                                          "store",
		`{` + hi + `,"previous_response_id":"resp_1"}`:                       "previous_response_id",
		`{` + hi + `,"conversation":"conv_1"}`:                               "conversation",
		`{` + hi + `,"background":true}`:                                     "background",
		`{` + hi + `,"truncation":"auto"}`:                                   "truncation",
		`{` + hi + `,"reasoning":{"effort":"high"}}`:                         "reasoning",
		`{` + hi + `,"max_output_tokens":0}`:                                 "max_output_tokens",
		`{` + hi + `,"temperature":2.5}`:                                     "temperature",
		`{` + hi + `,"include":["file_search_call.results"]}`:                "include[0]",
		`{` + hi + `,"top_logprobs":3}`:                                      "top_logprobs",
		`{` + hi + `,"tools":[{"type":"web_search"}]}`:                       "tools[0].type",
		`{` + hi + `,"tools":[{"type":"function"}]}`:                         "tools[0].name",
		`{` + hi + `,"tools":[{"type":"function","function":{"name":"f"}}]}`: "tools[0].function",
		`{` + hi + `,"tool_choice":"required"}`:                              "tool_choice",
		`{` + hi + `,"tool_choice":{"type":"function"}}`:                     "tool_choice.name",
		`{` + hi + `,"text":{"verbosity":"high"}}`:                           "text.verbosity",
		`{` + hi + `,"text":{"format":{"type":"json_schema","name":"n"}}}`:   "text.format.schema",
		`{` + hi + `,"text":{"format":{"type":"text","name":"n"}}}`:          "text.format",
		`{` + hi + `,"stream_options":{"include_obfuscation":true}}`:         "stream_options.include_obfuscation",
		`{"input":"x"}`:                                                                                           "model",
		`{"model":"m"}`:                                                                                           "input",
		`{"model":"m","input":7}`:                                                                                 "input",
		`{"model":"m","input":[]}`:                                                                                "input",
		`{"model":"m","input":[{}]}`:                                                                              "input[0].role",
		`{"model":"m","input":[{"role":"user"}]}`:                                                                 "input[0].content",
		`{"model":"m","input":[{"role":"tool","content":"x"}]}`:                                                   "input[0].role",
		`{"model":"m","input":[{"role":"user","content":"x","foo":null}]}`:                                        "input[0].foo",
		`{"model":"m","input":[{"role":"user","content":"x","arguments":"{}"}]}`:                                  "input[0].arguments",
		`{"model":"m","input":[{"type":"item_reference","id":"x"}]}`:                                              "input[0].type",
		`{"model":"m","input":[{"type":"function_call_output","call_id":"a","output":"x"}]}`:                      "input[0].call_id",
		`{"model":"m","input":[{"type":"function_call","call_id":"a","name":"f"}]}`:                               "input[0].arguments",
		`{"model":"m","input":[{"role":"user","content":[{"type":"input_file","file_id":"x"}]}]}`:                 "input[0].content[0].type",
		`{"model":"m","input":[{"role":"user","content":[{"type":"input_image","file_id":"x"}]}]}`:                "input[0].content[0].file_id",
		`{"model":"m","input":[{"role":"user","content":[{"type":"input_image"}]}]}`:                              "input[0].content[0].image_url",
		`{"model":"m","input":[{"role":"user","content":[{"type":"input_text"}]}]}`:                               "input[0].content[0].text",
		`{"model":"m","input":[{"role":"assistant","content":[{"type":"input_image","image_url":"https://x"}]}]}`: "input[0]",
	} {
		_, err := responses.Decode([]byte(body), openai.Limits{})
		var e *openai.Error
		if !errors.As(err, &e) || e.Status != 400 || e.Param != param {
			t.Errorf("%s: %v (%+v), want a refusal of %s", body, err, e, param)
		}
	}
}

// Whatever the bytes: no panic, a refusal is a 400, and what is accepted makes messages of JSON.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{` + hi + `}`))
	f.Add([]byte(`{` + hi + `,"tools":[{"type":"function","name":"f","parameters":{"a":[[[]]]}}],"tool_choice":"required","text":{"format":{"type":"json_object"}}}`))
	f.Add([]byte(`{"model":"m","input":[{"type":"reasoning","summary":[]},{"type":"function_call","call_id":"a","name":"f","arguments":""},{"type":"function_call_output","call_id":"a","output":[]},{"role":"user","content":[{"type":"input_image","image_url":"https://x"}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := responses.Decode(body, openai.Limits{})
		if err != nil {
			var e *openai.Error
			if !errors.As(err, &e) || e.Status != 400 || !json.Valid(openai.AppendError(nil, e)) {
				t.Fatalf("refused %q with %#v", body, err)
			}
			return
		}
		var list []map[string]any
		if err := json.Unmarshal(r.RawMessages, &list); err != nil || len(list) == 0 || len(list) != len(r.Messages) || r.Model == "" {
			t.Fatalf("accepted %q as %s: %v", body, r.RawMessages, err)
		}
		if x := openai.AppendExtras(nil, &r.Wishes); len(x) > 0 && !json.Valid(x) {
			t.Fatalf("extras %s", x)
		}
	})
}
