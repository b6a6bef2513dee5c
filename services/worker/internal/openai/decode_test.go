package openai_test

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/openai"
)

// reference reads an answer with encoding/json alone: slow, and plainly right.
func reference(b []byte) (a openai.Answer, ok bool) {
	var top map[string]any
	if json.Unmarshal(b, &top) != nil || top == nil {
		return a, false
	}
	a.Failed = top["error"] != nil || top["object"] == "error"
	if choices, _ := top["choices"].([]any); len(choices) > 0 {
		if c, isObject := choices[0].(map[string]any); isObject {
			a.Choice = true
			a.Finish, _ = c["finish_reason"].(string)
			a.Text, _ = c["text"].(string)
			for _, name := range []string{"delta", "message"} {
				if d, _ := c[name].(map[string]any); d != nil {
					if text, isText := d["content"].(string); isText {
						a.Text = text
					}
					for _, name := range []string{"reasoning", "reasoning_content"} {
						if text, _ := d[name].(string); text != "" {
							a.Reasoning = text
						}
					}
				}
			}
		}
	}
	usage, given := top["usage"].(map[string]any)
	a.UsageGiven = given
	a.Prompt, a.Completion = count(usage["prompt_tokens"]), count(usage["completion_tokens"])
	in, _ := usage["prompt_tokens_details"].(map[string]any)
	out, _ := usage["completion_tokens_details"].(map[string]any)
	a.Cached, a.Thought = count(in["cached_tokens"]), count(out["reasoning_tokens"])
	return a, true
}

func count(v any) int {
	f, _ := v.(float64)
	return int(math.Max(0, math.Min(f, 1<<53)))
}

// duplicated says that an object names a member twice; what holds then is nobody's promise.
func duplicated(b []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(b))
	type level struct {
		keys  map[string]bool
		value bool
	}
	var stack []level
	for {
		token, err := dec.Token()
		if err != nil {
			return false
		}
		if n := len(stack) - 1; n >= 0 && stack[n].keys != nil && !stack[n].value {
			if key, isKey := token.(string); isKey {
				if stack[n].keys[key] {
					return true
				}
				stack[n].keys[key], stack[n].value = true, true
				continue
			}
		}
		switch token {
		case json.Delim('{'):
			stack = append(stack, level{keys: map[string]bool{}})
			continue
		case json.Delim('['):
			stack = append(stack, level{})
			continue
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:len(stack)-1]
		}
		if n := len(stack) - 1; n >= 0 {
			stack[n].value = false
		}
	}
}

func FuzzAnswer(f *testing.F) {
	files, err := filepath.Glob("testdata/llama-server/*.response")
	if err != nil || len(files) == 0 {
		f.Fatal("no recorded answers", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for line := range bytes.Lines(b) {
			if i := bytes.IndexByte(line, '{'); i >= 0 {
				f.Add(bytes.TrimSpace(line[i:]))
			}
		}
	}
	for _, s := range []string{
		`{"choices":[{"delta":{"content":"a\n\"\u00e9\ud83d\ude00"},"finish_reason":null}]}`, `{"choices":[],"usage":null}`,
		`{"choi\u0063es":[{"text":"x"}]}`, `{"error":"x"}`, `{"object":"error"}`, `{"usage":{"prompt_tokens":1e3,"completion_tokens":-1}}`,
		`{"choices":{"a":[1,{}]},"usage":[]}`, `{"choices":[{"delta":null,"text":5}, 7, "x"]}`, "{\"choices\":[{\"text\":\"\xff\"}]}",
		`{"choices":[{"message":{"content":[{"type":"text"}],"reasoning_content":"t\n"}}],"timings":{"cache_n":1}}`,
		`{"choices":[{"delta":{"reasoning":"t","content":null}}]}`, `{"choices":[{"delta":{"reasoning":{"a":"t"}}}]}`, `{`, `[]`, ``, `{"a":}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := openai.Parse(b)
		if !json.Valid(b) || duplicated(b) {
			return // it only must not panic or run on
		}
		want, ok := reference(b)
		if ok && err != nil {
			if depth(b) > 100 {
				return
			}
			t.Fatalf("refused: %s", b)
		}
		if !ok {
			return
		}
		got.Logprobs = ""
		if mixed(b) {
			got.Text, want.Text, got.Reasoning, want.Reasoning = "", "", "", ""
		}
		if strings.Count(string(b), "reasoning") > 1 { // of two names the first in order wins
			got.Reasoning, want.Reasoning = "", ""
		}
		if got != want {
			t.Fatalf("%s\n got %+v\nwant %+v", b, got, want)
		}
	})
}

// mixed says that an answer has text in several places, of which the last one in order wins.
func mixed(b []byte) bool {
	s := string(b)
	return strings.Count(s, "text")+strings.Count(s, "delta")+strings.Count(s, "message")+strings.Count(s, `\u`) > 1
}

func depth(b []byte) (deepest int) {
	n := 0
	for _, c := range b {
		switch c {
		case '{', '[':
			n++
			deepest = max(deepest, n)
		case '}', ']':
			n--
		}
	}
	return deepest
}

func TestAnswerReadsReasoningAndLogprobs(t *testing.T) {
	a, err := openai.Parse([]byte(`{"choices":[{"delta":{"reasoning_content":"hm"},"logprobs":{"content":[]}}]}`))
	if err != nil || a.Reasoning != "hm" || a.Text != "" || a.Logprobs != `{"content":[]}` {
		t.Errorf("%+v, %v", a, err)
	}
	if a, err = openai.Parse([]byte(`{"choices":[{"delta":{"reasoning":"hm","reasoning_content":"hm","content":"so"}}]}`)); err != nil || a.Reasoning != "hm" || a.Text != "so" {
		t.Errorf("named twice: %+v, %v", a, err)
	}
	for _, bad := range []string{`{"choices":[{"text":"x"}]`, `{"choices":[{"text":"x}]}`, `{"a":1}x`, `{"a" 1}`, `{"choices":[1 2]}`} {
		if _, err := openai.Parse([]byte(bad)); err == nil {
			t.Errorf("accepted: %s", bad)
		}
	}
}

// Wherever reads and buffers are split, the events are the same.
func FuzzEvents(f *testing.F) {
	f.Add([]byte("data: a\n\ndata:b\r\n\r\n: c\n\nevent: x\ndata: d\ndata: e\n\ndata: [DONE]"), 3)
	f.Add(load(f, "chat-stream").body, 100)
	f.Add([]byte("\xef\xbb\xbfdata: a\n\n\n\n\ndata\n\ndata:\n\n"), 1)
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		const limit = 1 << 20
		want, err := openai.Events(bytes.NewReader(b), limit, limit)
		if err != nil {
			t.Fatal(err)
		}
		size = 1 + (size&0xff)%64
		for _, r := range []io.Reader{bytes.NewReader(b), iotest.OneByteReader(bytes.NewReader(b)), iotest.DataErrReader(bytes.NewReader(b)), iotest.HalfReader(bytes.NewReader(b))} {
			got, err := openai.Events(r, size, limit)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%q in pieces: %q, %v; whole: %q", b, got, err, want)
			}
		}
	})
}

func FuzzErrorsAndMetrics(f *testing.F) {
	f.Add(400, []byte(`{"error":{"message":"m","code":"c","param":"p","type":"t"}}`))
	f.Add(0, []byte(`{"object":"error","message":"m","code":500}`))
	f.Add(422, []byte(`{"detail":"x"}`))
	f.Add(200, load(f, "get-metrics").body)
	f.Add(200, []byte("vllm:num_requests_running{engine=\"0\",pid=\"1\"} 3 17\nx{} nan\n}{ 1\n{"))
	f.Add(200, []byte(`{"content":[{"token":"a","bytes":[1],"logprob":-1,"top_logprobs":[{"token":"a"}]}]}`))
	f.Add(200, []byte(`{"tokens":["a","b"],"token_logprobs":[null],"top_logprobs":[null,{"b":-1}]}`))
	f.Fuzz(func(t *testing.T, status int, b []byte) {
		if err := openai.ErrorOf(status, b); err.Message == "" || err.Code == "" || err.Client && err.Retry {
			t.Errorf("%+v", err)
		}
		if _, running, waiting, kv := openai.ReadMetrics(b); running < 0 || waiting < 0 || kv < 0 || kv > 1 {
			t.Errorf("running %v, waiting %v, kv %v", running, waiting, kv)
		}
		if lps, err := openai.DecodeLogprobs(b, 5); err == nil {
			for _, lp := range lps {
				if len(lp.Top) > 5 {
					t.Errorf("%d alternatives", len(lp.Top))
				}
			}
		}
	})
}

func TestMetrics(t *testing.T) {
	for name, c := range map[string]struct {
		page                 string
		running, waiting, kv float64
	}{
		"data-parallel vLLM": {"vllm:num_requests_running{engine=\"0\",model_name=\"m\"} 3\nvllm:num_requests_running{engine=\"1\",model_name=\"m\"} 4\n" +
			"vllm:num_requests_waiting{engine=\"0\"} 1\nvllm:kv_cache_usage_perc{engine=\"0\"} 0.2\nvllm:kv_cache_usage_perc{engine=\"1\"} 0.4\n", 7, 1, 0.3},
		"old and new cache name": {"vllm:gpu_cache_usage_perc{engine=\"0\"} 0.9\nvllm:kv_cache_usage_perc{engine=\"0\"} 0.5\n", 0, 0, 0.5},
		"new and old cache name": {"vllm:kv_cache_usage_perc{engine=\"0\"} 0.5\nvllm:gpu_cache_usage_perc{engine=\"0\"} 0.9\n", 0, 0, 0.5},
		"old cache name":         {"vllm:gpu_cache_usage_perc 0.25\n", 0, 0, 0.25},
		"a series for every pid": {"vllm:num_requests_running{engine=\"0\",pid=\"10\"} 3\nvllm:num_requests_running{engine=\"0\",pid=\"11\"} 3\n", 3, 0, 0},
		"SGLang":                 {"sglang:num_running_reqs{model_name=\"m\"} 2.0\nsglang:num_queue_reqs{model_name=\"m\"} 5.0\nsglang:token_usage{model_name=\"m\"} 0.75\n", 2, 5, 0.75},
		"llama-server":           {"llamacpp:requests_processing 2\nllamacpp:requests_deferred 1\n", 2, 1, 0},
	} {
		known, running, waiting, kv := openai.ReadMetrics([]byte(c.page))
		if !known || running != c.running || waiting != c.waiting || math.Abs(kv-c.kv) > 1e-9 {
			t.Errorf("%s: %v, %v, %v", name, running, waiting, kv)
		}
	}
	if known, _, _, _ := openai.ReadMetrics(load(t, "get-metrics").body); !known {
		t.Error("the recorded page is not understood")
	}
	if known, _, _, _ := openai.ReadMetrics([]byte("<html>")); known {
		t.Error("HTML is taken for metrics")
	}
}

func ptr[T any](v T) *T { return &v }

func TestRequestBodies(t *testing.T) {
	full := engine.Request{
		ID: "r", Stream: true, MaxTokens: 7, Stop: []string{"\n", "\"x\""}, IgnoreEOS: true, User: "u", Logprobs: true, TopLogprob: 3,
		Metadata: map[string]string{"canary": "never upstream"},
		Sampling: engine.Sampling{
			Temperature: ptr(0.5), TopP: ptr(0.9), TopK: ptr(40), MinP: ptr(0.05), FrequencyPenalty: ptr(0.1), PresencePenalty: ptr(-0.2),
			RepetitionPenalty: ptr(1.1), Seed: ptr(int64(math.MaxInt64)), LogitBias: map[int32]float64{12: -100, 7: 1.5}, AutoSeed: 99,
		},
	}
	standard := `"stop":["\n","\"x\""],"temperature":0.5,"top_p":0.9,"frequency_penalty":0.1,"presence_penalty":-0.2,"seed":9223372036854775807,"logit_bias":{"7":1.5,"12":-100}`
	rest := `"stop":["\n","\"x\""],"ignore_eos":true,"temperature":0.5,"top_p":0.9,"top_k":40,"min_p":0.05,"frequency_penalty":0.1,"presence_penalty":-0.2,` +
		`"repetition_penalty":1.1,"seed":9223372036854775807,"logit_bias":{"7":1.5,"12":-100}`
	streamed := `"stream":true,"stream_options":{"include_usage":true},"user":"u"}`
	withMessages, withTokens, echoed, unbounded := full, full, full, engine.Request{}
	plain := full
	plain.TopK, plain.MinP, plain.RepetitionPenalty, plain.IgnoreEOS = nil, ptr(0.0), ptr(1.0), false
	plain.Prompt.Messages = []byte(`[ {"role":"user"} ]`)
	withMessages.Prompt.Messages = []byte(`[ {"role":"user"} ]`)
	withTokens.Prompt.Tokens = []int32{1, 2, 3}
	echoed.Prompt.Text, echoed.Prompt.AddSpecial, echoed.Echo = "a\"\x01\xffé", true, true
	unbounded.Prompt.Text = "x"
	for _, c := range []struct {
		kind       string
		req        engine.Request
		path, body string
	}{
		{openai.KindVLLM, withMessages, "/v1/chat/completions", `{"model":"up","messages":[ {"role":"user"} ],"max_tokens":7,` + rest + `,"logprobs":true,"top_logprobs":3,` + streamed},
		{openai.KindVLLM, withTokens, "/v1/completions", `{"model":"up","prompt":[1,2,3],"max_tokens":7,` + rest + `,"logprobs":3,` + streamed},
		{openai.KindVLLM, echoed, "/v1/completions", `{"model":"up","prompt":"a\"\u0001` + "\uFFFD" + `é","max_tokens":7,` + rest + `,"logprobs":3,"echo":true,"user":"u"}`},
		{openai.KindLlama, withTokens, "/v1/completions", `{"model":"up","prompt":[1,2,3],"max_tokens":7,` + strings.Replace(rest, "repetition_penalty", "repeat_penalty", 1) + `,"logprobs":3,` + streamed},
		{openai.KindOpenAI, plain, "/v1/chat/completions", `{"model":"up","messages":[ {"role":"user"} ],"max_completion_tokens":7,` + standard + `,"logprobs":true,"top_logprobs":3,` + streamed},
		{openai.KindVLLM, unbounded, "/v1/completions", `{"model":"up","prompt":"x","add_special_tokens":false,"max_tokens":null}`},
		{openai.KindCompatible, unbounded, "/v1/completions", `{"model":"up","prompt":"x"}`},
	} {
		body, path, err := openai.Body(c.kind, "", &c.req)
		if err != nil || body != c.body || path != c.path || !json.Valid([]byte(body)) {
			t.Errorf("%s %s %v\n got %s\nwant %s", c.kind, path, err, body, c.body)
		}
	}
}

func FuzzStringsInBodies(f *testing.F) {
	f.Add("plain")
	f.Add("\"\\\n\t\x00\x7f é 世 🙂 \u2028 \xff\xc3(")
	f.Fuzz(func(t *testing.T, s string) {
		body, _, _ := openai.Body(openai.KindCompatible, "", &engine.Request{Prompt: engine.Prompt{Text: s}})
		var back struct{ Prompt string }
		if err := json.Unmarshal([]byte(body), &back); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		want, _ := json.Marshal(s)
		var plain string
		_ = json.Unmarshal(want, &plain)
		if back.Prompt != plain {
			t.Fatalf("%q became %q", s, back.Prompt)
		}
	})
}
