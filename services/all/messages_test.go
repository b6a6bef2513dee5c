package all_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/leathq/leat/pkg/pool"
	"github.com/leathq/leat/services/worker"
)

// thinks is an answer as the Messages API documents it: thinking, thinking that is not shown, thinking, text and a call.
var thinks = []string{
	`{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"usage":{"input_tokens":25,"cache_creation_input_tokens":7,"cache_read_input_tokens":100,"output_tokens":1}}}`,
	`{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`,
	`{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Two "}}`,
	`{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"cities."}}`,
	`{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQB=="}}`,
	`{"type":"content_block_stop","index":0}`,
	`{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"ErcB/hidden="}}`,
	`{"type":"content_block_stop","index":1}`,
	`{"type":"content_block_start","index":2,"content_block":{"type":"thinking","thinking":"","signature":""}}`,
	`{"type":"content_block_delta","index":2,"delta":{"type":"thinking_delta","thinking":"Paris first."}}`,
	`{"type":"content_block_delta","index":2,"delta":{"type":"signature_delta","signature":"Zzz="}}`,
	`{"type":"content_block_stop","index":2}`,
	`{"type":"content_block_start","index":3,"content_block":{"type":"text","text":""}}`,
	`{"type":"content_block_delta","index":3,"delta":{"type":"text_delta","text":"I look."}}`,
	`{"type":"content_block_stop","index":3}`,
	`{"type":"content_block_start","index":4,"content_block":{"type":"tool_use","id":"toolu_1","name":"weather","input":{}}}`,
	`{"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"{\"city\":\"Paris\"}"}}`,
	`{"type":"content_block_stop","index":4}`,
	`{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":89}}`,
	`{"type":"message_stop"}`,
}

// content is what such an answer says, as a client has it and sends it back.
const content = `[{"type":"thinking","thinking":"Two cities.","signature":"EqQB=="},{"type":"redacted_thinking","data":"ErcB/hidden="},
	{"type":"thinking","thinking":"Paris first.","signature":"Zzz="},{"type":"text","text":"I look."},
	{"type":"tool_use","id":"toolu_1","name":"weather","input":{"city":"Paris"}}]`

// messagesAPI is a provider of it that keeps the last body it was sent.
type messagesAPI struct {
	mu   sync.Mutex
	last []byte
}

func (p *messagesAPI) body(t *testing.T) (m map[string]any) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := json.Unmarshal(p.last, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func (p *messagesAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		_, _ = io.WriteString(w, `{"type":"model","id":"claude"}`)
		return
	}
	p.mu.Lock()
	p.last, _ = io.ReadAll(r.Body)
	p.mu.Unlock()
	if strings.HasSuffix(r.URL.Path, "/count_tokens") {
		_, _ = io.WriteString(w, `{"input_tokens":14}`)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for _, e := range thinks {
		var kind struct{ Type string }
		_ = json.Unmarshal([]byte(e), &kind)
		_, _ = io.WriteString(w, "event: "+kind.Type+"\ndata: "+e+"\n\n")
	}
}

// provider adds a worker with the engine anthropic before such a provider.
func (f *fleet) provider(t *testing.T) *messagesAPI {
	t.Helper()
	p := &messagesAPI{}
	up := httptest.NewServer(p)
	t.Cleanup(up.Close)
	t.Setenv("LEAT_TEST_KEY", "secret")
	cfg := worker.DefaultConfig()
	cfg.Engine, cfg.Model, cfg.Name = "anthropic", "claude", "w-claude"
	cfg.Anthropic.Upstream, cfg.Anthropic.KeyEnvs = up.URL, []string{"LEAT_TEST_KEY"}
	f.join(t, cfg)
	f.awaitModel(t, "claude")
	return p
}

func (f *fleet) message(t *testing.T, path, body string) (m map[string]any, raw string) {
	t.Helper()
	status, m, raw := f.ask(t, "POST", path, "application/json", strings.NewReader(body))
	if status != 200 {
		t.Fatalf("%d %s", status, raw)
	}
	return m, raw
}

func decoded(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func same(t *testing.T, what string, got any, want string) {
	t.Helper()
	if !reflect.DeepEqual(got, decoded(t, want)) {
		text, _ := json.Marshal(got)
		t.Errorf("%s\n%s, want\n%s", what, text, want)
	}
}

const asked = `{"model":"claude","max_tokens":2048,"thinking":{"type":"enabled","budget_tokens":1024},
	"system":[{"type":"text","text":"Be brief."},{"type":"text","text":"A long manual.","cache_control":{"type":"ephemeral","ttl":"1h"}}],
	"tools":[{"name":"weather","input_schema":{"type":"object"},"cache_control":{"type":"ephemeral"}}],
	"messages":[{"role":"user","content":[{"type":"text","text":"Paris?","cache_control":{"type":"ephemeral"}}]}`

// An agent's loop over the Messages API: the provider gets its thoughts back as it gave them, and the marks of what it is to
// keep; the client gets every block and the cache's share of the usage, streamed or not.
func TestAnAgentsTurnsThroughAProviderOfMessages(t *testing.T) {
	f := start(t, pool.Timeouts{})
	p := f.provider(t)
	m, _ := f.message(t, "/v1/messages", asked+`]}`)
	same(t, "content", m["content"], content)
	same(t, "usage", m["usage"], `{"input_tokens":25,"cache_creation_input_tokens":7,"cache_read_input_tokens":100,"output_tokens":89}`)
	if m["stop_reason"] != "tool_use" {
		t.Errorf("stop reason %v", m["stop_reason"])
	}
	sent := p.body(t)
	same(t, "system", sent["system"], `[{"type":"text","text":"Be brief."},{"type":"text","text":"A long manual.","cache_control":{"type":"ephemeral","ttl":"1h"}}]`)
	same(t, "tools", sent["tools"], `[{"name":"weather","input_schema":{"type":"object"},"cache_control":{"type":"ephemeral"}}]`)
	same(t, "thinking", sent["thinking"], `{"type":"enabled","budget_tokens":1024}`)

	turns := `,{"role":"assistant","content":` + content + `},{"role":"user","content":[
		{"type":"tool_result","tool_use_id":"toolu_1","content":"sunny","cache_control":{"type":"ephemeral"}}]}],"cache_control":{"type":"ephemeral"}`
	_, raw := f.message(t, "/v1/messages", asked+turns+`,"stream":true}`)
	sent = p.body(t)
	same(t, "messages", sent["messages"], `[{"role":"user","content":[{"type":"text","text":"Paris?","cache_control":{"type":"ephemeral"}}]},
		{"role":"assistant","content":`+content+`},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1",
		"content":[{"type":"text","text":"sunny"}],"cache_control":{"type":"ephemeral"}}]}]`)
	same(t, "the request's own mark", sent["cache_control"], `{"type":"ephemeral"}`)
	for _, want := range []string{
		`"content_block":{"type":"redacted_thinking","data":"ErcB/hidden="}`, `{"type":"signature_delta","signature":"EqQB=="}`,
		`{"type":"signature_delta","signature":"Zzz="}`, `"cache_creation_input_tokens":7,"cache_read_input_tokens":100,"output_tokens":89`,
		`"stop_reason":"tool_use"`, `{"type":"message_stop"}`,
	} {
		if !strings.Contains(raw, want) {
			t.Errorf("the stream lacks %s:\n%s", want, raw)
		}
	}
	if strings.Count(raw, `"type":"content_block_start"`) != 5 || strings.Count(raw, `"type":"content_block_stop"`) != 5 {
		t.Errorf("not five blocks:\n%s", raw)
	}
	if m, _ := f.message(t, "/v1/messages/count_tokens", asked+turns+`}`); m["input_tokens"] != 14.0 {
		t.Errorf("counted %v", m)
	}
	same(t, "messages that are counted", p.body(t)["messages"], string(must(json.Marshal(sent["messages"]))))
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// Engines that keep prefixes by themselves are not told of marks; a schema goes to the provider in its own words.
func TestMarksAreForThoseWhoKnowThemAndSchemasForAll(t *testing.T) {
	f := start(t, pool.Timeouts{})
	p := f.provider(t)
	marked := `{"max_tokens":3,"messages":[{"role":"user","content":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]}],"model":`
	if m, _ := f.message(t, "/v1/messages", marked+`"sim"}`); m["stop_reason"] != "max_tokens" {
		t.Errorf("%v", m)
	}
	schema := `{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}`
	form := `{"format":{"type":"json_schema","schema":` + schema + `}}`
	f.message(t, "/v1/messages", marked+`"claude","output_config":`+form+`}`)
	same(t, "output_config", p.body(t)["output_config"], form)
	chat := `{"model":"claude","messages":[{"role":"user","content":"hi"}],"response_format":`
	f.message(t, "/v1/chat/completions", chat+`{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":`+schema+`}}}`)
	same(t, "output_config of a chat", p.body(t)["output_config"], form)
	if status, _, raw := f.ask(t, "POST", "/v1/chat/completions", "application/json", strings.NewReader(chat+`{"type":"json_object"}}`)); status != 400 || !strings.Contains(raw, "response_format") {
		t.Errorf("%d %s", status, raw)
	}
}
