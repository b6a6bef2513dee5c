package openai

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// condition is what the engine thinks of its upstream.
type condition int

const (
	unknown condition = iota // nothing is known, or it was unreachable: look at everything again
	suspect                  // it hung: only a generation proves the opposite
	healthy
)

// health is the engine's opinion of its upstream. Only a probe makes it healthy.
type health struct {
	mu      sync.Mutex
	state   condition
	message string
	fails   int // in a row
	since   time.Time
	changed chan struct{} // wakes tend
	doubts  chan struct{} // asks tend for one probe of a healthy upstream
}

func (h *health) init() {
	h.message = "the upstream was not looked at yet"
	h.changed, h.doubts = make(chan struct{}, 1), make(chan struct{}, 1)
	h.since = time.Now()
}

// admit refuses new sequences while the upstream is not healthy, so that they go elsewhere at once.
func (h *health) admit() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state == healthy {
		return nil
	}
	return &engine.Error{Code: "engine_unavailable", Retry: true, Message: h.message}
}

func (h *health) success() {
	h.mu.Lock()
	h.fails = 0
	h.mu.Unlock()
}

func (h *health) doubt() { notify(h.doubts) }

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// set changes the opinion; it returns false where it was the same before.
func (h *health) set(state condition, message string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	same := h.state == state && h.message == message
	if h.state != state {
		h.since = time.Now()
	}
	h.state, h.message, h.fails = state, message, 0
	if !same {
		notify(h.changed)
	}
	return !same
}

func (h *health) get() (condition, string, time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state, h.message, h.since
}

// failure counts a failed call; too many in a row make the upstream unhealthy.
func (e *Engine) failure(err error) {
	h := &e.health
	h.mu.Lock()
	h.fails++
	over := h.state == healthy && h.fails >= e.cfg.MaxFails
	h.mu.Unlock()
	if over {
		e.doubted(unknown, withoutWords(err))
	}
}

// withoutWords is a failed call's error without what the upstream said in it: that may quote a prompt, and goes into
// logs and to other clients.
func withoutWords(err error) error {
	var failed *engine.Error
	if !errors.As(err, &failed) {
		return err
	}
	switch {
	case failed.Status > 0:
		return fmt.Errorf("it answers with status %d (%s)", failed.Status, failed.Code)
	case failed.Code == "upstream_error":
		return errors.New("it answers with errors (" + failed.Code + ")")
	}
	return err
}

// suspect takes the upstream for hanging.
func (e *Engine) suspect(err error) {
	if state, _, _ := e.health.get(); state == healthy {
		e.doubted(suspect, err)
	}
}

// doubted makes the upstream unhealthy, and gives up every sequence that has nothing yet: another worker can take it.
func (e *Engine) doubted(state condition, err error) {
	message := fmt.Sprintf("the upstream %s is not healthy: %v", e.root.Host, err)
	if !e.health.set(state, message) {
		return
	}
	e.log.Warn("upstream unhealthy", "upstream", e.root.Host, "error", err)
	e.calls.each(func(s *sequence) {
		s.giveUp(&engine.Error{Code: "engine_unavailable", Retry: true, Message: message, Err: errSuspect})
	})
}

// tend probes the upstream while it is not healthy, several probes at once where it is slow, and once where there is
// doubt.
func (e *Engine) tend() {
	var probes = make(chan struct{}, 5)
	ticker := time.NewTicker(e.cfg.ProbeInterval)
	ticker.Stop()
	defer ticker.Stop()
	for {
		if state, _, _ := e.health.get(); state == healthy {
			ticker.Stop()
		} else {
			ticker.Reset(e.cfg.ProbeInterval)
		}
		select {
		case <-e.stop.Done():
			return
		case <-e.health.changed:
			continue
		case <-e.health.doubts:
			e.question()
			continue
		case <-ticker.C:
		}
		select {
		case probes <- struct{}{}:
			e.gone.Go(func() { e.probe(e.stop); <-probes })
		default:
		}
	}
}

// question probes an upstream that is healthy so far.
func (e *Engine) question() {
	if e.cfg.Probe == ProbeNone {
		return
	}
	ctx, cancel := context.WithTimeout(e.stop, e.cfg.ProbeTimeout)
	defer cancel()
	if err := e.prove(ctx); err != nil && e.stop.Err() == nil {
		e.suspect(fmt.Errorf("it shows no life and fails a probe: %w", err))
		return
	}
	e.load.progress.Store(int64(e.now()))
}

// probe looks at an unhealthy upstream once, and makes it healthy where it passes.
func (e *Engine) probe(parent context.Context) {
	ctx, cancel := context.WithTimeout(parent, e.cfg.ProbeTimeout)
	defer cancel()
	state, _, since := e.health.get()
	if state == unknown {
		f, err := e.discover(ctx)
		if err != nil {
			e.stillDown(parent, state, err)
			return
		}
		e.facts.Store(f)
		e.load.forget()
	}
	if e.cfg.Probe == ProbeNone {
		if state == suspect && time.Since(since) < 5*e.cfg.ProbeInterval {
			return
		}
	} else if err := e.prove(ctx); err != nil {
		e.stillDown(parent, state, err)
		return
	}
	if e.health.set(healthy, "") {
		f := e.facts.Load()
		e.log.Info("upstream healthy", "upstream", e.root.Host, "kind", f.dialect.kind, "model", f.upstreamModel)
	}
}

// stillDown keeps the newest reason; it is logged when it changes.
func (e *Engine) stillDown(parent context.Context, state condition, err error) {
	if parent.Err() != nil || state == healthy {
		return
	}
	if now, _, _ := e.health.get(); now != state {
		return // another probe knows better
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %v (--probe-timeout)", e.cfg.ProbeTimeout)
	}
	message := fmt.Sprintf("the upstream %s is not healthy: %v", e.root.Host, err)
	if e.health.set(state, message) {
		e.log.Warn("upstream unhealthy", "upstream", e.root.Host, "error", err)
	}
}
