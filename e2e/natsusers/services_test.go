package natsusers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/e2e/driver/procs"
	"github.com/leathq/leat/e2e/driver/programs"
	"github.com/leathq/leat/e2e/natsusers"
	"github.com/leathq/leat/e2e/scenario"
	"github.com/leathq/leat/pkg/events"
)

// start runs one of leat's commands under a role's user.
func start(t *testing.T, out *procs.Output, nats string, user events.Role, args ...string) *procs.Process {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password(user)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args = append(args, "--nats", nats, "--nats-user", string(user), "--nats-password-file", file, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--log-format", "json")
	return procs.Run(t, out, programs.Ours(t, "leat"), args...)
}

// post sends a request once it is answered with 200: until then the fleet is still finding itself.
func post(t *testing.T, url string, body map[string]any, patience time.Duration) (status int, answer string) {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode == http.StatusOK || ctx.Err() != nil {
			return resp.StatusCode, string(text)
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// use asks a gateway for all that takes a way of its own over the bus: an answer, a payload that goes by claim check, a
// question to a worker, and one of those whose answer is large.
func use(t *testing.T, gateway string) {
	t.Helper()
	long := strings.Repeat("a long prompt. ", 60_000)
	for _, c := range []struct {
		path string
		body map[string]any
	}{
		{"/v1/completions", map[string]any{"model": "sim", "prompt": "hello", "max_tokens": 300}}, // beyond the first credit
		{"/v1/completions", map[string]any{"model": "sim", "prompt": long, "max_tokens": 4}},
		{"/tokenize", map[string]any{"model": "sim", "prompt": "hello"}},
		{"/tokenize", map[string]any{"model": "sim", "prompt": long}},
	} {
		if status, answer := post(t, gateway+c.path, c.body, 30*time.Second); status != http.StatusOK {
			t.Errorf("%s: %d %.300s", c.path, status, answer)
		}
	}
}

// Each service has what it needs under its own user: answers, large payloads, a worker's entry, a router's end and the
// takeover. Whatever the server forbids is a permission that is missing.
func TestServicesServeUnderTheirOwnUsers(t *testing.T) {
	url, log := serve(t, natsusers.Conf(users()))
	out := &procs.Output{}
	t.Cleanup(func() {
		for _, line := range log.list() {
			t.Errorf("forbidden: %s", line)
		}
		if t.Failed() {
			t.Log(out.Tail(30))
		}
	})
	router := start(t, out, url, events.Router, "router")
	start(t, out, url, events.Worker, "worker", "--engine", "sim", "--sim-kv-blocks", "65536", "--sim-chunk-tokens", "400000", "--sim-prefill-rate", "10000000")
	gateway := start(t, out, url, events.Gateway, "gateway")
	scenario.Ready(t, router.URL())
	scenario.Ready(t, gateway.URL())
	use(t, gateway.URL())
	looks(t, url)
	works(t, url, gateway.URL())
	heir := start(t, out, url, events.Router, "router")
	scenario.Ready(t, heir.URL())
	router.Kill(t)
	use(t, gateway.URL())
	whole := start(t, out, url, events.Whole, "up", "--without", "worker")
	scenario.Ready(t, whole.URL())
	use(t, whole.URL())
}

// looks holds leat top to its own user.
func looks(t *testing.T, nats string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), programs.Ours(t, "leat"), "top", "--once", "--nats", nats, "--addr", "")
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "LEAT_NATS_USER=console", "LEAT_NATS_PASSWORD=" + password(events.Console)}
	if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), "1 of 1 workers ready") {
		t.Errorf("leat top: %v\n%s", err, out)
	}
}

// works has a job done that is published under the jobs' user, and a batch.
func works(t *testing.T, nats, gateway string) {
	t.Helper()
	line := `{"custom_id":"a","method":"POST","url":"/v1/completions","body":{"model":"sim","prompt":"hello","max_tokens":3}}`
	in := filepath.Join(t.TempDir(), "in.jsonl")
	if err := os.WriteFile(in, []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, programs.Ours(t, "leat"), "jobs", "submit", in, "--out", in+".out", "--nats", nats)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "LEAT_NATS_USER=jobs", "LEAT_NATS_PASSWORD=" + password(events.Client)}
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("leat jobs submit: %v\n%s", err, out)
	}
	if answers, err := os.ReadFile(in + ".out"); err != nil || !strings.Contains(string(answers), `"text_completion"`) {
		t.Errorf("a job's answer: %s %v", answers, err)
	}
	var file, batch struct {
		ID     string `json:"id"`
		Status string `json:"status"`
		Output string `json:"output_file_id"`
	}
	form := &bytes.Buffer{}
	w := multipart.NewWriter(form)
	part, err := w.CreateFormFile("file", "in.jsonl")
	if err == nil {
		_, err = part.Write([]byte(line + "\n"))
	}
	if err := errors.Join(err, w.WriteField("purpose", "batch"), w.Close()); err != nil {
		t.Fatal(err)
	}
	call(t, http.MethodPost, gateway+"/v1/files", w.FormDataContentType(), form, &file)
	call(t, http.MethodPost, gateway+"/v1/batches", "application/json", strings.NewReader(
		`{"input_file_id":"`+file.ID+`","endpoint":"/v1/completions","completion_window":"24h"}`), &batch)
	for batch.Status != "completed" {
		select {
		case <-ctx.Done():
			t.Fatalf("the batch is not done: %+v", batch)
		case <-time.After(50 * time.Millisecond):
		}
		call(t, http.MethodGet, gateway+"/v1/batches/"+batch.ID, "", nil, &batch)
	}
	if batch.Output == "" {
		t.Errorf("the batch has no output: %+v", batch)
	}
}

// call sends a request that must succeed and reads its answer.
func call(t *testing.T, method, url, kind string, body io.Reader, out any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(data, out) != nil {
		t.Fatalf("%s %s: %d %s %v", method, url, resp.StatusCode, data, err)
	}
}

// A service under another's user does not serve, and its log says why.
func TestAServiceUnderAnothersUserIsRefused(t *testing.T) {
	url, _ := serve(t, natsusers.Conf(users()))
	out := &procs.Output{}
	scenario.Ready(t, start(t, out, url, events.Router, "router").URL())
	start(t, out, url, events.Worker, "worker", "--engine", "sim")
	good := start(t, out, url, events.Gateway, "gateway")
	if status, answer := post(t, good.URL()+"/v1/completions", map[string]any{"model": "sim", "prompt": "x", "max_tokens": 1}, 30*time.Second); status != http.StatusOK {
		t.Fatalf("%d %s\n%s", status, answer, out.Tail(30))
	}
	bad := &procs.Output{}
	wrong := start(t, bad, url, events.Worker, "gateway")
	if status, answer := post(t, wrong.URL()+"/v1/completions", map[string]any{"model": "sim", "prompt": "x", "max_tokens": 1}, 2*time.Second); status == http.StatusOK {
		t.Errorf("a gateway under the worker's user serves: %s", answer)
	}
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(bad.String(), "NATS forbids this process something that it needs"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("nothing in its log says why:\n%s", bad.Tail(30))
		}
	}
}
