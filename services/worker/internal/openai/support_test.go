package openai_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/openai"
)

// sink collects one sequence's deltas; credit is unlimited unless limit is set.
type sink struct {
	mu      sync.Mutex
	deltas  []engine.Delta
	limit   int
	granted chan struct{}
	first   chan struct{}
}

func newSink() *sink { return &sink{granted: make(chan struct{}), first: make(chan struct{})} }

func (s *sink) Emit(d engine.Delta) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deltas = append(s.deltas, d); len(s.deltas) == 1 {
		close(s.first)
	}
}

func (s *sink) Credit() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limit == 0 {
		return 1
	}
	return s.limit - len(s.deltas)
}

func (s *sink) Wait(ctx context.Context) error {
	select {
	case <-s.granted:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *sink) grant() {
	s.mu.Lock()
	s.limit = 0
	s.mu.Unlock()
	close(s.granted)
}

func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.deltas)
}

func (s *sink) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, d := range s.deltas {
		b.WriteString(d.Text)
	}
	return b.String()
}

func (s *sink) logprobs() (lps []engine.TokenLogprob) {
	for _, d := range s.deltas {
		lps = append(lps, d.Logprobs...)
	}
	return lps
}

func (s *sink) last() engine.Delta {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.deltas) == 0 {
		return engine.Delta{}
	}
	return s.deltas[len(s.deltas)-1]
}

// server is an upstream whose pages are set path by path; pages may change while it runs.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	pages map[string]http.HandlerFunc
	gone  chan struct{} // closed when the test ends, so that no handler outlives it
}

func (s *server) handle(path string, h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[path] = h
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	h := s.pages[r.URL.Path]
	s.mu.Unlock()
	if h == nil {
		http.NotFound(w, r)
		return
	}
	h(w, r)
}

// newServer is an upstream of one model "m" that answers the canary.
func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{pages: map[string]http.HandlerFunc{}, gone: make(chan struct{})}
	s.handle("/v1/models", page(`{"object":"list","data":[{"id":"m","object":"model","owned_by":"vllm","max_model_len":4096}]}`))
	s.handle("/v1/chat/completions", page(`{"choices":[{"index":0,"finish_reason":"length","message":{"content":"x"}}]}`))
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() {
		close(s.gone)
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

func page(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	}
}

func config(url string) openai.Config {
	cfg := openai.DefaultConfig()
	cfg.Upstream, cfg.Model = url, "m"
	return cfg
}

func open(t *testing.T, cfg openai.Config) *openai.Engine {
	t.Helper()
	e, err := openai.New(t.Context(), cfg, openai.Deps{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func healthy(t *testing.T, cfg openai.Config) *openai.Engine {
	t.Helper()
	e := open(t, cfg)
	if s := e.Stats(); !s.Healthy {
		t.Fatalf("not healthy: %s", s.HealthMessage)
	}
	return e
}

// bothTransports runs a test with the small client and with net/http, which carries https.
func bothTransports(t *testing.T, name string, test func(*testing.T, func(openai.Config) *openai.Engine)) {
	t.Run(name, func(t *testing.T) {
		test(t, func(cfg openai.Config) *openai.Engine { return healthy(t, cfg) })
	})
	t.Run(name+" by net/http", func(t *testing.T) {
		test(t, func(cfg openai.Config) *openai.Engine {
			e := healthy(t, cfg)
			e.UseNetHTTP()
			return e
		})
	})
}

func chat(stream bool) *engine.Request {
	return &engine.Request{
		ID: "req-1", Stream: stream, MaxTokens: 8,
		Prompt: engine.Prompt{Messages: []byte(`[{"role":"user","content":"What is the capital of France?"}]`)},
	}
}

// eventually polls a condition that another goroutine brings about, at once where the machine has nothing else to do.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// recorded is one answer of a real server.
type recorded struct {
	method, path, request string
	status                int
	header                http.Header
	body                  []byte
}

func load(t testing.TB, name string) recorded {
	t.Helper()
	var rec recorded
	if b, err := os.ReadFile(filepath.Join("testdata", "llama-server", name+".request")); err == nil {
		head, body, _ := strings.Cut(string(b), "\n")
		rec.method, rec.path, _ = strings.Cut(head, " ")
		rec.request = strings.TrimSpace(body)
	}
	b, err := os.ReadFile(filepath.Join("testdata", "llama-server", name+".response"))
	if err != nil {
		t.Fatal(err)
	}
	b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
	head, body, _ := bytes.Cut(b, []byte("\n\n"))
	head = append(bytes.ReplaceAll(head, []byte("\n"), []byte("\r\n")), "\r\n\r\n"...)
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), nil)
	if err != nil {
		t.Fatal(err)
	}
	rec.status, rec.header, rec.body = resp.StatusCode, resp.Header, body
	return rec
}

// serve plays a recorded answer; every write is of at most split bytes (0: all at once).
func (rec recorded) serve(split int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", rec.header.Get("Content-Type"))
		w.WriteHeader(rec.status)
		rest := rec.body
		for split > 0 && len(rest) > split {
			_, _ = w.Write(rest[:split])
			w.(http.Flusher).Flush()
			rest = rest[split:]
		}
		_, _ = w.Write(rest)
	}
}
