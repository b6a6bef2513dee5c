package openai_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/leathq/leat/services/gateway/internal/openai"
)

func ptr[T any](v T) *T { return &v }

func decodeChat(t *testing.T, body string) *openai.ChatRequest {
	t.Helper()
	r, err := openai.DecodeChat([]byte(body), openai.Limits{})
	if err != nil {
		t.Fatalf("DecodeChat(%s): %v", body, err)
	}
	return r
}

func TestChatEveryField(t *testing.T) {
	const raw = `[ {"role":"system","content":"é\n\u00e9"},{"role":"user","content":[{"type":"text","text":"a"},{"text":"b","type":"text"}],"name":"bob"} ]`
	r := decodeChat(t, `{"model":"m","messages" : `+raw+`,"temperature":0,"top_p":0.5,"top_k":4e1,"min_p":0.1,
		"frequency_penalty":-1,"presence_penalty":1,"repetition_penalty":1.1,"logit_bias":{"0":-100,"50256":2.5},
		"seed":-9223372036854775808,"stop":"END","ignore_eos":true,"grammar":"root ::= \"é\"","logprobs":true,"top_logprobs":0,"n":2,
		"max_tokens":7,"max_completion_tokens":7,"stream":true,"stream_options":{"include_usage":true},"user":"u","metadata":{"k":"v"}}`)
	want := openai.Params{
		Model: "m", Stream: true, IncludeUsage: true, N: 2, MaxTokens: 7, Stop: []string{"END"},
		Temperature: ptr(0.0), TopP: ptr(0.5), TopK: ptr(40), MinP: ptr(0.1), FrequencyPenalty: ptr(-1.0),
		PresencePenalty: ptr(1.0), RepetitionPenalty: ptr(1.1), LogitBias: map[int32]float64{0: -100, 50256: 2.5},
		Seed: ptr(int64(-9223372036854775808)), IgnoreEOS: true, Grammar: `root ::= "é"`, Logprobs: true, User: "u", Metadata: map[string]string{"k": "v"},
		Given: []string{"temperature", "top_p", "top_k", "min_p", "frequency_penalty", "presence_penalty", "repetition_penalty",
			"logit_bias", "seed", "stop", "ignore_eos", "grammar", "logprobs", "top_logprobs"},
	}
	if !sameExported(r.Params, want) {
		t.Errorf("got  %+v\nwant %+v", r.Params, want)
	}
	messages := []openai.Message{{Role: "system", Content: "é\né"}, {Role: "user", Content: "a\nb", Name: "bob"}}
	if !reflect.DeepEqual(r.Messages, messages) {
		t.Errorf("messages %+v, want %+v", r.Messages, messages)
	}
	if string(r.RawMessages) != raw {
		t.Errorf("raw messages %s, want %s", r.RawMessages, raw)
	}
}

// sameExported compares field by field, so that what the decoder keeps for itself does not matter.
func sameExported(a, b openai.Params) bool {
	va, vb := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range va.NumField() {
		if va.Type().Field(i).IsExported() && !reflect.DeepEqual(va.Field(i).Interface(), vb.Field(i).Interface()) {
			return false
		}
	}
	return true
}

// What SDKs and frameworks send unasked changes nothing, so it is accepted and asks nothing of the engine.
func TestNeutralValues(t *testing.T) {
	for _, extra := range []string{
		`"tools":[]`, `"tools":null`, `"tools":[ ]`, `"functions":[]`, `"tool_choice":"none"`, `"parallel_tool_calls":true`,
		`"response_format":{ "type" : "text" }`, `"store":false`, `"service_tier":"auto"`, `"modalities":["text"]`,
		`"best_of":1`, `"suffix":null`, `"audio":null`, `"top_p":1`, `"min_p":0`, `"top_k":-1`, `"frequency_penalty":0`,
		`"presence_penalty":0.0`, `"repetition_penalty":1`, `"logit_bias":{}`, `"stop":[]`, `"stop":null`, `"logprobs":false`,
		`"ignore_eos":false`, `"grammar":null`, `"grammar":""`, `"n":1`, `"n":null`, `"stream":null`, `"seed":null`, `"temperature":null`, `"max_tokens":null`,
		`"metadata":null`, `"metadata":{}`, `"user":null`, `"stream_options":null`, `"logprobs":null,"top_logprobs":null`,
		`"max_tokens":9`, `"add_special_tokens":false`, `"stream":true,"stream_options":{"include_usage":null}`,
	} {
		if r := decodeChat(t, `{`+hi+`,`+extra+`}`); len(r.Given) != 0 || r.N != 1 {
			t.Errorf("%s: given %v, n %d; want none, 1", extra, r.Given, r.N)
		}
	}
}

// A reply of the Python SDK, dumped and sent back as history, is accepted.
func TestHistoryFromSDK(t *testing.T) {
	r := decodeChat(t, `{"model":"m","messages":[{"role":"assistant","content":"x","refusal":null,"annotations":[],"audio":null,"function_call":null,"tool_calls":null,"reasoning_content":"hm","reasoning":null},{"role":"developer","content":"y"}]}`)
	if r.Messages[0].Content != "x" || r.Messages[1].Role != "developer" {
		t.Errorf("got %+v", r.Messages)
	}
}

func TestCompletionPrompts(t *testing.T) {
	for _, tc := range []struct {
		prompt string
		want   []openai.Prompt
	}{
		{`"a"`, []openai.Prompt{{Text: "a"}}},
		{`""`, []openai.Prompt{{}}},
		{`["a","b"]`, []openai.Prompt{{Text: "a"}, {Text: "b"}}},
		{`[1,2]`, []openai.Prompt{{Tokens: []int32{1, 2}}}},
		{`[[1],[2,3]]`, []openai.Prompt{{Tokens: []int32{1}}, {Tokens: []int32{2, 3}}}},
	} {
		r, err := openai.DecodeCompletion([]byte(`{"model":"m","prompt":`+tc.prompt+`}`), openai.Limits{})
		if err != nil || !reflect.DeepEqual(r.Prompts, tc.want) || r.MaxTokens != openai.CompletionMaxTokens || !r.AddSpecialTokens {
			t.Errorf("%s: got %+v, %v", tc.prompt, r, err)
		}
	}
}

func TestCompletionRefusals(t *testing.T) {
	for _, tc := range []struct{ fields, param, code string }{
		{`"model":"m"`, "prompt", openai.CodeMissingParameter},
		{`"prompt":[]`, "prompt", openai.CodeEmptyArray},
		{`"prompt":[[]]`, "prompt[0]", openai.CodeEmptyArray},
		{`"prompt":[1,"a"]`, "prompt[1]", openai.CodeInvalidType},
		{`"prompt":["a",1]`, "prompt[1]", openai.CodeInvalidType},
		{`"prompt":[[1],[2,"a"]]`, "prompt[1][1]", openai.CodeInvalidType},
		{`"prompt":[[1],2]`, "prompt[1]", openai.CodeInvalidType},
		{`"prompt":[-1]`, "prompt[0]", openai.CodeIntegerBelowMin},
		{`"prompt":[2147483648]`, "prompt[0]", openai.CodeIntegerAboveMax},
		{`"prompt":{}`, "prompt", openai.CodeInvalidType},
		{`"prompt":"a","max_tokens":0`, "max_tokens", openai.CodeIntegerBelowMin},
		{`"prompt":"a","echo":true,"max_tokens":-1`, "max_tokens", openai.CodeIntegerBelowMin},
		{`"prompt":"a","logprobs":true`, "logprobs", openai.CodeInvalidType},
		{`"prompt":"a","logprobs":21`, "logprobs", openai.CodeIntegerAboveMax},
		{`"prompt":"a","suffix":"x"`, "suffix", openai.CodeUnsupportedParameter},
		{`"prompt":"a","messages":[]`, "messages", openai.CodeUnknownParameter},
		{`"prompt":["a","b"],"n":9`, "n", openai.CodeIntegerAboveMax},
		{`"prompt":["a","b","c","d","e"]`, "prompt", openai.CodeArrayTooLong},
	} {
		body := `{"model":"m",` + strings.TrimPrefix(tc.fields, `"model":"m"`) + `}`
		body = strings.Replace(body, `,}`, `}`, 1)
		_, err := openai.DecodeCompletion([]byte(body), openai.Limits{Prompts: 4, Choices: 17})
		var e *openai.Error
		if !errors.As(err, &e) || e.Param != tc.param || e.Code != tc.code {
			t.Errorf("%s: got %+v, want param %q, code %q", body, err, tc.param, tc.code)
		}
	}
}

// The request that lm-evaluation-harness sends for a log-likelihood.
func TestHarnessLoglikelihood(t *testing.T) {
	r, err := openai.DecodeCompletion([]byte(`{"model":"M","prompt":[[1,2,3],[4]],"temperature":0,"max_tokens":1,"logprobs":1,"seed":1234,"echo":true}`), openai.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Echo || !r.Logprobs || r.TopLogprobs != 1 || r.MaxTokens != 1 || len(r.Prompts) != 2 || *r.Temperature != 0 || *r.Seed != 1234 {
		t.Errorf("got %+v", r)
	}
	if want := []string{"temperature", "logprobs", "seed", "echo"}; !slices.Equal(r.Given, want) {
		t.Errorf("given %v, want %v", r.Given, want)
	}
}

// max_tokens 0 and echo ask for the prompt alone, in either order.
func TestThePromptAlone(t *testing.T) {
	for fields, alone := range map[string]bool{`"max_tokens":0,"echo":true`: true, `"echo":true,"max_tokens":0`: true, `"echo":true,"max_tokens":1`: false, `"echo":true`: false} {
		r, err := openai.DecodeCompletion([]byte(`{"model":"m","prompt":"a",`+fields+`}`), openai.Limits{})
		if err != nil || r.PromptOnly != alone || r.MaxTokens < 1 {
			t.Errorf("%s: got %+v, %v", fields, r, err)
		}
	}
}

func TestTokenize(t *testing.T) {
	for _, tc := range []struct {
		body string
		want openai.TokenizeRequest
	}{
		{`{"prompt":"test","add_special_tokens":false}`, openai.TokenizeRequest{Text: "test"}},
		{`{"model":"m","prompt":"test"}`, openai.TokenizeRequest{Model: "m", Text: "test", AddSpecialTokens: true}},
		{`{"content":"test"}`, openai.TokenizeRequest{Text: "test"}},
		{`{"content":"test","add_special":true,"with_pieces":false}`, openai.TokenizeRequest{Text: "test", AddSpecialTokens: true}},
		{`{"messages":[{"role":"user","content":"x"}]}`, openai.TokenizeRequest{
			Messages: []openai.Message{{Role: "user", Content: "x"}}, RawMessages: []byte(`[{"role":"user","content":"x"}]`)}},
	} {
		tc.want.ParseSpecialTokens, tc.want.AddGenerationPrompt = true, true
		r, err := openai.DecodeTokenize([]byte(tc.body), openai.Limits{})
		if err != nil || !reflect.DeepEqual(*r, tc.want) {
			t.Errorf("%s: got %+v, %v; want %+v", tc.body, r, err, tc.want)
		}
	}
	for body, param := range map[string]string{
		`{}`: "prompt", `{"prompt":"a","content":"b"}`: "content", `{"prompt":"a","x":1}`: "x", `{"prompt":"a","return_token_strs":true}`: "return_token_strs",
	} {
		_, err := openai.DecodeTokenize([]byte(body), openai.Limits{})
		var e *openai.Error
		if !errors.As(err, &e) || e.Param != param {
			t.Errorf("%s: got %v, want a refusal of %s", body, err, param)
		}
	}
}

func TestDetokenize(t *testing.T) {
	r, err := openai.DecodeDetokenize([]byte(`{"model":null,"tokens":[1,0,2147483647]}`), openai.Limits{})
	if err != nil || !slices.Equal(r.Tokens, []int32{1, 0, 2147483647}) {
		t.Errorf("got %+v, %v", r, err)
	}
	if r, err := openai.DecodeDetokenize([]byte(`{"tokens":[]}`), openai.Limits{}); err != nil || len(r.Tokens) != 0 {
		t.Errorf("no tokens: got %+v, %v", r, err)
	}
	for body, param := range map[string]string{`{}`: "tokens", `{"tokens":["1"]}`: "tokens[0]", `{"tokens":[1],"y":2}`: "y"} {
		_, err := openai.DecodeDetokenize([]byte(body), openai.Limits{})
		var e *openai.Error
		if !errors.As(err, &e) || e.Param != param {
			t.Errorf("%s: got %v, want a refusal of %s", body, err, param)
		}
	}
}

// Decoding leaves the body as it was, for it is sent on to engines that take messages as they are.
func TestBodyUntouched(t *testing.T) {
	body := []byte(`{` + hi + `,"stop":["a\n"],"metadata":{"k":"\u0041"}}`)
	before := string(body)
	if _, err := openai.DecodeChat(body, openai.Limits{}); err != nil || string(body) != before {
		t.Errorf("err %v, body %s", err, body)
	}
}
