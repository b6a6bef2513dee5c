package anthropic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/providers"
)

const maxErrorBody = 64 << 10

// Generate implements engine.Engine.
func (e *Engine) Generate(ctx context.Context, req *engine.Request, out engine.Output) error {
	if why := e.health.message(); why != "" {
		return &engine.Error{Code: "engine_unavailable", Retry: true, Message: why}
	}
	if e.stop.Err() != nil {
		return engine.ErrClosed
	}
	e.running.Add(1)
	defer e.running.Add(-1)
	s := &sequence{e: e, req: req, out: out, started: time.Now()}
	var stop context.CancelCauseFunc
	s.ctx, stop = context.WithCancelCause(ctx)
	defer stop(nil)
	defer context.AfterFunc(e.stop, func() { stop(engine.ErrClosed) })()
	s.timer = time.AfterFunc(e.cfg.FirstTokenTimeout, func() { stop(s.late()) })
	defer s.timer.Stop()
	err := s.run()
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if cause := context.Cause(s.ctx); err != nil && cause != nil {
		err = cause
	}
	e.health.outcome(err, e.cfg.MaxFails)
	return s.spent(err)
}

// sequence is one chat on its way.
type sequence struct {
	e       *Engine
	ctx     context.Context
	req     *engine.Request
	out     engine.Output
	timer   *time.Timer
	started time.Time
	first   time.Duration // to the first delta; 0: none yet
	emitted bool
}

func (s *sequence) late() error {
	return &engine.Error{Code: "idle_timeout", Retry: true, Message: fmt.Sprintf(
		"the provider sent nothing for too long (--anthropic-first-token-timeout %v, --anthropic-idle-timeout %v)", s.e.cfg.FirstTokenTimeout, s.e.cfg.IdleTimeout)}
}

// spent takes the permission to retry from an error that comes after the first delta.
func (s *sequence) spent(err error) error {
	var known *engine.Error
	if !s.emitted || !errors.As(err, &known) {
		return err
	}
	after := *known
	after.Retry = false
	return &after
}

func (s *sequence) run() error {
	body, err := s.e.cfg.body(s.req)
	if err != nil {
		return err
	}
	resp, done, err := s.e.call(s.ctx, http.MethodPost, "/v1/messages", body)
	if err != nil {
		return err
	}
	a := &answer{request: s.req.ID}
	defer func() {
		_ = resp.Body.Close()
		done(a.usage.Input + a.usage.CacheWrite + a.usage.Output)
	}()
	err = events(resp.Body, func(data []byte) (bool, error) {
		d, ok, err := a.take(data)
		if err == nil && ok {
			err = s.emit(d)
		}
		return !a.ended, err
	})
	if a.finish == engine.FinishNone {
		if err == nil {
			err = truncated(nil)
		}
		return err
	}
	s.conclude(a) // a finish reason makes an answer whole
	return nil
}

// emit hands over a delta, and waits where the reader takes no more; the clocks stand still meanwhile.
func (s *sequence) emit(d engine.Delta) error {
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	if s.first == 0 {
		s.first = time.Since(s.started)
	}
	s.emitted = true
	s.e.steps.Add(1)
	s.out.Emit(d)
	if s.out.Credit() <= 0 {
		s.timer.Stop()
		if err := s.out.Wait(s.ctx); err != nil {
			return err
		}
	}
	s.timer.Reset(s.e.cfg.IdleTimeout)
	return nil
}

func (s *sequence) conclude(a *answer) {
	u := a.usage
	total := time.Since(s.started)
	s.e.prompt.Add(uint64(max(0, u.Input+u.CacheRead+u.CacheWrite)))
	s.e.cached.Add(uint64(max(0, u.CacheRead)))
	s.e.wrote.Add(uint64(max(0, u.Output)))
	s.emitted = true
	s.out.Emit(engine.Delta{
		Finish: a.finish,
		Usage:  &engine.Usage{UncachedInput: u.Input, CacheRead: u.CacheRead, CacheWrite: u.CacheWrite, Output: u.Output},
		Timing: &engine.Timing{Prefill: s.first, Decode: total - s.first},
	})
}

// body spells a request.
func (c Config) body(req *engine.Request) ([]byte, error) {
	if len(req.Prompt.Messages) == 0 {
		return nil, invalid("prompt", "this model's provider takes chats only: send messages")
	}
	r, err := c.translate(req.Prompt.Messages, req.Extras)
	if err != nil {
		return nil, err
	}
	r.MaxTokens, r.Stream = req.MaxTokens, true
	if r.MaxTokens == 0 {
		r.MaxTokens = c.MaxTokens
	}
	r.Temperature, r.TopP, r.TopK, r.Stop = req.Temperature, req.TopP, req.TopK, req.Stop
	if req.User != "" {
		r.Metadata = map[string]any{"user_id": req.User}
	}
	return json.Marshal(r)
}

// Count implements engine.Counter by the provider's own count.
func (e *Engine) Count(ctx context.Context, messages, extras []byte) (int, error) {
	r, err := e.cfg.translate(messages, extras)
	if err != nil {
		return 0, err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return 0, err
	}
	resp, done, err := e.call(ctx, http.MethodPost, "/v1/messages/count_tokens", body)
	if err != nil {
		return 0, err
	}
	defer done(0)
	defer resp.Body.Close()
	var reply struct {
		Input *int `json:"input_tokens"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxErrorBody)).Decode(&reply); err != nil || reply.Input == nil {
		return 0, garbled(err)
	}
	return *reply.Input, nil
}

// call makes a call with one key after the other until one is taken. done must be called with the tokens that it took.
func (e *Engine) call(ctx context.Context, method, path string, body []byte) (*http.Response, func(tokens int), error) {
	tried := map[int]bool{}
	var last error
	for {
		i, err := e.pool.Take(time.Now(), tried)
		var busy providers.Busy
		if errors.As(err, &busy) {
			var known *engine.Error
			if errors.As(last, &known) && known.Code != "overloaded" {
				return nil, nil, last
			}
			return nil, nil, &engine.Error{Code: "overloaded", Retry: true, Status: http.StatusTooManyRequests, RetryAfter: busy.After, Message: busy.Error(), Err: last}
		}
		resp, err := e.send(ctx, e.hosts[i], method, path, body)
		if err != nil {
			e.pool.Done(i, time.Now(), 0, 0, 0)
			return nil, nil, unreachable(err)
		}
		if resp.StatusCode == http.StatusOK {
			return resp, func(tokens int) { e.pool.Done(i, time.Now(), tokens, http.StatusOK, 0) }, nil
		}
		page, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		_ = resp.Body.Close()
		after := resp.Header.Get("Retry-After")
		e.pool.Done(i, time.Now(), 0, resp.StatusCode, seconds(after))
		last = readError(page).refusal(resp.StatusCode, after)
		if !providers.Another(resp.StatusCode) {
			return nil, nil, last
		}
		e.log.Warn("key rests", "account", i, "status", resp.StatusCode)
		tried[i] = true
	}
}

func (e *Engine) send(ctx context.Context, h host, method, path string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, h.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Api-Key", h.key)
	req.Header.Set("Anthropic-Version", e.cfg.Version)
	req.Header.Set("User-Agent", "leat")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return e.client.Do(req)
}
