package all_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/models"
	"github.com/leathq/leat/pkg/pool"
	"github.com/leathq/leat/services/gateway"
	"github.com/leathq/leat/services/worker"
)

// routes are names in front of the model sim, and of one whose upstream fails.
var routes = models.Set{
	"alias":    {Targets: []models.Target{{Model: "sim"}}},
	"second":   {Targets: []models.Target{{Model: "nobody"}}, Fallback: []models.Target{{Model: "alias"}}},
	"failing":  {Targets: []models.Target{{Model: "bad"}}, Fallback: []models.Target{{Model: "sim", Pool: "sim"}}},
	"told":     {Targets: []models.Target{{Model: "nobody"}}, Fallback: []models.Target{{Model: "bad"}}, Say: "Come back later."},
	"hopeless": {Targets: []models.Target{{Model: "nobody"}}, Fallback: []models.Target{{Model: "bad"}}},
}

// failing joins a worker whose upstream answers everything with 500.
func (f *fleet) failing(t *testing.T) {
	f.relay(t, "bad", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/models" {
			_, _ = io.WriteString(w, `{"data":[{"id":"bad"}]}`)
			return
		}
		http.Error(w, `{"error":{"message":"no"}}`, http.StatusInternalServerError)
	}), func(c *worker.Config) { c.OpenAI.MaxFails = 1000 })
}

func (f *fleet) chatWith(t *testing.T, model, more string) (status int, h http.Header, body string) {
	t.Helper()
	resp, err := http.Post(f.url+"/v1/chat/completions", "application/json", strings.NewReader(fmt.Sprintf(
		`{"model":%q,"max_tokens":3,"messages":[{"role":"user","content":"hi"}]%s}`, model, more)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(data)
}

// A name stands for models: the client sees the name, headers say which model answered and what could not before it.
func TestNamesStandForModelsAndFallBack(t *testing.T) {
	if err := routes.Validate(); err != nil {
		t.Fatal(err)
	}
	f := startOf(t, pool.Config{NoWorkerWait: 200 * time.Millisecond}, func(c *gateway.Config) { c.Models = routes }) // four requests find nobody, in turn
	f.failing(t)
	for _, c := range []struct {
		name, model, hops, fixed string
		status                   int
	}{
		{"alias", "sim", "", "", 200},
		{"second", "sim", "nobody:model_not_found", "", 200},
		{"failing", "sim", "bad:", "", 200},
		{"told", "told", "nobody:model_not_found, bad:", "true", 200},
		{"hopeless", "bad", "nobody:model_not_found", "", 503},
	} {
		for _, more := range []string{"", `,"stream":true`} {
			status, h, body := f.chatWith(t, c.name, more)
			if status != c.status || h.Get("X-Leat-Model") != c.model || !strings.HasPrefix(h.Get("X-Leat-Fallback"), c.hops) || h.Get("X-Leat-Fixed") != c.fixed {
				t.Errorf("%s%s: %d %v\n%s", c.name, more, status, h, body)
			}
			if status != 200 {
				continue
			}
			if !strings.Contains(body, fmt.Sprintf(`"model":%q`, c.name)) || (c.fixed != "") != strings.Contains(body, "Come back later.") ||
				more != "" && !strings.HasSuffix(body, "data: [DONE]\n\n") || c.fixed != "" && !strings.Contains(body, `"finish_reason":"stop"`) {
				t.Errorf("%s%s: %s", c.name, more, body)
			}
		}
	}
	// What is the request's fault is nobody else's.
	if status, h, body := f.chatWith(t, "told", `,"temperature":9`); status != 400 || h.Get("X-Leat-Fixed") != "" {
		t.Errorf("%d %s", status, body)
	}
	_, _, list := f.ask(t, "GET", "/v1/models", "", nil)
	if _, m, raw := f.ask(t, "GET", "/v1/models/second", "", nil); m["id"] != "second" || !strings.Contains(list, `"second"`) {
		t.Errorf("%s\n%s", raw, list)
	}
	if status, _, raw := f.ask(t, "POST", "/v1/completions", "application/json", strings.NewReader(`{"model":"told","prompt":["a","b"],"n":2}`)); status != 200 || strings.Count(raw, "Come back later.") != 4 {
		t.Errorf("%d %s", status, raw)
	}
	f.awaitRunning(t, 0)
}

// One user stays with one target, and the shares are the weights'.
func TestUsersStayWithTheirTarget(t *testing.T) {
	t.Parallel()
	split := models.Set{"chat": {Targets: []models.Target{{Model: "sim", Pool: "sim", Weight: 3}, {Model: "other", Pool: "other"}}}}
	f := start(t, pool.Timeouts{}, func(c *gateway.Config) { c.Models = split })
	cfg := worker.DefaultConfig()
	cfg.Engine, cfg.Model, cfg.Name, cfg.Names, cfg.Pool = "sim", "sim", "o1", []string{"other"}, "other"
	f.join(t, cfg)
	f.awaitModel(t, "other")
	count := map[string]int{}
	for user := range 40 {
		first := ""
		for range 2 {
			status, h, body := f.chatWith(t, "chat", fmt.Sprintf(`,"user":"u%d"`, user))
			if status != 200 {
				t.Fatalf("%d %s", status, body)
			}
			if got := h.Get("X-Leat-Model"); first == "" {
				first = got
				count[got]++
			} else if got != first {
				t.Errorf("user %d got %s and then %s", user, first, got)
			}
		}
	}
	if count["sim"] < 22 || count["other"] < 3 {
		t.Errorf("%v of 40 users, want about 30 and 10", count)
	}
}

// Of a pool's three workers one serves a second model: all its requests go there, since the others would answer 404.
func TestAModelOfOneWorkerOfAPool(t *testing.T) {
	t.Parallel()
	f := start(t, pool.Timeouts{})
	cfg := worker.DefaultConfig()
	cfg.Engine, cfg.Model, cfg.Name, cfg.Names, cfg.Pool = "sim", "sim", "both", []string{"sim", "extra"}, "sim"
	f.join(t, cfg)
	f.awaitModel(t, "extra")
	for i := range 20 {
		for _, model := range []string{"extra", "sim"} {
			if status, _, body := f.chatWith(t, model, ""); status != 200 {
				t.Fatalf("%s, request %d: %d %s", model, i, status, body)
			}
		}
	}
}
