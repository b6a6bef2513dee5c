package scenario

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gatewayv1 "github.com/leathq/leat/proto/gen/leat/gateway/v1"
)

// secret stands in prompts, ids stand in none: what is found outside an answer was leaked.
const secret = "canary7f3acanary"

// canary: at debug level, with traces on, no prompt and no completion gets into a log, a metric or a trace; and one
// trace leads from the client's own span through gateway and router to the engine.
func canary(t *testing.T, d Driver) {
	file := filepath.Join(t.TempDir(), "spans.json")
	w := fast("alpha")
	w.Args = append(w.Args, "--sim-context", "2000")
	f := d.Start(t, Spec{
		Config: "pools: {default: {queue_limit: 8}}\n", Workers: []Worker{w},
		Args: []string{"--log-level", "debug", "--trace-file", file},
	})
	f.AddWorker(t, relay("relay-1", f)) // whose upstream answers with errors that it must keep to itself
	until(t, "the relayed model is listed", func() bool { return get(t, f.Addrs().HTTP+"/v1/models/relay").Status == http.StatusOK })
	said := sayCanary(t, f)
	const trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	r := send(t, f.Addrs().HTTP+"/v1/chat/completions", object{
		"model": "sim", "messages": []object{{"role": "user", "content": secret}}, "max_tokens": 3, "ignore_eos": true,
	}, "Traceparent", "00-"+trace+"-"+parent+"-01")
	decode[completion](t, r)
	var chain []span
	until(t, "the trace is written", func() bool { chain = linked(readSpans(t, file), trace, parent); return len(chain) >= 3 })
	for i, service := range []string{"leat-gateway", "leat-router", "leat-worker"} {
		if got := chain[i].service(); got != service && got != "leat-leat" {
			t.Errorf("span %d of the trace is %q of %s, want one of %s", i, chain[i].Name, got, service)
		}
	}
	logged(t, f, r.Header.Get("X-Request-Id"))
	leaks(t, f, file, append(said, secret))
}

// logged: at debug level each request that ended has one line with what an operator asks about.
func logged(t *testing.T, f Fleet, id string) {
	var found []string
	until(t, "the end of "+id+" is logged", func() bool { // after its answer, and by another process
		for line := range strings.Lines(f.Output()) {
			if strings.Contains(line, "request ended") && strings.Contains(line, id) {
				found = append(found, line)
			}
		}
		return len(found) > 0
	})
	if len(found) != 1 {
		t.Fatalf("%d lines about the end of %s: %s", len(found), id, found)
	}
	for _, key := range []string{"model", "tenant", "status", "output_tokens", "ttft_seconds", "duration_seconds"} {
		if !strings.Contains(found[0], key) {
			t.Errorf("no %s in %s", key, found[0])
		}
	}
}

// sayCanary sends the secret in every way in which requests succeed and fail, and returns words of the answers.
func sayCanary(t *testing.T, f Fleet) (said []string) {
	url := f.Addrs().HTTP
	c := decode[completion](t, send(t, url+"/v1/completions", object{"model": "sim", "prompt": secret, "max_tokens": 6, "ignore_eos": true, "temperature": 0, "echo": true, "logprobs": 2}))
	if !strings.HasPrefix(c.Choices[0].Text, secret) {
		t.Fatalf("the echo %q does not say the canary: it could not be found anywhere", c.Choices[0].Text)
	}
	said = append(said, strings.TrimPrefix(c.Choices[0].Text, secret))
	for path, bodies := range map[string][]any{
		"/v1/completions": {
			object{"model": "sim", "prompt": []string{secret, "x " + secret}, "stream": true, "max_tokens": 3},
			object{"model": "sim", "prompt": strings.Repeat(secret+" ", 3000), "max_tokens": 1}, // too long
			object{"model": "sim", "prompt": strings.Repeat(secret+" ", 60_000)},                // by claim check
			object{"model": "sim", "prompt": secret, "tools": []string{secret}},
			object{"model": "sim", "prompt": secret, "stop": []string{secret}, "user": "u", "max_tokens": 2},
			object{"model": "sim", "prompt": []any{secret, 3}},
			`{"model":"sim","prompt":"` + secret + `"` + secret,
			object{"model": secret, "prompt": "x"},
			object{"model": "relay", "prompt": secret, "max_tokens": 3},
			object{"model": "relay", "prompt": secret, "max_tokens": 3, "stream": true},
			object{"model": "relay", "prompt": strings.Repeat(secret+" ", 3000), "max_tokens": 1},
		},
		"/v1/chat/completions": {
			object{"model": "sim", "messages": []object{{"role": "system", "content": secret}, {"role": "user", "content": secret}}, "stream": true, "max_tokens": 3},
			object{"model": "sim", "messages": []object{{"role": secret, "content": secret}}},
		},
		"/tokenize": {object{"prompt": secret}},
	} {
		for _, b := range bodies {
			send(t, url+path, b)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	resp, err := post(ctx, url+"/v1/completions", object{"model": "sim", "prompt": secret, "stream": true, "ignore_eos": true, "max_tokens": 1500})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close() // leaves in the middle
	if _, _, _, err := generate(t.Context(), gatewayv1.NewGatewayServiceClient(dial(t, f)), &gatewayv1.GenerateRequest{Model: "sim", Prompt: secret, MaxTokens: 2}); err != nil {
		t.Error(err)
	}
	idle(t, f)
	return said
}

// leaks looks for words in all that operators see.
func leaks(t *testing.T, f Fleet, traces string, words []string) {
	t.Helper()
	spans, err := os.ReadFile(traces)
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]string{"the log": f.Output(), "the trace file": string(spans)}
	for _, url := range f.Addrs().Metrics {
		places["metrics of "+url] = string(get(t, url).Body)
	}
	if !strings.Contains(places["the log"], `"level":"DEBUG"`) {
		t.Error("nothing was logged at debug level: the search proves nothing")
	}
	for where, text := range places {
		for _, w := range words {
			if i := strings.Index(text, w); i >= 0 {
				t.Errorf("%q is in %s: …%s…", w, where, text[max(0, i-300):min(len(text), i+300)])
			}
		}
	}
}

// span is one line of the trace file.
type span struct {
	Name        string
	SpanContext struct{ TraceID, SpanID string }
	Parent      struct{ SpanID string }
	Resource    []struct {
		Key   string
		Value struct{ Value any }
	}
}

func (s span) service() string {
	for _, a := range s.Resource {
		if a.Key == "service.name" {
			name, _ := a.Value.Value.(string)
			return name
		}
	}
	return ""
}

func readSpans(t *testing.T, file string) []span {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []span
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var s span
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Fatalf("trace file: %v: %s", err, lines.Bytes())
		}
		out = append(out, s)
	}
	return out
}

// linked follows a trace from a span to its child, the child's child and so on.
func linked(spans []span, trace, parent string) []span {
	var chain []span
	for i := 0; i < len(spans); i++ {
		if s := spans[i]; s.SpanContext.TraceID == trace && s.Parent.SpanID == parent {
			chain, parent, i = append(chain, s), s.SpanContext.SpanID, -1
		}
	}
	return chain
}
