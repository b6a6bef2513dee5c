package llama_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/llama"
)

func TestAdapters(t *testing.T) {
	zero, poet := lora(t, 1, 0), lora(t, 2, 0.6)
	kids := &nursery{lib: libDir(t)}
	e := start(t, func(c *llama.Config) {
		c.Context, c.Slots, c.AdapterSlots, c.AdapterContexts = 256, 4, 3, 2
		c.Adapters = []llama.Adapter{{Name: "zero", Path: zero}, {Name: "poet", Path: poet}}
	}, llama.Deps{Command: kids.command})
	base := e.Info()
	for _, a := range base.Adapters {
		t.Logf("%+v", a)
		if !a.Exact || a.Version == base.ModelVersion || a.Fingerprint == base.Fingerprint || a.Fingerprint == "" {
			t.Errorf("adapter %+v of %s", a, base.Fingerprint)
		}
	}
	ask := func(adapter string, i int) engine.Request {
		q := engine.Request{Prompt: engine.Prompt{Text: prose[11*i : 11*i+50]}, Sampling: greedy(), MaxTokens: 8, IgnoreEOS: true, Logprobs: true, Adapter: adapter}
		if i%2 == 1 {
			warm, seed := 0.8, int64(i)
			q.Temperature, q.Seed = &warm, &seed
		}
		return q
	}
	t.Run("an adapter that changes nothing gives the model's bits", func(t *testing.T) {
		for i := range 3 {
			if n := bitsApart(generate(t, e, ask("", i)), generate(t, e, ask("zero", i))); n > 0 {
				t.Errorf("%d bits differ", n)
			}
		}
	})
	t.Run("an adapter changes the answer", func(t *testing.T) {
		b, p := generate(t, e, ask("", 0)), generate(t, e, ask("poet", 0))
		if slices.Equal(b.Tokens, p.Tokens) {
			t.Errorf("both say %q", b.Text)
		}
	})
	t.Run("loading while others run, and the same bits in any company", func(t *testing.T) { loadUnderLoad(t, e, ask) })
	t.Run("unloading waits for what runs and refuses what comes", func(t *testing.T) { unloadRunning(t, e, ask) })
	t.Run("errors", func(t *testing.T) { adapterErrors(t, e, poet) })
	t.Run("a restarted engine has its adapters again", func(t *testing.T) {
		before := generate(t, e, ask("poet", 0))
		if err := syscall.Kill(kids.last(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, 60*time.Second, "healthy again", func() bool { st := e.Stats(); return st.Healthy && st.Restarts == 1 })
		if n := bitsApart(before, generate(t, e, ask("poet", 0))); n > 0 || len(e.Info().Adapters) != 2 {
			t.Errorf("%d bits differ; adapters %+v", n, e.Info().Adapters)
		}
	})
}

// loadUnderLoad has the model and three adapters, of which two have a context at a time, answer alone and all at once.
func loadUnderLoad(t *testing.T, e *llama.Engine, ask func(string, int) engine.Request) {
	var wg sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	wg.Go(func() {
		for ctx.Err() == nil {
			q := ask("poet", 1)
			_ = e.Generate(ctx, &q, &sink{})
		}
	})
	a, err := e.LoadAdapter(t.Context(), "judge", loraFile{arch: "llama", kind: "lora", seed: 3, size: 0.6, half: true}.write(t))
	stop()
	wg.Wait()
	if err != nil || !a.Exact || len(e.Info().Adapters) != 3 {
		t.Fatalf("%+v, %v; %+v", a, err, e.Info().Adapters)
	}
	var reqs []engine.Request
	for i := range 10 {
		reqs = append(reqs, ask([]string{"", "poet", "judge", "poet", "zero"}[i%5], i))
	}
	alone := make([]engine.Delta, len(reqs))
	for i, q := range reqs {
		alone[i] = generate(t, e, q)
	}
	var differ int
	var mu sync.Mutex
	for i, q := range reqs {
		wg.Go(func() {
			n := bitsApart(alone[i], generate(t, e, q))
			mu.Lock()
			differ += n
			mu.Unlock()
		})
	}
	wg.Wait()
	if differ > 0 {
		t.Errorf("%d bits differ", differ)
	}
	if slices.Equal(alone[1].Tokens, alone[2].Tokens) {
		t.Error("two adapters say the same")
	}
}

func unloadRunning(t *testing.T, e *llama.Engine, ask func(string, int) engine.Request) {
	q := ask("judge", 2)
	q.MaxTokens = 40
	first := make(chan struct{})
	s := &sink{onDelta: func(engine.Delta) {
		select {
		case first <- struct{}{}:
		default:
		}
	}}
	ended := make(chan error, 1)
	go func() { ended <- e.Generate(t.Context(), &q, s) }()
	<-first
	gone := make(chan error, 1)
	go func() { gone <- e.UnloadAdapter(t.Context(), "judge") }()
	var ee *engine.Error
	for { // from some moment on, new sequences are refused
		late := ask("judge", 3)
		if err := e.Generate(t.Context(), &late, &sink{}); errors.As(err, &ee) {
			break
		}
	}
	if ee.Code != "model_not_found" || !ee.Client {
		t.Errorf("%#v", ee)
	}
	if err := <-ended; err != nil || len(s.whole().Tokens) != 40 {
		t.Errorf("the running sequence ended with %v after %d tokens", err, len(s.whole().Tokens))
	}
	if err := <-gone; err != nil {
		t.Error(err)
	}
	if len(e.Info().Adapters) != 2 {
		t.Errorf("%+v", e.Info().Adapters)
	}
}

func adapterErrors(t *testing.T, e *llama.Engine, good string) {
	bad := filepath.Join(t.TempDir(), "bad.gguf")
	if err := os.WriteFile(bad, []byte("GGUF\x03\x00\x00\x00 and so on"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, path, want string }{
		{"poet", good, "loaded already"},
		{"a:b", good, "other characters"},
		{"x", filepath.Join(t.TempDir(), "none.gguf"), "no such file"},
		{"x", bad, "no usable GGUF"},
		{"x", modelPath(t), "no LoRA adapter"},
		{"x", loraFile{arch: "qwen2", kind: "lora"}.write(t), `for the architecture "qwen2"`},
		{"x", loraFile{arch: "llama", kind: "control_vector"}.write(t), "no LoRA adapter"},
		{"x", loraFile{arch: "llama", kind: "lora", tensors: "other."}.write(t), "do not fit this model"},
	} {
		_, err := e.LoadAdapter(t.Context(), c.name, c.path)
		var ee *engine.Error
		if !errors.As(err, &ee) || !ee.Client || !strings.Contains(ee.Message, c.want) {
			t.Errorf("%s %s: %v, want …%s…", c.name, filepath.Base(c.path), err, c.want)
		}
	}
	if err := e.UnloadAdapter(t.Context(), "nobody"); err == nil || !strings.Contains(err.Error(), "no adapter named") {
		t.Error(err)
	}
	if n := len(e.Info().Adapters); n != 2 {
		t.Errorf("%d adapters after what failed, want 2", n)
	}
}
