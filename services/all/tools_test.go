package all_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/leathq/leat/pkg/pool"
	"github.com/leathq/leat/services/gateway"
)

// caller is an upstream that calls a tool whenever it is offered one, and keeps what it was sent.
type caller struct {
	mu   sync.Mutex
	last map[string]json.RawMessage
}

func (u *caller) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v1/models" {
		fmt.Fprint(w, `{"data":[{"id":"calls","owned_by":"vllm","max_model_len":4096}]}`)
		return
	}
	var req map[string]json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	u.mu.Lock()
	u.last = req
	u.mu.Unlock()
	const used = `"usage":{"prompt_tokens":5,"completion_tokens":4}`
	if string(req["stream"]) != "true" {
		fmt.Fprint(w, `{"choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"up_1","type":"function","function":{"name":"look","arguments":"{\"at\": 1}"}}]},"finish_reason":"tool_calls"}],`+used+`}`)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for _, delta := range []string{
		`{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"up_1","type":"function","function":{"name":"look","arguments":""}}]}`,
		`{"tool_calls":[{"index":0,"function":{"arguments":"{\"at\":"}}]}`, `{"tool_calls":[{"index":0,"function":{"arguments":" 1}"}}]}`,
	} {
		fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":%s,\"finish_reason\":null}]}\n\n", delta)
	}
	fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\ndata: {\"choices\":[],%s}\n\ndata: [DONE]\n\n", used)
}

func (u *caller) sent(name string) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return string(u.last[name])
}

// calling adds a worker whose upstream calls tools.
func (f *fleet) calling(t *testing.T) *caller {
	u := &caller{}
	f.relay(t, "calls", u)
	return u
}

func (f *fleet) post(t *testing.T, body []byte) (status int, answer string) {
	t.Helper()
	resp, err := http.Post(f.url+"/v1/chat/completions", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

const lookTool = `"tools":[{"type":"function","function":{"name":"look","parameters":{"type":"object","properties":{"at":{"type":"integer"}}}}}],"tool_choice":"required","parallel_tool_calls":false`

// Tools and formats reach an engine that takes chats as they are, and its calls come back, whole and streamed; an engine
// that cannot is named, with what it cannot.
func TestToolsPassThrough(t *testing.T) {
	f := start(t, pool.Timeouts{})
	u := f.calling(t)
	const wishes = lookTool + `,"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object","patternProperties":{}}}}`
	body := `{"model":"calls","messages":[{"role":"user","content":"hi"}],` + wishes
	status, answer := f.post(t, []byte(body+"}"))
	if status != 200 || !strings.Contains(answer, `"content":null,"tool_calls":[{"id":"up_1","type":"function","function":{"name":"look","arguments":"{\"at\": 1}"}}]`) || !strings.Contains(answer, `"finish_reason":"tool_calls"`) {
		t.Errorf("whole: %d %s", status, answer)
	}
	for _, field := range strings.Split(`"tools" "tool_choice" "parallel_tool_calls" "response_format"`, " ") {
		name := strings.Trim(field, `"`)
		if got := u.sent(name); got == "" || !strings.Contains(wishes, got) {
			t.Errorf("%s went as %s", name, got)
		}
	}
	status, answer = f.post(t, []byte(body+`,"stream":true}`))
	first := strings.Index(answer, `"tool_calls":[{"index":0,"id":"up_1","type":"function","function":{"name":"look","arguments":""}}]`)
	second := strings.Index(answer, `"tool_calls":[{"index":0,"function":{"arguments":"{\"at\":"}}]`)
	if status != 200 || first < 0 || second < first || !strings.Contains(answer, `"finish_reason":"tool_calls"`) || !strings.HasSuffix(answer, "data: [DONE]\n\n") {
		t.Errorf("streamed: %d %s", status, answer)
	}
	for field, want := range map[string]string{
		lookTool: "tools", `"response_format":{"type":"json_object"}`: "response_format",
		`"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/y.png"}}]}]`: "image_url",
	} {
		refused := `{"model":"sim","messages":[{"role":"user","content":"hi"}],` + field + `}`
		if strings.HasPrefix(field, `"messages"`) {
			refused = `{"model":"sim",` + field + `}`
		}
		if status, answer := f.post(t, []byte(refused)); status != 400 || !strings.Contains(answer, `"param":"`+want+`"`) || !strings.Contains(answer, "cannot honour '"+want+"'") {
			t.Errorf("%s: %d %s", want, status, answer)
		}
	}
}

// An image of 20 MiB goes through by claim check, unchanged; a body above the limit is refused with both sizes.
func TestALargeImageGoesThrough(t *testing.T) {
	f := start(t, pool.Timeouts{}, func(c *gateway.Config) { c.BodyLimit = 28 << 20 })
	u := f.calling(t)
	image := make([]byte, 20<<20)
	for i := range image {
		image[i] = byte(i * i >> 7)
	}
	url := "data:image/png;base64," + base64.StdEncoding.EncodeToString(image)
	body := func(more string) []byte {
		return []byte(`{"model":"calls","messages":[{"role":"user","content":[{"type":"text","text":"What is this?"},{"type":"image_url","image_url":{"url":"` + url + more + `"}}]}],` + lookTool + `}`)
	}
	status, answer := f.post(t, body(""))
	if status != 200 || !strings.Contains(answer, `"name":"look"`) {
		t.Fatalf("%d %.500s", status, answer)
	}
	var messages []struct {
		Content []struct {
			ImageURL struct{ URL string } `json:"image_url"`
		}
	}
	if err := json.Unmarshal([]byte(u.sent("messages")), &messages); err != nil {
		t.Fatal(err)
	}
	if got := messages[0].Content[1].ImageURL.URL; sha256.Sum256([]byte(got)) != sha256.Sum256([]byte(url)) {
		t.Errorf("the image came as %d bytes, not as the %d that were sent", len(got), len(url))
	}
	big := body(strings.Repeat("A", 4<<20))
	status, answer = f.post(t, big)
	if status != 413 || !strings.Contains(answer, fmt.Sprintf("%d bytes", len(big))) || !strings.Contains(answer, fmt.Sprintf("%d bytes", 28<<20)) {
		t.Errorf("too large: %d %.500s", status, answer)
	}
}
