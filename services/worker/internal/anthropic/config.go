package anthropic

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/leathq/leat/services/worker/internal/providers"
)

// Config says whose Messages API is relayed and how long each wait may be.
type Config struct {
	// Model is NAME or NAME=UPSTREAM_NAME: the name clients use, and the provider's own where it differs.
	Model string

	Upstream  string              `yaml:"upstream" flag:"anthropic-upstream" doc:"base URL of the Messages API"`
	KeyEnvs   []string            `yaml:"api_key_envs" flag:"anthropic-key-env" doc:"names of the environment variables that hold keys; calls are spread over them"`
	Accounts  []providers.Account `yaml:"accounts" doc:"keys with a weight, limits or a URL of their own, beside api_key_envs"`
	Version   string              `yaml:"version" flag:"anthropic-version" doc:"value of the header anthropic-version"`
	Context   int                 `yaml:"context" flag:"anthropic-context" doc:"tokens that a sequence may hold; 0: unknown"`
	Slots     int                 `yaml:"slots" flag:"anthropic-slots" doc:"sequences that may run at once"`
	MaxTokens int                 `yaml:"max_tokens" flag:"anthropic-max-tokens" doc:"longest answer where a client gives no bound; the API demands one"`

	FirstTokenTimeout time.Duration `yaml:"first_token_timeout" flag:"anthropic-first-token-timeout" doc:"longest wait for the first part of an answer"`
	IdleTimeout       time.Duration `yaml:"idle_timeout" flag:"anthropic-idle-timeout" doc:"longest gap between two parts of an answer; pings do not count"`
	ProbeInterval     time.Duration `yaml:"probe_interval" flag:"anthropic-probe-interval" doc:"time between two looks at a provider that fails"`
	MaxFails          int           `yaml:"max_fails" flag:"anthropic-max-fails" doc:"failures in a row (no connection, cut, 5xx) that make the provider unhealthy"`
}

// DefaultConfig fits api.anthropic.com; Model and a key are still to be given.
func DefaultConfig() Config {
	return Config{
		Upstream: "https://api.anthropic.com", Version: "2023-06-01", Slots: 64, MaxTokens: 4096,
		FirstTokenTimeout: 90 * time.Second, IdleTimeout: 60 * time.Second, ProbeInterval: 5 * time.Second, MaxFails: 3,
	}
}

func (c Config) names() (served, upstream string) {
	served, upstream, _ = strings.Cut(c.Model, "=")
	if upstream == "" {
		upstream = served
	}
	return served, upstream
}

// accounts is every key, with its URL.
func (c Config) accounts() []providers.Account {
	var out []providers.Account
	for _, env := range c.KeyEnvs {
		out = append(out, providers.Account{KeyEnv: env})
	}
	out = append(out, c.Accounts...)
	for i := range out {
		if out[i].URL == "" {
			out[i].URL = c.Upstream
		}
		out[i].URL = strings.TrimSuffix(strings.TrimSuffix(out[i].URL, "/"), "/v1")
	}
	return out
}

// Validate names the first setting that cannot work, by its flag.
func (c Config) Validate() error {
	if served, upstream := c.names(); served == "" || upstream == "" {
		return fmt.Errorf("--model is %q: give NAME, or NAME=UPSTREAM_NAME where the provider calls it differently", c.Model)
	}
	accounts := c.accounts()
	if len(accounts) == 0 {
		return errors.New("--anthropic-key-env is missing: name the environment variables that hold the provider's keys, for example ANTHROPIC_API_KEY")
	}
	for _, a := range accounts {
		if err := a.Validate(); err != nil {
			return fmt.Errorf("accounts: %w", err)
		}
		u, err := url.Parse(a.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
			return fmt.Errorf("--anthropic-upstream %q must look like https://HOST", a.URL)
		}
	}
	switch {
	case c.Version == "":
		return errors.New("--anthropic-version is empty: the API demands one, such as 2023-06-01")
	case c.MaxTokens < 1 || c.Slots < 1 || c.MaxFails < 1:
		return errors.New("--anthropic-max-tokens, --anthropic-slots and --anthropic-max-fails must be at least 1")
	case c.Context < 0:
		return errors.New("--anthropic-context must not be negative")
	case c.FirstTokenTimeout <= 0 || c.IdleTimeout <= 0 || c.ProbeInterval <= 0:
		return errors.New("--anthropic-first-token-timeout, --anthropic-idle-timeout and --anthropic-probe-interval must be above zero")
	}
	return nil
}
