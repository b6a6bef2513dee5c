package scenario

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// refusals are the requests that a fleet refuses at once, each with its status, type, code and a message that helps.
var refusals = []part{
	{"bad JSON", badJSON},
	{"by name", named},
	{"unknown model", unknownModel},
	{"context too long", contextTooLong},
	{"body too large", bodyTooLarge},
	{"engine cannot honour a parameter", notHonoured},
	{"unknown path and method", unknownPath},
}

// refusal is what an error must look like. says are parts of its message.
type refusal struct {
	status           int
	typ, code, param string
	says             []string
}

// check holds an answer against OpenAI's error JSON.
func (want refusal) check(t *testing.T, r reply) {
	t.Helper()
	if r.Status != want.status {
		t.Fatalf("status %d, want %d: %s", r.Status, want.status, r.Body)
	}
	var body struct {
		Error struct {
			Message, Type string
			Code, Param   *string
		}
	}
	if err := json.Unmarshal(r.Body, &body); err != nil {
		t.Fatalf("error is not JSON: %v\n%s", err, r.Body)
	}
	e := body.Error
	if e.Type != want.typ || text(e.Code) != want.code || text(e.Param) != want.param {
		t.Errorf("error %s, want type %q, code %q, param %q", r.Body, want.typ, want.code, want.param)
	}
	for _, s := range want.says {
		if !strings.Contains(e.Message, s) {
			t.Errorf("message %q does not say %q", e.Message, s)
		}
	}
	if r.Header.Get("X-Request-Id") == "" {
		t.Error("an error without x-request-id")
	}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

const invalid = "invalid_request_error"

func badJSON(t *testing.T, f Fleet) {
	for body, offset := range map[string]string{
		`{"model":"sim","seed":1,}`: "byte 23",
		`{"model":"sim"`:            "byte 14",
		``:                          "byte 0",
	} {
		for _, path := range []string{"/v1/completions", "/v1/chat/completions"} {
			refusal{400, invalid, "", "", []string{"JSON", offset}}.check(t, send(t, f.Addrs().HTTP+path, body))
		}
	}
	deep := `{"model":"sim","prompt":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`
	if r := send(t, f.Addrs().HTTP+"/v1/completions", deep); r.Status != 400 {
		t.Errorf("40 nested arrays: status %d: %s", r.Status, r.Body)
	}
}

func named(t *testing.T, f Fleet) {
	for _, c := range []struct {
		field string
		value any
		want  refusal
	}{
		{"tools", []object{{"type": "function"}}, refusal{code: "unsupported_parameter", param: "tools", says: []string{"tools"}}},
		{"best_of", 3, refusal{code: "unsupported_parameter", param: "best_of", says: []string{"best_of"}}},
		{"frobnicate", 1, refusal{code: "unknown_parameter", param: "frobnicate", says: []string{"frobnicate"}}},
		{"temperature", 3, refusal{code: "decimal_above_max_value", param: "temperature", says: []string{"temperature", "2"}}},
		{"max_tokens", 0, refusal{code: "integer_below_min_value", param: "max_tokens", says: []string{"max_tokens"}}},
		{"n", "two", refusal{code: "invalid_type", param: "n", says: []string{"'n'"}}},
		{"prompt", nil, refusal{code: "missing_required_parameter", param: "prompt", says: []string{"prompt"}}},
	} {
		body := object{"model": "sim", "prompt": "mill"}
		body[c.field] = c.value
		c.want.status, c.want.typ = 400, invalid
		t.Run(c.field, func(t *testing.T) { c.want.check(t, send(t, f.Addrs().HTTP+"/v1/completions", body)) })
	}
	r := send(t, f.Addrs().HTTP+"/v1/completions", object{"model": "sim", "prompt": "x"}, "X-Leat-Timeout", "soon")
	refusal{400, invalid, "invalid_header", "x-leat-timeout", []string{"soon", "first_token"}}.check(t, r)
}

func unknownModel(t *testing.T, f Fleet) {
	refusal{404, invalid, "model_not_found", "model", []string{"'gpt-none'", "sim"}}.
		check(t, send(t, f.Addrs().HTTP+"/v1/completions", object{"model": "gpt-none", "prompt": "x"}))
	refusal{404, invalid, "model_not_found", "model", []string{"'gpt-none'", "sim"}}.
		check(t, send(t, f.Addrs().HTTP+"/v1/chat/completions", object{"model": "gpt-none", "messages": []object{{"role": "user", "content": "x"}}}))
}

// contextTooLong: the simulated engine holds 65,536 tokens.
func contextTooLong(t *testing.T, f Fleet) {
	long := make([]int, 70_000)
	for i := range long {
		long[i] = 10 + i%50
	}
	want := refusal{400, invalid, "context_length_exceeded", "prompt", []string{"70000", "65536"}}
	want.check(t, send(t, f.Addrs().HTTP+"/v1/completions", object{"model": "sim", "prompt": long}))
	want.check(t, send(t, f.Addrs().HTTP+"/v1/completions", object{"model": "sim", "prompt": long, "stream": true}))
	want.param = "messages"
	want.says = []string{"65536"}
	want.check(t, send(t, f.Addrs().HTTP+"/v1/chat/completions", object{
		"model": "sim", "messages": []object{{"role": "user", "content": strings.Repeat("mill ", 70_000)}},
	}))
}

// bodyTooLarge: the limit is 32 MiB unless configured; both sizes are told, also where the length is not known before.
func bodyTooLarge(t *testing.T, f Fleet) {
	limit := 32 << 20
	body := `{"model":"sim","prompt":"` + strings.Repeat("a", limit) + `"}`
	refusal{413, invalid, "request_too_large", "", []string{fmt.Sprint(len(body)), fmt.Sprint(limit)}}.
		check(t, send(t, f.Addrs().HTTP+"/v1/completions", body))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.Addrs().HTTP+"/v1/completions", struct{ io.Reader }{strings.NewReader(body)})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	refusal{413, invalid, "request_too_large", "", []string{"more than", fmt.Sprint(limit)}}.check(t, reply{resp.StatusCode, resp.Header, data})
}

// notHonoured: a relay to a server of OpenAI's kind cannot take top_k, and the refusal names it; the rest it relays.
func notHonoured(t *testing.T, f Fleet) {
	m := f.AddWorker(t, relay("relay-1", f))
	defer m.Stop(t)
	until(t, "the relayed model is listed", func() bool { return get(t, f.Addrs().HTTP+"/v1/models/relay").Status == http.StatusOK })
	refusal{400, invalid, "unsupported_parameter", "top_k", []string{"openai", "relay", "top_k"}}.
		check(t, send(t, f.Addrs().HTTP+"/v1/completions", object{"model": "relay", "prompt": "mill", "top_k": 5}))
	body := object{"model": "sim", "prompt": "mill", "temperature": 0, "max_tokens": 9}
	direct := decode[completion](t, send(t, f.Addrs().HTTP+"/v1/completions", body))
	body["model"] = "relay"
	relayed := decode[completion](t, send(t, f.Addrs().HTTP+"/v1/completions", body))
	if relayed.Choices[0].Text != direct.Choices[0].Text || relayed.Model != "relay" {
		t.Errorf("relayed %+v, direct %+v", relayed, direct)
	}
}

func unknownPath(t *testing.T, f Fleet) {
	refusal{404, invalid, "unknown_url", "", []string{"/v1/nothing", "/v1/completions"}}.
		check(t, send(t, f.Addrs().HTTP+"/v1/nothing", object{}))
	r := get(t, f.Addrs().HTTP+"/v1/completions")
	refusal{405, invalid, "method_not_allowed", "", []string{"POST"}}.check(t, r)
	if r.Header.Get("Allow") != "POST" {
		t.Errorf("Allow is %q", r.Header.Get("Allow"))
	}
	r = send(t, f.Addrs().HTTP+"/v1/models/sim", object{})
	refusal{405, invalid, "method_not_allowed", "", []string{"GET"}}.check(t, r)
	r = send(t, f.Addrs().HTTP+"/v1/completions", "zipped", "Content-Encoding", "gzip")
	refusal{415, invalid, "unsupported_encoding", "", []string{"gzip"}}.check(t, r)
	m := f.AddWorker(t, relay("relay-3", f))
	defer m.Stop(t)
	until(t, "the relayed model is listed", func() bool { return get(t, f.Addrs().HTTP+"/v1/models/relay").Status == http.StatusOK })
	refusal{400, invalid, "tokenizer_not_available", "model", []string{"relay"}}.check(t, get(t, f.Addrs().HTTP+"/tokenizer_info?model=relay"))
}
