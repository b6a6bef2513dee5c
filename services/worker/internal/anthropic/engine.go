// Package anthropic is an engine that relays to a provider of Anthropic's Messages API.
//
// It translates OpenAI's chat messages, tools and images there, and the events of the answer back; thinking keeps its
// signature. It always streams from the provider. It takes chats only, does not queue, and never logs a prompt, an answer
// or a key.
package anthropic

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/providers"
)

// Deps is what the engine uses of its surroundings.
type Deps struct {
	Log    *slog.Logger
	Getenv func(string) string
}

// Engine implements engine.Engine and engine.Counter.
type Engine struct {
	cfg    Config
	log    *slog.Logger
	client *http.Client
	pool   *providers.Pool
	hosts  []host
	health health

	running               atomic.Int64
	steps                 atomic.Uint64
	prompt, cached, wrote atomic.Uint64

	stop   context.Context
	cancel context.CancelFunc
	gone   sync.WaitGroup
}

// host is where an account calls.
type host struct{ url, key string }

// New checks the configuration and looks at the provider once. A provider that does not answer is no error.
func New(ctx context.Context, cfg Config, deps Deps) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("anthropic engine: %w", err)
	}
	accounts := cfg.accounts()
	e := &Engine{cfg: cfg, log: deps.Log, pool: providers.New(accounts), client: newClient(cfg.Slots)}
	for _, a := range accounts {
		key := deps.Getenv(a.KeyEnv)
		if key == "" {
			return nil, fmt.Errorf("anthropic engine: the environment variable %s is empty: set it to the provider's key", a.KeyEnv)
		}
		e.hosts = append(e.hosts, host{a.URL, key})
	}
	e.stop, e.cancel = context.WithCancel(context.WithoutCancel(ctx))
	e.probe(ctx)
	e.gone.Go(e.tend)
	return e, nil
}

func newClient(conns int) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSHandshakeTimeout: 5 * time.Second,
			MaxIdleConnsPerHost: conns, IdleConnTimeout: 30 * time.Second, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 64 << 10,
		},
	}
}

// Info implements engine.Engine.
func (e *Engine) Info() engine.Info {
	served, upstream := e.cfg.names()
	return engine.Info{
		Model: served, Engine: "anthropic", ModelVersion: upstream, ContextLen: e.cfg.Context, Slots: e.cfg.Slots,
		Chat: engine.ChatNative, Params: params,
	}
}

// Stats implements engine.Engine.
func (e *Engine) Stats() engine.Stats {
	message := e.health.message()
	return engine.Stats{
		Running: int(e.running.Load()), Steps: e.steps.Load(), PromptTokens: e.prompt.Load(), CachedTokens: e.cached.Load(),
		OutputTokens: e.wrote.Load(), Healthy: message == "", HealthMessage: message,
	}
}

// Tokenize implements engine.Engine: the API has no tokeniser.
func (e *Engine) Tokenize(context.Context, string, bool, bool) ([]int32, error) {
	return nil, noTokenizer()
}

// Detokenize implements engine.Engine: the API has no tokeniser.
func (e *Engine) Detokenize(context.Context, []int32) (string, error) { return "", noTokenizer() }

func noTokenizer() error {
	return &engine.Error{Code: "unsupported_parameter", Client: true, Message: "this model's provider has no tokeniser: send messages"}
}

// Close implements engine.Engine.
func (e *Engine) Close() error {
	e.cancel()
	e.gone.Wait()
	e.client.CloseIdleConnections()
	return nil
}

// health is why the provider is taken for unhealthy, if it is.
type health struct {
	mu    sync.Mutex
	why   string
	fails int
}

func (h *health) message() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.why
}

// outcome books a call; most failures in a row make the provider unhealthy.
func (h *health) outcome(err error, most int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var known *engine.Error
	switch {
	case err == nil:
		h.fails = 0
	case countsAgainst(err) && errors.As(err, &known):
		if h.fails++; h.fails >= most && h.why == "" {
			h.why = fmt.Sprintf("the provider failed %d times in a row (%s, status %d)", h.fails, known.Code, known.Status)
		}
	}
}

// tend looks at a provider that is not healthy.
func (e *Engine) tend() {
	tick := time.NewTicker(e.cfg.ProbeInterval)
	defer tick.Stop()
	for {
		select {
		case <-e.stop.Done():
			return
		case <-tick.C:
			if e.health.message() != "" {
				e.probe(e.stop)
			}
		}
	}
}

// probe asks for the model's description, which costs nothing and needs a key that is accepted. A compatible server
// without that page is taken as alive.
func (e *Engine) probe(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, model := e.cfg.names()
	why := ""
	resp, done, err := e.call(ctx, http.MethodGet, "/v1/models/"+model, nil)
	if err == nil {
		_ = resp.Body.Close()
		done(0)
	}
	if err != nil && countsAgainst(err) {
		var known *engine.Error
		if !errors.As(err, &known) || known.Status != http.StatusNotFound {
			why = "the provider is not healthy: " + err.Error()
		}
	}
	e.health.mu.Lock()
	changed := e.health.why != why
	e.health.why, e.health.fails = why, 0
	e.health.mu.Unlock()
	if changed && ctx.Err() == nil {
		e.log.Info("provider looked at", "healthy", why == "", "reason", why)
	}
}
