package openai_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/leathq/leat/services/gateway/internal/openai"
)

const hi = `"model":"m","messages":[{"role":"user","content":"hi"}]`

// refusal decodes a chat body that must be refused and returns the error.
func refusal(t *testing.T, body string) *openai.Error {
	t.Helper()
	r, err := openai.DecodeChat([]byte(body), openai.Limits{})
	var e *openai.Error
	if !errors.As(err, &e) {
		t.Fatalf("DecodeChat(%s) = %+v, %v; want an *openai.Error", body, r, err)
	}
	if e.Status != 400 || e.Type != openai.TypeInvalidRequest {
		t.Errorf("DecodeChat(%s): status %d, type %q", body, e.Status, e.Type)
	}
	return e
}

// Everything that would otherwise be guessed at or ignored is refused, by name.
func TestChatRefusals(t *testing.T) {
	for _, tc := range []struct{ extra, param, code, message string }{
		{`"foo":1`, "foo", openai.CodeUnknownParameter, "Unrecognized request argument supplied: foo"},
		{`"stream":true,"stream_options":{"x":1}`, "stream_options.x", openai.CodeUnknownParameter, "stream_options.x"},
		{`"temperature":"hot"`, "temperature", openai.CodeInvalidType, "expected a number, but got a string"},
		{`"temperature":2.5`, "temperature", openai.CodeDecimalAboveMax, "<= 2, but got 2.5"},
		{`"temperature":-1e999`, "temperature", openai.CodeDecimalBelowMin, ">= 0"},
		{`"temperature":1e999`, "temperature", openai.CodeDecimalAboveMax, "<= 2"},
		{`"top_p":1.1`, "top_p", openai.CodeDecimalAboveMax, "<= 1"},
		{`"repetition_penalty":0`, "repetition_penalty", openai.CodeDecimalBelowMin, "below"},
		{`"frequency_penalty":-2.1`, "frequency_penalty", openai.CodeDecimalBelowMin, ">= -2"},
		{`"presence_penalty":2.1`, "presence_penalty", openai.CodeDecimalAboveMax, "<= 2"},
		{`"n":0`, "n", openai.CodeIntegerBelowMin, ">= 1"},
		{`"n":129`, "n", openai.CodeIntegerAboveMax, "<= 128"},
		{`"n":1.5`, "n", openai.CodeInvalidType, "a decimal number"},
		{`"n":99999999999999999999`, "n", openai.CodeIntegerAboveMax, "<= 128"},
		{`"seed":-99999999999999999999`, "seed", openai.CodeIntegerBelowMin, "seed"},
		{`"max_tokens":0`, "max_tokens", openai.CodeIntegerBelowMin, ">= 1"},
		{`"max_tokens":5,"max_completion_tokens":6`, "max_completion_tokens", openai.CodeInvalidValue, "differs"},
		{`"max_completion_tokens":6,"max_tokens":5`, "max_completion_tokens", openai.CodeInvalidValue, "differs"},
		{`"top_logprobs":3`, "top_logprobs", openai.CodeInvalidValue, "logprobs"},
		{`"logprobs":true,"top_logprobs":21`, "top_logprobs", openai.CodeIntegerAboveMax, "<= 20"},
		{`"logprobs":1`, "logprobs", openai.CodeInvalidType, "a boolean, but got a number"},
		{`"stop":["a","b","c","d","e","f","g","h","i","j","k","l","m","n","o","p","q"]`, "stop", openai.CodeArrayTooLong, "16"},
		{`"stop":["a",""]`, "stop[1]", openai.CodeEmptyString, "stop[1]"},
		{`"stop":["a",1]`, "stop[1]", openai.CodeInvalidType, "a string, but got a number"},
		{`"stop":{}`, "stop", openai.CodeInvalidType, "a string or an array of strings, but got an object"},
		{`"logit_bias":{"the":1}`, "logit_bias", openai.CodeInvalidValue, `"the"`},
		{`"logit_bias":{"01":1}`, "logit_bias", openai.CodeInvalidValue, `"01"`},
		{`"logit_bias":{"5":101}`, "logit_bias.5", openai.CodeDecimalAboveMax, "<= 100"},
		{`"metadata":{"5":7}`, "metadata.5", openai.CodeInvalidType, "a string, but got a number"},
		{`"metadata":{"k":"` + strings.Repeat("é", 513) + `"}`, "metadata.k", openai.CodeStringTooLong, "512"},
		{`"metadata":{"` + strings.Repeat("k", 65) + `":""}`, "metadata", openai.CodeStringTooLong, "64"},
		{`"stream_options":{"include_usage":true}`, "stream_options", openai.CodeInvalidValue, "'stream' is enabled"},
		{`"stream":true,"stream_options":{"include_obfuscation":true}`, "stream_options.include_obfuscation", openai.CodeUnsupportedParameter, "false"},
		{`"functions":[{"name":"f"}]`, "functions", openai.CodeUnsupportedParameter, "[]"},
		{`"store":true`, "store", openai.CodeUnsupportedParameter, "false"},
		{`"service_tier":"flex"`, "service_tier", openai.CodeUnsupportedParameter, "service_tier"},
		{`"modalities":["text","audio"]`, "modalities", openai.CodeUnsupportedParameter, "modalities"},
		{`"best_of":2`, "best_of", openai.CodeUnsupportedParameter, "best_of"},
		{`"reasoning_effort":"low"`, "reasoning_effort", openai.CodeUnsupportedParameter, "Leave it out."},
		{`"temperature":1,"temperature":1`, "temperature", "", "Duplicate key 'temperature'"},
		{`"metadata":{"a":"1","a":"1"}`, "a", "", "Duplicate key 'a'"},
		{`"echo":true`, "echo", openai.CodeUnknownParameter, "echo"},
	} {
		t.Run(tc.extra, func(t *testing.T) {
			e := refusal(t, `{`+hi+`,`+tc.extra+`}`)
			if e.Param != tc.param || e.Code != tc.code || !strings.Contains(e.Message, tc.message) {
				t.Errorf("got %+v, want param %q, code %q and a message with %q", e, tc.param, tc.code, tc.message)
			}
		})
	}
}

func TestMessageRefusals(t *testing.T) {
	for _, tc := range []struct{ messages, param, code string }{
		{`"hi"`, "messages", openai.CodeInvalidType},
		{`[]`, "messages", openai.CodeEmptyArray},
		{`["hi"]`, "messages[0]", openai.CodeInvalidType},
		{`[{"role":"user"}]`, "messages[0].content", openai.CodeMissingParameter},
		{`[{"role":"user","content":null}]`, "messages[0].content", openai.CodeMissingParameter},
		{`[{"content":"x"}]`, "messages[0].role", openai.CodeMissingParameter},
		{`[{"role":"user","content":"x"},{"role":"king","content":"x"}]`, "messages[1].role", openai.CodeInvalidValue},
		{`[{"role":"function","content":"x"}]`, "messages[0].role", openai.CodeUnsupportedValue},
		{`[{"role":null,"content":"x"}]`, "messages[0].role", openai.CodeInvalidType},
		{`[{"role":"user","content":7}]`, "messages[0].content", openai.CodeInvalidType},
		{`[{"role":"user","content":[]}]`, "messages[0].content", openai.CodeEmptyArray},
		{`[{"role":"user","content":[{"text":"x"}]}]`, "messages[0].content[0].type", openai.CodeMissingParameter},
		{`[{"role":"user","content":[{"type":"text"}]}]`, "messages[0].content[0].text", openai.CodeMissingParameter},
		{`[{"role":"user","content":[{"type":"text","text":"a"},{"type":"input_audio","input_audio":{}}]}]`, "messages[0].content[1].type", openai.CodeUnsupportedValue},
		{`[{"role":"user","content":"x","foo":1}]`, "messages[0].foo", openai.CodeUnknownParameter},
	} {
		t.Run(tc.messages, func(t *testing.T) {
			if e := refusal(t, `{"model":"m","messages":`+tc.messages+`}`); e.Param != tc.param || e.Code != tc.code {
				t.Errorf("got %+v, want param %q, code %q", e, tc.param, tc.code)
			}
		})
	}
}

// A syntax error says where it is; nothing is let through that some other parser would read differently.
func TestSyntaxErrors(t *testing.T) {
	for _, tc := range []struct{ name, body, message string }{
		{"cut", `{"model":`, "before the JSON is complete at byte 9 (line 1, column 10)"},
		{"empty", "", "it is empty"},
		{"blank", " \n", "it is empty"},
		{"second line", "{\n\"model\":é}", "at byte 10 (line 2, column 9)"},
		{"column counts characters", "{\"user\":\n\"üé\" x}", "at byte 16 (line 2, column 6)"},
		{"not an object", `[1]`, "Invalid body: expected an object, but got an array"},
		{"trailing", `{` + hi + `} {}`, "there is more after the object"},
		{"trailing garbage", `{` + hi + `}}`, "there is more after the object"},
		{"comma", `{"model":"m",}`, "could not parse"},
		{"single quotes", `{'model':'m'}`, "could not parse"},
		{"NaN", `{"temperature":NaN}`, "could not parse"},
		{"control character", "{\"model\":\"a\nb\"}", "could not parse"},
		{"invalid UTF-8", "{\"model\":\"a\xff\"}", "could not parse"},
		{"lone surrogate", `{"model":"\ud800"}`, "could not parse"},
		{"bom", "\ufeff{}", "could not parse"},
		{"deep", `{"foo":` + strings.Repeat("[", 100), "nested deeper than 32 levels at byte 38"},
		{"deep in messages", `{"messages":[{"content":` + strings.Repeat(`{"a":`, 100), "nested deeper than 32 levels"},
		{"brackets in a string are not depth", `{"foo":"` + strings.Repeat(`[\"`, 100) + `"}`, "Unrecognized request argument supplied: foo"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if e := refusal(t, tc.body); !strings.Contains(e.Message, tc.message) {
				t.Errorf("message %q does not contain %q", e.Message, tc.message)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	for body, param := range map[string]string{
		`{"messages":[{"role":"user","content":"hi"}]}`:              "model",
		`{"model":null,"messages":[{"role":"user","content":"hi"}]}`: "model",
		`{"model":"m"}`:                 "messages",
		`{"model":"m","messages":null}`: "messages",
	} {
		if e := refusal(t, body); e.Param != param || e.Code != openai.CodeMissingParameter {
			t.Errorf("%s: got %+v, want %s missing", body, e, param)
		}
	}
}
