package openai

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/providers"
)

// accounts is every key that the configuration names; one without a URL is for Upstream.
func (c Config) accounts() []providers.Account {
	var out []providers.Account
	for _, env := range append([]string{c.APIKeyEnv}, c.KeyEnvs...) {
		if env != "" {
			out = append(out, providers.Account{KeyEnv: env})
		}
	}
	return append(out, c.Accounts...)
}

// validateAccounts names the first key that cannot work.
func (c Config) validateAccounts() error {
	for _, a := range c.Accounts {
		if err := a.Validate(); err != nil {
			return fmt.Errorf("openai.accounts: %w", err)
		}
		if a.URL == "" {
			continue
		}
		if _, err := rootOf("openai.accounts: url", a.URL); err != nil {
			return err
		}
	}
	return nil
}

// wires makes the transport: a plain one for no key or one, a keyring where there are several, or limits to keep.
func (e *Engine) wires(getenv func(string) string, bracket func(func())) (transport, error) {
	accounts := e.cfg.accounts()
	if len(accounts) == 0 {
		return newTransport(e.root, "", e.cfg, bracket), nil
	}
	ring := &keyring{pool: providers.New(accounts), log: e.log, refusal: e.refusal}
	for _, a := range accounts {
		key := ""
		if getenv != nil {
			key = getenv(a.KeyEnv)
		}
		if key == "" {
			return nil, fmt.Errorf("--api-key-env or openai.accounts names %s, which is empty: set it to the upstream's key", a.KeyEnv)
		}
		root := e.root
		if a.URL != "" {
			var err error
			if root, err = rootOf("openai.accounts: url", a.URL); err != nil {
				return nil, err
			}
		}
		ring.wires = append(ring.wires, newTransport(root, key, e.cfg, bracket))
	}
	if a := accounts[0]; len(accounts) == 1 && a.Requests == 0 && a.Tokens == 0 && a.Concurrent == 0 {
		return ring.wires[0], nil
	}
	return ring, nil
}

// keyring carries generations with one key after the other, as long as another may do better, and all else with the first
// that is accepted. It costs a lock a call, and nothing a token.
type keyring struct {
	pool    *providers.Pool
	wires   []transport
	log     *slog.Logger
	refusal func(status int, retryAfter string, body []byte) *engine.Error
}

func (k *keyring) close() {
	for _, w := range k.wires {
		w.close()
	}
}

func (k *keyring) do(ctx context.Context, c *call) (*reply, error) {
	if c.method != http.MethodPost || !strings.HasPrefix(c.path, "/v1/") {
		return k.look(ctx, c)
	}
	tried := map[int]bool{}
	var last *engine.Error
	for {
		i, err := k.pool.Take(time.Now(), tried)
		var busy providers.Busy
		if errors.As(err, &busy) {
			if last != nil && last.Code != "overloaded" {
				return nil, last
			}
			return nil, &engine.Error{Code: "overloaded", Retry: true, Status: http.StatusTooManyRequests, RetryAfter: busy.After, Message: busy.Error()}
		}
		r, err := k.wires[i].do(ctx, c)
		if err != nil {
			k.pool.Done(i, time.Now(), 0, 0, 0)
			return nil, err
		}
		if !providers.Another(r.status) {
			r.end = &accounted{closer: r.end, ring: k, account: i, reply: r}
			return r, nil
		}
		page := r.discard()
		k.pool.Done(i, time.Now(), 0, r.status, parseRetryAfter(r.retryAfter, time.Now()))
		k.log.Warn("key rests", "account", i, "status", r.status)
		last = k.refusal(r.status, r.retryAfter, page)
		tried[i] = true
	}
}

// look fetches a page, which no limit counts.
func (k *keyring) look(ctx context.Context, c *call) (r *reply, err error) {
	for i, w := range k.wires {
		if r, err = w.do(ctx, c); err != nil || !providers.Another(r.status) || i == len(k.wires)-1 {
			break
		}
		r.discard()
	}
	return r, err
}

// discard ends an answer that is not wanted, and returns what it said.
func (r *reply) discard() []byte {
	page, err := io.ReadAll(io.LimitReader(r.body, maxErrorBody))
	r.complete = err == nil && len(page) < maxErrorBody
	r.close()
	return page
}

// accounted gives its key back when an answer ends.
type accounted struct {
	closer
	ring    *keyring
	account int
	reply   *reply
}

// Close implements closer.
func (a *accounted) Close(complete bool) {
	a.closer.Close(complete)
	a.ring.pool.Done(a.account, time.Now(), a.reply.tokens, a.reply.status, 0)
}
