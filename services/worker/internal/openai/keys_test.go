package openai_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/openai"
	"github.com/leathq/leat/services/worker/internal/providers"
)

// limited is a provider that answers each key as it is told, and counts the generations that it let through.
type limited struct {
	mu    sync.Mutex
	says  map[string]int // status by key; 0: lets through
	after string
	calls map[string]int
}

func (l *limited) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	l.mu.Lock()
	defer l.mu.Unlock()
	if status := l.says[key]; status != 0 {
		w.Header().Set("Retry-After", l.after)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"error":{"message":"no more of `+key+`","type":"requests","code":"rate_limit_exceeded"}}`)
		return
	}
	if !strings.Contains(string(body), `"content":"1"`) { // a canary
		l.calls[key]++
	}
	if strings.Contains(string(body), `"stream":true`) {
		streaming(nil, "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n", finished, usage, done)(w, r)
		return
	}
	page(`{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":60,"completion_tokens":40}}`)(w, r)
}

func (l *limited) set(key string, status int) {
	l.mu.Lock()
	l.says[key] = status
	l.mu.Unlock()
}

func (l *limited) counts() [3]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return [3]int{l.calls["a"], l.calls["b"], l.calls["c"]}
}

// pooled is an engine with keys before such a provider.
func pooled(t *testing.T, change func(*openai.Config)) (*limited, *openai.Engine) {
	t.Helper()
	s, l := newServer(t), &limited{says: map[string]int{}, calls: map[string]int{}, after: "7"}
	s.handle("/v1/chat/completions", l.serve)
	cfg := config(s.URL)
	cfg.Kind = openai.KindOpenAI
	change(&cfg)
	e, err := openai.New(t.Context(), cfg, openai.Deps{Getenv: func(name string) string { return strings.ToLower(strings.TrimPrefix(name, "KEY_")) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	if st := e.Stats(); !st.Healthy {
		t.Fatal(st.HealthMessage)
	}
	return l, e
}

func generate(t *testing.T, e *openai.Engine, stream bool) error {
	t.Helper()
	out := newSink()
	err := e.Generate(t.Context(), chat(stream), out)
	if err == nil && out.text() != "x" {
		t.Errorf("%q", out.text())
	}
	return err
}

func TestCallsAreSharedByWeight(t *testing.T) {
	l, e := pooled(t, func(c *openai.Config) {
		c.APIKeyEnv, c.KeyEnvs = "KEY_A", []string{"KEY_B"}
		c.Accounts = []providers.Account{{KeyEnv: "KEY_C", Weight: 2}}
	})
	for i := range 40 {
		if err := generate(t, e, i%2 == 0); err != nil {
			t.Fatal(err)
		}
	}
	got := l.counts()
	if got[0]+got[1]+got[2] != 40 || got[0] < 9 || got[0] > 11 || got[1] < 9 || got[1] > 11 {
		t.Errorf("calls by key: %v", got)
	}
}

// A key that is told to wait rests, its call goes on with the next one at once, and no client hears of it.
func TestARateLimitedKeyRestsAndTheOthersGoOn(t *testing.T) {
	for _, status := range []int{http.StatusTooManyRequests, http.StatusUnauthorized} {
		l, e := pooled(t, func(c *openai.Config) { c.KeyEnvs = []string{"KEY_A", "KEY_B"} })
		l.set("a", status)
		for i := range 6 {
			if err := generate(t, e, i%2 == 0); err != nil {
				t.Fatal(err)
			}
		}
		l.set("a", 0)
		for range 4 {
			if err := generate(t, e, true); err != nil {
				t.Fatal(err)
			}
		}
		if got := l.counts(); got != [3]int{0, 10, 0} {
			t.Errorf("%d: a resting key was used: %v", status, got)
		}
	}
}

// When all keys rest the client is told when the first does not, as with the engine anthropic; that is no fault of the server.
func TestAllKeysRest(t *testing.T) {
	l, e := pooled(t, func(c *openai.Config) { c.KeyEnvs = []string{"KEY_A", "KEY_B"} })
	l.set("a", http.StatusTooManyRequests)
	l.set("b", http.StatusTooManyRequests)
	for i := range 5 {
		var got *engine.Error
		err := generate(t, e, i%2 == 0)
		if !errors.As(err, &got) || got.Code != "overloaded" || !got.Retry || got.Status != 429 || got.RetryAfter <= 5*time.Second || got.RetryAfter > 7*time.Second {
			t.Fatalf("%+v", err)
		}
	}
	if st := e.Stats(); !st.Healthy {
		t.Error(st.HealthMessage)
	}

	l, e = pooled(t, func(c *openai.Config) { c.KeyEnvs = []string{"KEY_A", "KEY_B"} })
	l.set("a", http.StatusUnauthorized)
	l.set("b", http.StatusForbidden)
	var got *engine.Error
	if err := generate(t, e, true); !errors.As(err, &got) || got.Code != "upstream_auth" {
		t.Errorf("every key refused: %+v", err)
	}
}

// Limits hold for what this worker sends: requests by their number, tokens by what the answers' usage says.
func TestLimitsOfAKeyAreKept(t *testing.T) {
	for name, a := range map[string]providers.Account{
		"requests": {KeyEnv: "KEY_A", Requests: 4}, "tokens": {KeyEnv: "KEY_A", Tokens: 250},
	} {
		l, e := pooled(t, func(c *openai.Config) { c.Accounts = []providers.Account{a} })
		var err error
		for range 6 {
			if err = generate(t, e, false); err != nil {
				break
			}
		}
		var got *engine.Error
		if n := l.counts()[0]; n != 3 || !errors.As(err, &got) || got.Code != "overloaded" || got.RetryAfter < 50*time.Second {
			t.Errorf("%s: %d calls (the canary was one), then %+v", name, n, err)
		}
	}
}

func TestKeysThatCannotWorkAreRefused(t *testing.T) {
	s := newServer(t)
	for says, change := range map[string]func(*openai.Config){
		"KEY_B, which is empty":      func(c *openai.Config) { c.KeyEnvs = []string{"KEY_A", "KEY_B"} },
		"api_key_env is missing":     func(c *openai.Config) { c.Accounts = []providers.Account{{Weight: 1}} },
		"must not be negative":       func(c *openai.Config) { c.Accounts = []providers.Account{{KeyEnv: "KEY_A", Requests: -1}} },
		"must look like http://HOST": func(c *openai.Config) { c.Accounts = []providers.Account{{KeyEnv: "KEY_A", URL: "x"}} },
	} {
		cfg := config(s.URL)
		change(&cfg)
		_, err := openai.New(t.Context(), cfg, openai.Deps{Getenv: func(name string) string { return map[string]string{"KEY_A": "a"}[name] }})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}
