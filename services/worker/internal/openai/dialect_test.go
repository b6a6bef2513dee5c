package openai_test

import (
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/openai"
)

var update = flag.Bool("update", false, "write the golden files anew")

// kinds are all dialects, with the version that their row was read in.
var kinds = map[string]string{
	openai.KindVLLM: "0.12.0", openai.KindSGLang: "", openai.KindTGI: "3.3.4", openai.KindTRTLLM: "", openai.KindLlama: "",
	openai.KindOllama: "0.12.11", openai.KindOpenAI: "", openai.KindCompatible: "",
}

const weather = `[{"type":"function","function":{"name":"time","parameters":{"type":"object"}}},{"type":"function","function":{"name":"weather","parameters":{"type":"object"}}}]`

// asked is one request with everything that OpenAI's API has and all kinds take.
func asked() engine.Request {
	return engine.Request{
		ID: "r", Stream: true, MaxTokens: 7, Stop: []string{"."}, User: "u", Logprobs: true, TopLogprob: 2,
		Sampling: engine.Sampling{Temperature: ptr(0.5), TopP: ptr(1.0), FrequencyPenalty: ptr(0.1), PresencePenalty: ptr(0.0), Seed: ptr(int64(3))},
		Prompt:   engine.Prompt{Messages: []byte(`[{"role":"user","content":"?"}]`)},
		Extras:   []byte(`{"tools":` + weather + `,"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"object","required":["a"]}}}}`),
	}
}

// One request, spelled for each kind of server: the body of a chat, and that of a text with a grammar or without.
func TestRequestsInEveryDialect(t *testing.T) {
	for kind, version := range kinds {
		t.Run(kind, func(t *testing.T) {
			chat := asked()
			text := engine.Request{Prompt: engine.Prompt{Text: "Once"}, Sampling: engine.Sampling{TopP: ptr(0.9)}}
			bodies := []engine.Request{chat, text}
			if slices.Contains(openai.Params(kind, version), "grammar") {
				text.Grammar = `root ::= "a"`
				bodies = append(bodies, text)
			}
			var got strings.Builder
			for _, req := range bodies {
				body, path, err := openai.Body(kind, version, &req)
				if err != nil || !json.Valid([]byte(body)) {
					t.Fatalf("%s %v", body, err)
				}
				got.WriteString("POST " + path + "\n" + body + "\n")
			}
			golden(t, filepath.Join("testdata", "dialects", kind+".txt"), got.String())
		})
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s\n got %s\nwant %s", path, got, want)
	}
}

// What a kind of server would drop, misread or take without keeping to it is refused by the name that the client used.
func TestWhatAKindDoesNotHonourIsRefusedByName(t *testing.T) {
	refused := map[string]string{}
	for _, kind := range []string{openai.KindTGI, openai.KindTRTLLM, openai.KindOllama, openai.KindOpenAI, openai.KindCompatible, openai.KindVLLM, openai.KindLlama, openai.KindSGLang} {
		for param, change := range map[string]func(*engine.Request){
			"top_k":              func(r *engine.Request) { r.TopK = ptr(5) },
			"min_p":              func(r *engine.Request) { r.MinP = ptr(0.1) },
			"repetition_penalty": func(r *engine.Request) { r.RepetitionPenalty = ptr(1.2) },
			"ignore_eos":         func(r *engine.Request) { r.IgnoreEOS = true },
			"presence_penalty":   func(r *engine.Request) { r.PresencePenalty = ptr(0.2) },
			"logit_bias":         func(r *engine.Request) { r.LogitBias = map[int32]float64{1: 2} },
			"grammar":            func(r *engine.Request) { r.Grammar, r.Extras = "root ::= \"a\"", nil },
			"parallel_tool_calls": func(r *engine.Request) {
				r.Extras = []byte(`{"tools":` + weather + `,"parallel_tool_calls":false}`)
			},
			"tool_choice": func(r *engine.Request) { r.Extras = []byte(`{"tools":` + weather + `,"tool_choice":"required"}`) },
			"prompt":      func(r *engine.Request) { r.Prompt, r.Logprobs = engine.Prompt{Tokens: []int32{1}}, false },
			"echo":        func(r *engine.Request) { r.Prompt, r.Echo = engine.Prompt{Text: "x"}, true },
			"logprobs":    func(r *engine.Request) { r.Prompt = engine.Prompt{Text: "x"} },
		} {
			req := asked()
			change(&req)
			_, _, err := openai.Body(kind, kinds[kind], &req)
			var e *engine.Error
			if err == nil {
				continue
			}
			if !errors.As(err, &e) || !e.Client || e.Retry || e.Param != param || e.Code != "unsupported_parameter" || !strings.Contains(e.Message, "'"+param+"'") {
				t.Errorf("%s, %s: %+v", kind, param, err)
			}
			refused[kind] += " " + param
		}
	}
	both := asked()
	both.Grammar = "root ::= \"a\""
	if _, _, err := openai.Body(openai.KindTRTLLM, "", &both); err == nil || !strings.Contains(err.Error(), "either it or response_format") {
		t.Errorf("trtllm, grammar and response_format: %v", err)
	}
	for kind, want := range map[string]string{
		openai.KindTGI:    "echo grammar ignore_eos logit_bias logprobs min_p parallel_tool_calls presence_penalty prompt repetition_penalty top_k",
		openai.KindTRTLLM: "echo parallel_tool_calls tool_choice",
		openai.KindOllama: "echo grammar ignore_eos logit_bias min_p parallel_tool_calls prompt repetition_penalty tool_choice top_k",
		openai.KindOpenAI: "echo grammar ignore_eos min_p repetition_penalty top_k", openai.KindCompatible: "echo grammar ignore_eos min_p repetition_penalty top_k",
		openai.KindVLLM: "", openai.KindLlama: "echo", openai.KindSGLang: "",
	} {
		got := strings.Fields(refused[kind])
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("%s refuses %v, want %s", kind, got, want)
		}
	}
}

// Versions matter where a server ignored a parameter once without a word.
func TestOldServersAreNotAskedForWhatTheyIgnore(t *testing.T) {
	for _, c := range []struct {
		kind, version, param string
		want                 bool
	}{
		{openai.KindVLLM, "0.12.0", "grammar", true}, {openai.KindVLLM, "0.11.0rc2+cu128", "grammar", true},
		{openai.KindVLLM, "0.10.2", "grammar", false}, {openai.KindVLLM, "", "grammar", false}, {openai.KindVLLM, "dev", "grammar", false},
		{openai.KindOllama, "0.12.10", "logprobs", false}, {openai.KindOllama, "0.12.11", "logprobs", true}, {openai.KindOllama, "0.13.0-rc1", "top_logprobs", true},
		{openai.KindSGLang, "", "grammar", true}, {openai.KindOpenAI, "", "logprobs", true},
	} {
		if got := slices.Contains(openai.Params(c.kind, c.version), c.param); got != c.want {
			t.Errorf("%s %q, %s: %v", c.kind, c.version, c.param, got)
		}
	}
}

func TestToolChoicesInDialects(t *testing.T) {
	named := `{"type":"function","function":{"name":"weather"}}`
	only := `[{"type":"function","function":{"name":"weather","parameters":{"type":"object"}}}]`
	for _, c := range []struct{ kind, choice, want string }{
		{openai.KindVLLM, named, `,"tools":` + weather + `,"tool_choice":` + named},
		{openai.KindLlama, named, `,"tools":` + only + `,"tool_choice":"required"`},
		{openai.KindLlama, `"required"`, `,"tools":` + weather + `,"tool_choice":"required"`},
		{openai.KindTGI, named, `,"tools":` + weather + `,"tool_choice":` + named},
		{openai.KindTRTLLM, `null`, `,"tools":` + weather + `,"tool_choice":"auto"`},
		{openai.KindTRTLLM, `"none"`, `,"tools":` + weather + `,"tool_choice":"none"`},
		{openai.KindOllama, `"auto"`, `,"tools":` + weather},
		{openai.KindOllama, `"none"`, ``},
	} {
		req := engine.Request{Prompt: engine.Prompt{Messages: []byte(`[]`)}, MaxTokens: 1, Extras: []byte(`{"tools":` + weather + `,"tool_choice":` + c.choice + `}`)}
		body, _, err := openai.Body(c.kind, "", &req)
		if want := `{"model":"up","messages":[]` + c.want + `,"max_tokens":1}`; err != nil || body != want {
			t.Errorf("%s %s: %v\n got %s\nwant %s", c.kind, c.choice, err, body, want)
		}
	}
	missing := engine.Request{Prompt: engine.Prompt{Messages: []byte(`[]`)}, Extras: []byte(`{"tools":` + weather + `,"tool_choice":{"type":"function","function":{"name":"x"}}}`)}
	var e *engine.Error
	if _, _, err := openai.Body(openai.KindLlama, "", &missing); !errors.As(err, &e) || !e.Client || e.Param != "tool_choice" {
		t.Errorf("a tool that is not there: %v", err)
	}
}

// The pages are written after the servers' documentation.
var ownPages = map[string]map[string]string{
	openai.KindVLLM: {
		"/v1/models": `{"data":[{"id":"m","owned_by":"vllm","max_model_len":4096}]}`, "/version": `{"version":"0.12.0"}`,
		"/tokenize": `{"tokens":[1],"count":1}`, "/metrics": "vllm:num_requests_running 0\n",
	},
	openai.KindSGLang: {"/v1/models": `{"data":[{"id":"m","owned_by":"sglang","max_model_len":4096}]}`, "/metrics": "sglang:num_running_reqs 0\n"},
	openai.KindTGI: {
		"/v1/models": `{"data":[{"id":"m","owned_by":"org/model"}]}`, "/metrics": "tgi_queue_size 0\n",
		"/info": `{"model_id":"org/model","max_total_tokens":4096,"max_concurrent_requests":128,"version":"3.3.4","router":"text-generation-router"}`,
	},
	openai.KindTRTLLM: {
		"/v1/models": `{"data":[{"id":"m","owned_by":"tensorrt_llm"}]}`, "/metrics": `[{"iter":1}]`,
		"/prometheus/metrics": "trtllm_num_requests_running 0\n",
	},
	openai.KindOllama: {"/v1/models": `{"data":[{"id":"m","owned_by":"library"}]}`, "/api/version": `{"version":"0.12.11"}`, "/": "Ollama is running"},
	openai.KindCompatible: {
		"/v1/models": `{"data":[{"id":"m","owned_by":"somebody"}]}`, "/api/version": `{"version":"1.0"}`, "/": "hello",
	},
}

func TestKindsAreToldApart(t *testing.T) {
	for kind, pages := range ownPages {
		s := newServer(t)
		for path, body := range pages {
			s.handle(path, page(body))
		}
		e := healthy(t, config(s.URL))
		if got, metrics := e.Kind(); got != kind || metrics != (kind != openai.KindOllama && kind != openai.KindCompatible) {
			t.Errorf("%s is taken for %s, metrics %v", kind, got, metrics)
		}
		if info := e.Info(); kind == openai.KindTGI && (info.ContextLen != 4096 || info.Slots != 128) {
			t.Errorf("TGI: %+v", info)
		}
		// what the operator says counts more
		cfg := config(s.URL)
		cfg.Kind = openai.KindOpenAI
		if got, _ := healthy(t, cfg).Kind(); got != openai.KindOpenAI {
			t.Errorf("%s, told to be openai, is taken for %s", kind, got)
		}
	}
}

// What each kind answers: its names for reasoning, its finish reasons, its usage and its errors.
func TestAnswersInEveryDialect(t *testing.T) {
	usage := `"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}`
	for name, c := range map[string]struct {
		pages           string
		answer          string
		reasoning, text string
		finish          engine.FinishReason
	}{
		"vllm":        {openai.KindVLLM, `{"choices":[{"index":0,"message":{"role":"assistant","reasoning":"hm","content":"yes","tool_calls":[]},"logprobs":null,"finish_reason":"stop","stop_reason":null}],` + usage + `,"prompt_logprobs":null}`, "hm", "yes", engine.FinishStop},
		"vllm of old": {openai.KindVLLM, `{"choices":[{"index":0,"message":{"role":"assistant","reasoning_content":"hm","content":"yes"},"finish_reason":"length"}],` + usage + `}`, "hm", "yes", engine.FinishLength},
		"sglang":      {openai.KindSGLang, `{"choices":[{"index":0,"message":{"role":"assistant","content":"yes","reasoning_content":"hm","tool_calls":null},"finish_reason":"stop","matched_stop":2}],` + usage + `,"metadata":{}}`, "hm", "yes", engine.FinishStop},
		"tgi":         {openai.KindTGI, `{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"yes"},"logprobs":null,"finish_reason":"eos_token"}],` + usage + `}`, "", "yes", engine.FinishStop},
		"tgi, cut":    {openai.KindTGI, `{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"yes"},"logprobs":null,"finish_reason":"length"}],` + usage + `}`, "", "yes", engine.FinishLength},
		"trtllm":      {openai.KindTRTLLM, `{"choices":[{"index":0,"message":{"role":"assistant","content":"yes","reasoning_content":"hm","reasoning":null,"tool_calls":[]},"finish_reason":"stop","stop_reason":null,"disaggregated_params":null}],` + usage + `,"prompt_token_ids":null}`, "hm", "yes", engine.FinishStop},
		"ollama":      {openai.KindOllama, `{"object":"chat.completion","system_fingerprint":"fp_ollama","choices":[{"index":0,"message":{"role":"assistant","content":"yes","reasoning":"hm"},"finish_reason":"stop"}],` + usage + `}`, "hm", "yes", engine.FinishStop},
		"openai":      {openai.KindCompatible, `{"choices":[{"index":0,"message":{"role":"assistant","content":"yes","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"content_filter"}],` + usage + `,"service_tier":"default"}`, "", "yes", "content_filter"},
	} {
		t.Run(name, func(t *testing.T) {
			s, e := like(t, c.pages)
			s.handle("/v1/chat/completions", page(c.answer))
			out := newSink()
			if err := e.Generate(t.Context(), chat(false), out); err != nil {
				t.Fatal(err)
			}
			last := out.last()
			if last.Text != c.text || last.Reasoning != c.reasoning || last.Finish != c.finish || last.Usage.UncachedInput != 5 || last.Usage.Output != 2 {
				t.Errorf("%+v, usage %+v", last, last.Usage)
			}
		})
	}
}

// The chunks of each kind's streams: their roles, empty parts, calls of tools and last words.
func TestStreamsInEveryDialect(t *testing.T) {
	const use = `{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}`
	const args = `{"at":1}`
	for name, c := range map[string]struct {
		pages           string
		chunks          []string
		reasoning, text string
		call            string
		finish          engine.FinishReason
	}{
		"vllm": {openai.KindVLLM, []string{
			`{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"prompt_token_ids":null}`,
			`{"choices":[{"index":0,"delta":{"reasoning":"hm"},"logprobs":null,"finish_reason":null,"token_ids":null}]}`,
			`{"choices":[{"index":0,"delta":{"content":"yes"},"logprobs":null,"finish_reason":null}]}`,
			`{"choices":[{"index":0,"delta":{"content":""},"logprobs":null,"finish_reason":"stop","stop_reason":null}]}`, use,
		}, "hm", "yes", "", engine.FinishStop},
		"sglang": {openai.KindSGLang, []string{
			`{"choices":[{"index":0,"delta":{"role":"assistant","content":"","reasoning_content":null,"tool_calls":null},"logprobs":null,"finish_reason":null,"matched_stop":null}],"usage":null}`,
			`{"choices":[{"index":0,"delta":{"role":null,"content":null,"reasoning_content":"hm","tool_calls":null},"finish_reason":null}],"usage":null}`,
			`{"choices":[{"index":0,"delta":{"content":"yes"},"finish_reason":null}],"usage":null}`,
			`{"choices":[{"index":0,"delta":{"content":null},"finish_reason":"length","matched_stop":null}],"usage":null}`, use,
		}, "hm", "yes", "", engine.FinishLength},
		"tgi": {openai.KindTGI, []string{
			`{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":"yes"},"logprobs":null,"finish_reason":null}],"usage":null}`,
			`{"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":"eos_token"}],"usage":null}`, use,
		}, "", "yes", "", engine.FinishStop},
		"tgi, tools of old": {openai.KindTGI, []string{
			`{"choices":[{"index":0,"delta":{"role":"assistant","tool_calls":{"index":0,"id":"","type":"function","function":{"name":"time","arguments":"{\"at\""}}},"finish_reason":null}]}`,
			`{"choices":[{"index":0,"delta":{"role":"assistant","tool_calls":{"index":0,"id":"","type":"function","function":{"name":null,"arguments":":1}"}}},"finish_reason":"eos_token"}]}`, use,
		}, "", "", "time" + args, engine.FinishTools},
		"trtllm": {openai.KindTRTLLM, []string{
			`{"choices":[{"index":0,"delta":{"role":"assistant","content":null,"reasoning_content":null,"reasoning":null,"tool_calls":null},"finish_reason":null}],"usage":null}`,
			`{"choices":[{"index":0,"delta":{"content":"yes","reasoning_content":"hm"},"finish_reason":"stop","stop_reason":null}],"usage":null}`, use,
		}, "hm", "yes", "", engine.FinishStop},
		"ollama": {openai.KindOllama, []string{
			`{"system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{"role":"assistant","content":"","reasoning":"hm"},"finish_reason":null}]}`,
			`{"choices":[{"index":0,"delta":{"role":"assistant","content":"","tool_calls":[{"id":"call_1","index":0,"type":"function","function":{"name":"time","arguments":"{\"at\":1}"}}]},"finish_reason":null}]}`,
			`{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":"tool_calls"}]}`, use,
		}, "hm", "", "time" + args, engine.FinishTools},
	} {
		t.Run(name, func(t *testing.T) {
			s, e := like(t, c.pages)
			s.handle("/v1/chat/completions", streaming(nil, "data: "+strings.Join(c.chunks, "\n\ndata: ")+"\n\n", done))
			out := newSink()
			if err := e.Generate(t.Context(), chat(true), out); err != nil {
				t.Fatal(err)
			}
			reasoning, call := "", ""
			for _, d := range out.deltas {
				reasoning += d.Reasoning
				if d.Extra != nil {
					for _, part := range d.Extra.ToolCalls {
						call += part.Name + part.Arguments
					}
				}
			}
			last := out.last()
			if reasoning != c.reasoning || out.text() != c.text || call != c.call || last.Finish != c.finish || last.Usage.UncachedInput != 5 || last.Usage.Output != 2 {
				t.Errorf("%q %q %q, %s, %+v", reasoning, out.text(), call, last.Finish, last.Usage)
			}
		})
	}
}

// Log-probabilities come as a list of contents, with bytes or without, or as the older parallel lists.
func TestLogprobsInEveryDialect(t *testing.T) {
	lists := `{"text_offset":[0],"token_logprobs":[-0.5],"tokens":["yes"],"top_logprobs":[{"yes":-0.5,"no":-1.5}]}`
	for name, c := range map[string]struct{ kind, choice string }{
		"vllm":         {openai.KindVLLM, `"message":{"content":"yes"},"logprobs":{"content":[{"token":"yes","logprob":-0.5,"bytes":[121,101,115],"top_logprobs":[{"token":"yes","logprob":-0.5,"bytes":[121,101,115]},{"token":"no","logprob":-1.5,"bytes":[110,111]}]}]}`},
		"tgi":          {openai.KindTGI, `"message":{"content":"yes"},"logprobs":{"content":[{"token":"yes","logprob":-0.5,"top_logprobs":[{"token":"yes","logprob":-0.5},{"token":"no","logprob":-1.5}]}]}`},
		"ollama":       {openai.KindOllama, `"message":{"content":"yes"},"logprobs":{"content":[{"token":"yes","logprob":-0.5,"bytes":[121,101,115],"top_logprobs":[{"token":"yes","logprob":-0.5},{"token":"no","logprob":-1.5}]}]}`},
		"trtllm, text": {openai.KindTRTLLM, `"text":"yes","logprobs":` + lists},
		"sglang, text": {openai.KindSGLang, `"text":"yes","logprobs":` + lists},
	} {
		t.Run(name, func(t *testing.T) {
			s, e := like(t, c.kind)
			answer := page(`{"choices":[{"index":0,` + c.choice + `,"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":1}}`)
			s.handle("/v1/chat/completions", answer)
			s.handle("/v1/completions", answer)
			req := chat(false)
			req.Logprobs, req.TopLogprob = true, 2
			if strings.HasSuffix(name, "text") {
				req.Prompt = engine.Prompt{Text: "?"}
			}
			out := newSink()
			if err := e.Generate(t.Context(), req, out); err != nil {
				t.Fatal(err)
			}
			got := out.logprobs()
			if len(got) != 1 || string(got[0].Text) != "yes" || got[0].Logprob != -0.5 || len(got[0].Top) != 2 || string(got[0].Top[1].Text) != "no" {
				t.Errorf("%+v", got)
			}
		})
	}
}

// like is a server with the pages of a kind, and an engine before it.
func like(t *testing.T, kind string) (*server, *openai.Engine) {
	s := newServer(t)
	for path, body := range ownPages[kind] {
		s.handle(path, page(body))
	}
	return s, healthy(t, config(s.URL))
}

func TestErrorsInEveryDialect(t *testing.T) {
	for name, c := range map[string]struct {
		kind, body string
		status     int
		code, says string
		client     bool
	}{
		"vllm":              {openai.KindVLLM, `{"error":{"message":"bad temperature","type":"BadRequestError","param":"temperature","code":400}}`, 400, "invalid_request", "bad temperature", true},
		"vllm of old":       {openai.KindVLLM, `{"object":"error","message":"This model's maximum context length is 10 tokens","type":"BadRequestError","param":null,"code":400}`, 400, "context_length_exceeded", "maximum", true},
		"sglang":            {openai.KindSGLang, `{"object":"error","message":"bad","type":"BadRequestError","param":null,"code":400}`, 400, "invalid_request", "bad", true},
		"tgi, invalid":      {openai.KindTGI, `{"error":"Input validation error: bad","error_type":"validation"}`, 422, "invalid_request", "bad", true},
		"tgi, too long":     {openai.KindTGI, "{\"error\":\"`inputs` tokens + `max_new_tokens` must be <= 8. Given: 9\",\"error_type\":\"validation\"}", 422, "context_length_exceeded", "Given", true},
		"tgi, overloaded":   {openai.KindTGI, `{"error":"Model is overloaded","error_type":"overloaded"}`, 429, "overloaded", "overloaded", false},
		"tgi, failed":       {openai.KindTGI, `{"error":"Request failed during generation","error_type":"generation"}`, 424, "upstream_error", "generation", false},
		"trtllm":            {openai.KindTRTLLM, `{"object":"error","message":"suffix is not supported","type":"BadRequestError","param":null,"code":400}`, 400, "invalid_request", "suffix", true},
		"ollama":            {openai.KindOllama, `{"error":{"message":"m does not support tools","type":"invalid_request_error","param":null,"code":null}}`, 400, "invalid_request", "does not support tools", true},
		"compatible, 424":   {openai.KindCompatible, `{"error":{"message":"odd"}}`, 424, "invalid_request", "odd", true},
		"compatible, plain": {openai.KindCompatible, `{"detail":"Unprocessable"}`, 422, "invalid_request", "Unprocessable", true},
	} {
		t.Run(name, func(t *testing.T) {
			s, e := like(t, c.kind)
			s.handle("/v1/chat/completions", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			})
			var got *engine.Error
			err := e.Generate(t.Context(), chat(true), newSink())
			if !errors.As(err, &got) || got.Code != c.code || got.Client != c.client || got.Retry == c.client || !strings.Contains(got.Message, c.says) {
				t.Errorf("%+v", err)
			}
		})
	}
	// TGI's way to fail inside a stream
	s, e := like(t, openai.KindTGI)
	s.handle("/v1/chat/completions", streaming(nil, "data: {\"error\":\"Request failed during generation\",\"error_type\":\"generation\"}\n\n"))
	var got *engine.Error
	if err := e.Generate(t.Context(), chat(true), newSink()); !errors.As(err, &got) || got.Client || got.Code != "upstream_error" {
		t.Errorf("%+v", err)
	}
}

// A refusal costs no call and says nothing about the server's health.
func TestRefusedRequestsNeverReachTheServer(t *testing.T) {
	s, e := like(t, openai.KindOllama)
	s.handle("/v1/chat/completions", func(http.ResponseWriter, *http.Request) { t.Error("it was asked") })
	for range 5 {
		req := chat(true)
		req.LogitBias = map[int32]float64{1: 1}
		var got *engine.Error
		if err := e.Generate(t.Context(), req, newSink()); !errors.As(err, &got) || got.Param != "logit_bias" {
			t.Fatalf("%+v", err)
		}
	}
	if st := e.Stats(); !st.Healthy {
		t.Error(st.HealthMessage)
	}
}
