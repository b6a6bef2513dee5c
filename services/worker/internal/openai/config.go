package openai

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/leathq/leat/services/worker/internal/providers"
)

// Kinds of upstream that the engine knows the habits of.
const (
	KindAuto       = "auto"         // find out at the start
	KindVLLM       = "vllm"         //
	KindSGLang     = "sglang"       //
	KindTGI        = "tgi"          // text-generation-inference
	KindTRTLLM     = "trtllm"       // TensorRT-LLM's trtllm-serve
	KindLlama      = "llama-server" // llama.cpp's own server
	KindOllama     = "ollama"       //
	KindOpenAI     = "openai"       // api.openai.com and what behaves exactly like it
	KindCompatible = "compatible"   // what auto settles for: standard parameters only
)

// Ways to prove that an upstream is alive again.
const (
	ProbeCanary = "canary" // a generation of one token
	ProbeHealth = "health" // GET /health, or /v1/models; a server whose engine hangs may pass it
	ProbeNone   = "none"   // no proof: taken as healthy again after five probe intervals
)

// Config says which upstream is relayed and how long each wait may be.
type Config struct {
	// Model is NAME or NAME=UPSTREAM_NAME: the name clients use, and the upstream's own where it differs.
	Model string
	// Env are variables, NAME=VALUE, for the server of Exec.
	Env []string

	Upstream  string              `yaml:"upstream" flag:"upstream" doc:"base URL of the OpenAI-compatible server, with or without /v1"`
	APIKeyEnv string              `yaml:"api_key_env" flag:"api-key-env" doc:"name of the environment variable that holds the upstream's API key; empty: none is sent"`
	KeyEnvs   []string            `yaml:"api_key_envs" flag:"api-key-envs" doc:"names of more environment variables that hold keys; calls are spread over all of them"`
	Accounts  []providers.Account `yaml:"accounts" doc:"keys with a weight, limits or a URL of their own, beside api_key_env and api_key_envs"`
	Kind      string              `yaml:"upstream_kind" flag:"upstream-kind" oneof:"auto|vllm|sglang|tgi|trtllm|llama-server|ollama|openai|compatible" doc:"what the upstream is; it decides how requests are spelled and which parameters are honoured"`
	Exec      string              `yaml:"exec" flag:"exec" doc:"command line of an inference server to run beside the worker, such as 'vllm serve MODEL --tensor-parallel-size 4'; {port} in it becomes a free port"`
	Slots     int                 `yaml:"slots" flag:"upstream-slots" doc:"sequences that may run on the upstream at once; 0: what it reports, else 64"`
	Context   int                 `yaml:"context" flag:"upstream-context" doc:"tokens that a sequence may hold; 0: what the upstream reports, else unknown"`

	ExecStartTimeout time.Duration `yaml:"exec_start_timeout" flag:"exec-start-timeout" doc:"longest wait for the server of --exec to serve; downloads and compilations count"`
	ExecGrace        time.Duration `yaml:"exec_grace" flag:"exec-grace" doc:"how long the server of --exec may take to end before it and its children are killed"`

	ConnectTimeout    time.Duration `yaml:"connect_timeout" flag:"upstream-connect-timeout" doc:"longest wait for a TCP or TLS connection"`
	FirstTokenTimeout time.Duration `yaml:"first_token_timeout" flag:"first-token-timeout" doc:"longest wait for the first token of a stream; without any sign of life for as long, unary requests make the engine look after its upstream"`
	IdleTimeout       time.Duration `yaml:"idle_timeout" flag:"idle-timeout" doc:"longest gap between two tokens of a stream; comments and heartbeats do not count as tokens"`

	Probe           string        `yaml:"probe" flag:"probe" oneof:"canary|health|none" doc:"what proves that a suspect upstream works again"`
	ProbeInterval   time.Duration `yaml:"probe_interval" flag:"probe-interval" doc:"time between two probes while the upstream is not healthy"`
	ProbeTimeout    time.Duration `yaml:"probe_timeout" flag:"probe-timeout" doc:"longest wait for one probe"`
	MaxFails        int           `yaml:"max_fails" flag:"upstream-max-fails" doc:"failures in a row (refused, cut, 5xx) that make the upstream unhealthy"`
	MetricsInterval time.Duration `yaml:"metrics_interval" flag:"upstream-metrics-interval" doc:"time between two reads of the upstream's /metrics; 0: never"`
	MaxEvent        int           `yaml:"max_event" flag:"upstream-max-event" doc:"bytes that one event of an upstream's stream may have"`
	MaxAnswer       int           `yaml:"max_answer" flag:"upstream-max-answer" doc:"bytes that a whole unary answer of an upstream may have"`
}

// DefaultConfig fits a self-hosted engine; Upstream and Model are still to be given. The first token's time-out is below
// that of a pool (120 s), which counts from the request's arrival: with time left, another worker can take the sequence.
func DefaultConfig() Config {
	return Config{
		Kind: KindAuto, ConnectTimeout: 3 * time.Second, FirstTokenTimeout: 90 * time.Second, IdleTimeout: 60 * time.Second,
		Probe: ProbeCanary, ProbeInterval: time.Second, ProbeTimeout: 5 * time.Second, MaxFails: 3,
		MetricsInterval: time.Second, MaxEvent: 4 << 20, MaxAnswer: 64 << 20,
		ExecStartTimeout: 30 * time.Minute, ExecGrace: 10 * time.Second,
	}
}

// names splits Model.
func (c Config) names() (served, upstream string) {
	served, upstream, _ = strings.Cut(c.Model, "=")
	if upstream == "" {
		upstream = served
	}
	return served, upstream
}

// root is the upstream's URL without /v1 and without a slash at its end.
func (c Config) root() (*url.URL, error) { return rootOf("--upstream", c.Upstream) }

func rootOf(setting, address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("%s %q is not a URL: %w", setting, address, err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%s %q must look like http://HOST:PORT or https://HOST", setting, address)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%s must be a plain URL without user, query or fragment; a key goes into the variable that --api-key-env names", setting)
	}
	u.Path = strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), "/v1")
	return u, nil
}

// Validate names the first setting that cannot work, by its flag.
func (c Config) Validate() error {
	served, upstream := c.names()
	if served == "" || upstream == "" {
		return fmt.Errorf("--model is %q: give NAME, or NAME=UPSTREAM_NAME where the upstream calls it differently", c.Model)
	}
	c, _, err := c.command()
	if err != nil {
		return err
	}
	if c.Upstream == "" {
		return fmt.Errorf("--upstream is missing: give the base URL of an OpenAI-compatible server, for example http://127.0.0.1:8000, or --exec with the command that starts one")
	}
	if _, err := c.root(); err != nil {
		return err
	}
	if err := c.validateAccounts(); err != nil {
		return err
	}
	if !slices.Contains(kinds(), c.Kind) {
		return fmt.Errorf("--upstream-kind %q is unknown: take one of %s", c.Kind, strings.Join(kinds(), ", "))
	}
	switch c.Probe {
	case ProbeCanary, ProbeHealth, ProbeNone:
	default:
		return fmt.Errorf("--probe %q is unknown: take canary, health or none", c.Probe)
	}
	return c.validateNumbers()
}

func (c Config) validateNumbers() error {
	for _, d := range []struct {
		flag  string
		value time.Duration
	}{
		{"upstream-connect-timeout", c.ConnectTimeout}, {"first-token-timeout", c.FirstTokenTimeout},
		{"exec-start-timeout", c.ExecStartTimeout}, {"exec-grace", c.ExecGrace}, {"idle-timeout", c.IdleTimeout}, {"probe-interval", c.ProbeInterval}, {"probe-timeout", c.ProbeTimeout},
	} {
		if d.value <= 0 {
			return fmt.Errorf("--%s is %v: it must be above zero", d.flag, d.value)
		}
	}
	switch {
	case c.Slots < 0 || c.Context < 0:
		return fmt.Errorf("--upstream-slots %d and --upstream-context %d must not be negative", c.Slots, c.Context)
	case c.MaxFails < 1:
		return fmt.Errorf("--upstream-max-fails is %d: at least 1 is needed", c.MaxFails)
	case c.MetricsInterval < 0:
		return fmt.Errorf("--upstream-metrics-interval is %v: it must be 0 (never) or more", c.MetricsInterval)
	case c.MaxEvent < 4096 || c.MaxAnswer < 4096:
		return fmt.Errorf("--upstream-max-event %d and --upstream-max-answer %d must be at least 4096 bytes", c.MaxEvent, c.MaxAnswer)
	}
	return nil
}
