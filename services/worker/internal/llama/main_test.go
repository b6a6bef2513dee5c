package llama_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/llama"
	"github.com/leathq/leat/services/worker/internal/llama/child"
)

// TestMain lets the test binary be its own engine child.
func TestMain(m *testing.M) {
	if os.Getenv("LEAT_TEST_CHILD") != "" {
		go abortOnSignal()
		os.Exit(child.Main(context.Background(), nil, os.Stderr))
	}
	if os.Getenv("LEAT_TEST_PARENT") != "" {
		os.Exit(parent())
	}
	os.Exit(m.Run())
}

func selfCommand() (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "LEAT_TEST_CHILD="+os.TempDir())
	return cmd, nil
}

// fixture names the real model and library, or fails with how to get them.
func fixture(t testing.TB, env, path string) string {
	t.Helper()
	if p := os.Getenv(env); p != "" {
		return p
	}
	cache := os.Getenv("LEAT_CACHE")
	if cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(dir, "leat")
	}
	p := filepath.Join(cache, path)
	if _, err := os.Stat(p); err != nil {
		t.Fatalf("%v: run `make test` once, which fetches it, or set LEAT_CACHE or %s", err, env)
	}
	return p
}

func modelPath(t testing.TB) string {
	return fixture(t, "LEAT_TEST_MODEL", "models/smollm2-135m-instruct-q4_1.gguf")
}

func libDir(t testing.TB) string {
	return fixture(t, "LEAT_TEST_ENGINE_LIB", "engine/llama-0.5.0-linux-x64")
}

// start runs an engine with the real model until the test ends.
func start(t testing.TB, change func(*llama.Config), deps llama.Deps) *llama.Engine {
	t.Helper()
	cfg := llama.Config{Model: modelPath(t), LibDir: libDir(t), Slots: 6, Context: 512}
	if change != nil {
		change(&cfg)
	}
	if deps.Command == nil {
		deps.Command = selfCommand
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	e, err := llama.New(t.Context(), cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	if w.t.Context().Err() == nil {
		w.t.Logf("%s", b)
	}
	return len(b), nil
}

var _ io.Writer = testWriter{}

// sink collects a sequence's deltas. Its reader grants credit without end, unless a test takes it away.
type sink struct {
	mu      sync.Mutex
	deltas  []engine.Delta
	credit  int
	granted chan struct{} // closed when credit is granted; nil: never dry
	onDelta func(engine.Delta)
}

func (s *sink) Emit(d engine.Delta) {
	s.mu.Lock()
	s.deltas = append(s.deltas, d)
	s.credit--
	f := s.onDelta
	s.mu.Unlock()
	if f != nil {
		f(d)
	}
}

func (s *sink) Credit() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.granted == nil {
		return 1
	}
	return s.credit
}

func (s *sink) Wait(ctx context.Context) error {
	select {
	case <-s.granted:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// whole folds a sequence's deltas into one.
func (s *sink) whole() engine.Delta {
	s.mu.Lock()
	defer s.mu.Unlock()
	var w engine.Delta
	for _, d := range s.deltas {
		w.Text += d.Text
		w.Tokens = append(w.Tokens, d.Tokens...)
		w.Logprobs = append(w.Logprobs, d.Logprobs...)
		w.Prompt = append(w.Prompt, d.Prompt...)
		if d.Finish != "" {
			w.Finish, w.Usage, w.Timing = d.Finish, d.Usage, d.Timing
		}
	}
	return w
}

// generate runs one sequence and returns everything it emitted.
func generate(t testing.TB, e *llama.Engine, req engine.Request) engine.Delta {
	t.Helper()
	var s sink
	if err := e.Generate(t.Context(), &req, &s); err != nil {
		t.Fatal(err)
	}
	return s.whole()
}

func greedy() engine.Sampling { return engine.Sampling{Temperature: new(float64)} }

// towardsEnd lets a turn end within a few sentences: without it the small model, on some CPUs, repeats itself for ever.
func towardsEnd(t *testing.T, e *llama.Engine) map[int32]float64 {
	t.Helper()
	ids, err := e.Tokenize(t.Context(), "<|im_end|>", false, true)
	if err != nil || len(ids) != 1 {
		t.Fatalf("the end of a turn is %v, %v", ids, err)
	}
	return map[int32]float64{ids[0]: 6}
}
