package openai_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/leathq/leat/services/gateway/internal/openai"
)

// seed starts a fuzz target with bodies of every shape, good and bad.
func seed(f *testing.F) {
	for _, body := range []string{
		`{` + hi + `}`,
		`{` + hi + `,"temperature":0.5,"logit_bias":{"1":2},"metadata":{"a":"b"},"stop":["x"],"stream":true,"stream_options":{"include_usage":true}}`,
		`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"\u00e9\n"}]}],"tools":[],"response_format":{"type":"text"}}`,
		`{"model":"m","messages":[{"role":"assistant","content":"x","reasoning_content":"t","reasoning":null},{"role":"user","content":"y"}]}`,
		`{"model":"m","prompt":[[1,2],[3]],"echo":true,"logprobs":1,"max_tokens":1}`,
		`{"model":"m","prompt":"a","echo":true,"max_tokens":0}`, `{"model":"m","prompt":"a","max_tokens":0}`,
		`{"model":"m","prompt":["a","b"],"n":2,"best_of":1,"seed":1e3}`,
		`{"prompt":"x","add_special_tokens":false}`, `{"content":"x"}`, `{"tokens":[1,2,3]}`,
		`{"model":`, `[[[[`, `{"a":{"b":{"c":`, "{\"model\":\"\xff\"}", `{"model":"\ud800"}`, ``, `null`, `{}{}`,
		`{"temperature":1e999,"n":-1}`, `{"model":"m","model":"m"}`,
	} {
		f.Add([]byte(body))
	}
}

// checkDecode holds what is true of every body: no panic; a refusal is a well-formed 400; what is accepted is JSON that
// the standard library accepts too; and neither changes the body.
func checkDecode(t *testing.T, body []byte, decode func([]byte) error) {
	before := bytes.Clone(body)
	err := decode(body)
	if !bytes.Equal(body, before) {
		t.Fatalf("the body was changed")
	}
	if err == nil {
		if !json.Valid(body) || !utf8.Valid(body) {
			t.Fatalf("accepted a body that is not JSON: %q", body)
		}
		return
	}
	var e *openai.Error
	if !errors.As(err, &e) || e.Status != 400 || e.Type != openai.TypeInvalidRequest || e.Message == "" || len(e.Message) > 2000 {
		t.Fatalf("refused %q with %#v", body, err)
	}
	if b := openai.AppendError(nil, e); !json.Valid(b) {
		t.Fatalf("error is not JSON: %s", b)
	}
}

func FuzzDecodeChat(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		checkDecode(t, body, func(b []byte) error {
			r, err := openai.DecodeChat(b, openai.Limits{})
			if err == nil {
				checkChat(t, r)
			}
			return err
		})
	})
}

// checkChat holds what an accepted chat promises to the rest of the gateway.
func checkChat(t *testing.T, r *openai.ChatRequest) {
	var raw []map[string]any
	if err := json.Unmarshal(r.RawMessages, &raw); err != nil || len(raw) != len(r.Messages) || len(raw) == 0 {
		t.Fatalf("raw messages %q against %+v: %v", r.RawMessages, r.Messages, err)
	}
	for i, m := range r.Messages {
		if m.Role != raw[i]["role"] {
			t.Fatalf("message %d: role %q, raw %v", i, m.Role, raw[i])
		}
		if content, ok := raw[i]["content"].(string); ok && content != m.Content {
			t.Fatalf("message %d: content %q, raw %v", i, m.Content, raw[i])
		}
	}
	if r.N < 1 || r.N > 128 || r.Model == "" || r.TopLogprobs > 20 || r.Temperature != nil && !(*r.Temperature >= 0 && *r.Temperature <= 2) {
		t.Fatalf("out of range: %+v", r.Params)
	}
}

func FuzzDecodeCompletion(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		checkDecode(t, body, func(b []byte) error {
			r, err := openai.DecodeCompletion(b, openai.Limits{})
			if err == nil && (len(r.Prompts) == 0 || r.MaxTokens < 1 || len(r.Prompts)*r.N > 2048) {
				t.Fatalf("out of range: %+v", r)
			}
			return err
		})
	})
}

func FuzzDecodeTokenize(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		checkDecode(t, body, func(b []byte) error { _, err := openai.DecodeTokenize(b, openai.Limits{}); return err })
		checkDecode(t, body, func(b []byte) error { _, err := openai.DecodeDetokenize(b, openai.Limits{}); return err })
	})
}

// Whatever bytes a model produces, a chunk is one line of JSON that brings them back.
func FuzzChunk(f *testing.F) {
	f.Add("text", []byte("tok"), -1.5)
	f.Add("\xff\u2028\n", []byte{0xe2, 0x96}, -1e-300)
	f.Fuzz(func(t *testing.T, text string, token []byte, lp float64) {
		list := []openai.TokenLogprob{{Text: token, Logprob: lp, Top: []openai.TopLogprob{{ID: 1, Text: token, Logprob: lp}, {ID: 2, Text: token, Logprob: -lp}}}}
		event := openai.NewChatStream(head, true).AppendText(nil, 0, text, list)
		line, _ := bytes.CutPrefix(event, []byte("data: "))
		var chunk struct {
			Choices []struct {
				Delta    struct{ Content string }
				Logprobs struct {
					Content []struct {
						Bytes   []int
						Logprob *float64
					}
				}
			}
		}
		if err := json.Unmarshal(line, &chunk); err != nil || bytes.IndexByte(event, '\n') != len(event)-2 {
			t.Fatalf("%q: %v", event, err)
		}
		got := chunk.Choices[0]
		if got.Delta.Content != string([]rune(text)) {
			t.Fatalf("%q came back as %q", text, got.Delta.Content)
		}
		want := make([]int, len(token))
		for i, v := range token {
			want[i] = int(v)
		}
		if !reflect.DeepEqual(got.Logprobs.Content[0].Bytes, want) {
			t.Fatalf("bytes %v came back as %v", want, got.Logprobs.Content[0].Bytes)
		}
		thought := openai.NewChatStream(head, true).AppendReasoning(nil, 0, text, list)
		if line, _ := bytes.CutPrefix(thought, []byte("data: ")); !bytes.Equal(line, bytes.Replace(bytes.TrimPrefix(event, []byte("data: ")), []byte(`"delta":{"content"`), []byte(`"delta":{"reasoning_content"`), 1)) {
			t.Fatalf("%q differs in more than the name of its text", line)
		}
		completion := openai.NewCompletionStream(head, true, 1).AppendText(nil, 0, text, list, "")
		if line, _ := bytes.CutPrefix(completion, []byte("data: ")); !json.Valid(line) {
			t.Fatalf("%q is not JSON", line)
		}
	})
}
