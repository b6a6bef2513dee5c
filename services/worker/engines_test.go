package worker_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker"
)

// upstream is as much of an OpenAI-compatible server as the test needs.
func upstream(t *testing.T) string {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"object":"list","data":[{"id":"up","object":"model"}]}`)
	})
	mux.HandleFunc("POST /v1/completions", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !bytes.Contains(body, []byte(`"up"`)) {
			http.Error(w, `{"error":{"message":"not asked by its own name"}}`, http.StatusNotFound)
			return
		}
		if !bytes.Contains(bytes.ReplaceAll(body, []byte(" "), nil), []byte(`"stream":true`)) {
			fmt.Fprint(w, `{"choices":[{"index":0,"text":"whole","finish_reason":"stop"}],"usage":{"prompt_tokens":2,"completion_tokens":1}}`)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for _, s := range []string{`{"choices":[{"index":0,"text":"in "}]}`, `{"choices":[{"index":0,"text":"parts","finish_reason":"stop"}]}`,
			`{"choices":[],"usage":{"prompt_tokens":2,"completion_tokens":2}}`, `[DONE]`} {
			fmt.Fprintf(w, "data: %s\n\n", s)
		}
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

func TestAnUpstreamIsServedUnderItsOwnName(t *testing.T) {
	cfg := worker.DefaultConfig()
	cfg.Engine, cfg.Model, cfg.OpenAI.Upstream, cfg.OpenAI.MetricsInterval = "openai", "mine=up", upstream(t), 0
	if err := worker.Prepare(t.Context(), &cfg, io.Discard); err != nil {
		t.Fatal(err)
	}
	f := start(t, setup{cfg: cfg})
	f.mu.Lock()
	if r := f.last(); r.GetPool() != "mine" || r.GetModels()[0] != "mine" || r.GetEngine() != "openai" || r.GetSlots() != 64 {
		t.Errorf("report %v", r)
	}
	f.mu.Unlock()
	for stream, want := range map[bool]string{false: "whole", true: "in parts"} {
		o := f.order()
		o.req.Model, o.req.Stream = "mine", stream
		text, end := f.answer(f.send(o))
		if text != want || end.GetFinishReason() != "stop" || end.GetUsage().GetUncachedInput() != 2 {
			t.Errorf("stream %v: %q %v", stream, text, end)
		}
		f.verdict(o.Number, inferv1.Verdict_VERDICT_DONE)
	}
}

func TestPrepareNamesWhatIsMissing(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*worker.Config)
		want   string
	}{
		"no upstream": {func(c *worker.Config) { c.Engine, c.Model = "openai", "m" }, "--upstream"},
		"no model":    {func(c *worker.Config) { c.Engine, c.OpenAI.Upstream = "openai", "http://127.0.0.1:1" }, "--model"},
		"no library":  {func(c *worker.Config) { c.Llama.EngineLib = t.TempDir() }, "--engine-lib"},
		"sim":         {func(c *worker.Config) { c.Engine, c.Sim.MeanOutput = "sim", -1 }, "mean_output"},
	} {
		cfg := worker.DefaultConfig()
		c.change(&cfg)
		if err := worker.Prepare(t.Context(), &cfg, io.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConfigRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*worker.Config)
		want   string
	}{
		"name":       {func(c *worker.Config) { c.Name = "a.b" }, `"a-b"`},
		"pool":       {func(c *worker.Config) { c.Pool = "a b" }, `"a-b"`},
		"slots":      {func(c *worker.Config) { c.Slots = -1 }, "slots"},
		"weight":     {func(c *worker.Config) { c.Weight = 1001 }, "weight"},
		"overcommit": {func(c *worker.Config) { c.Overcommit = 1 << 20 }, "overcommit"},
		"grace":      {func(c *worker.Config) { c.Grace = -1 }, "grace"},
		"nothing":    {func(*worker.Config) {}, ""},
	} {
		cfg := worker.DefaultConfig()
		c.change(&cfg)
		err := cfg.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOnlyAnEnginesChildIsTakenForOne(t *testing.T) {
	for line, want := range map[string]bool{"engine llama": true, "engine guard 1s vllm": true, "engine llama --fd 3": true, "engine": false, "engine other": false, "worker": false, "": false} {
		if got := worker.IsEngine(strings.Fields(line)); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
	if err := worker.Engine(context.Background(), []string{"engine", "other"}, nil); err == nil {
		t.Error("started an engine that does not exist")
	}
}
