package openai

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// errSuspect marks sequences that were given up because others showed that the upstream hangs.
var errSuspect = errors.New("the upstream is suspected to hang")

// maxTail is how long a stream may take from its finish reason to its end.
const maxTail = 5 * time.Second

// calls knows the sequences that run, and looks after their waits with one timer for all of them.
type calls struct {
	mu     sync.Mutex
	active map[*sequence]struct{}
	timer  *time.Timer // runs while something is active
	armed  bool
	closed bool
}

func (c *calls) add(e *Engine, s *sequence) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return engine.ErrClosed
	}
	c.active[s] = struct{}{}
	if c.timer == nil {
		c.timer = time.AfterFunc(e.cfg.watchEvery(), e.watch)
		c.armed = true
	} else if !c.armed {
		c.timer.Reset(e.cfg.watchEvery())
		c.armed = true
	}
	return nil
}

func (c *calls) remove(s *sequence) {
	c.mu.Lock()
	delete(c.active, s)
	c.mu.Unlock()
}

func (c *calls) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for s := range c.active {
		s.cancel(engine.ErrClosed)
	}
	if c.timer != nil {
		c.timer.Stop()
	}
}

func (c *calls) each(visit func(*sequence)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for s := range c.active {
		visit(s)
	}
}

// watchEvery is fine enough to keep the time-outs within an eighth.
func (c Config) watchEvery() time.Duration {
	return min(max(min(c.IdleTimeout, c.FirstTokenTimeout)/8, 5*time.Millisecond), 250*time.Millisecond)
}

// watch cuts the sequences whose waits are over.
func (e *Engine) watch() {
	now := e.now()
	progress := time.Duration(e.load.progress.Load())
	var hang error
	var late []func()
	doubt := false
	e.calls.mu.Lock()
	for s := range e.calls.active {
		switch err := s.overdue(now); {
		case err != nil:
			s.giveUp(err)
			late = append(late, func() { s.cancel(err) })
			if err.Code == "idle_timeout" || now-progress > e.cfg.FirstTokenTimeout/2 {
				hang = err
			}
		case !relaysStream(s.req) && now-max(s.started, progress) > e.cfg.FirstTokenTimeout:
			doubt = true
		}
	}
	if e.calls.armed = len(e.calls.active) > 0 && !e.calls.closed; e.calls.armed {
		e.calls.timer.Reset(e.cfg.watchEvery())
	}
	e.calls.mu.Unlock()
	if hang != nil {
		e.suspect(hang)
	} else if doubt {
		e.health.doubt()
	}
	for _, cancel := range late { // only now: whoever hears of the hang must find the engine out already
		cancel()
	}
}

// abandoned judges a sequence that its caller gave up. A caller's patience often ends before this engine's time-outs do,
// so that a hang would never be found: a long wait in which nothing at all came from the upstream raises a doubt.
func (s *sequence) abandoned() {
	if s.first.Load() || s.paused.Load() {
		return
	}
	life := max(s.at.Load(), s.e.load.progress.Load())
	if s.e.now()-time.Duration(life) > s.e.patience() {
		s.e.health.doubt()
	}
}

// patience is how long the upstream may show no life until a canary should look after it.
func (e *Engine) patience() time.Duration {
	most := e.cfg.FirstTokenTimeout / 3
	if usual := e.load.firstPeak(); usual > 0 {
		return min(max(4*usual, time.Second), most)
	}
	return most
}

// overdue says which wait of a stream is over, if one is. A unary answer shows no life before its end, so that its
// waits are the caller's; see doubt.
func (s *sequence) overdue(now time.Duration) *engine.Error {
	if !relaysStream(s.req) || s.paused.Load() {
		return nil
	}
	quiet := now - time.Duration(s.at.Load())
	cfg := &s.e.cfg
	switch {
	case s.tail.Load():
		if quiet > min(maxTail, cfg.IdleTimeout) {
			return &engine.Error{Code: "idle_timeout", Message: "the upstream does not end its answer"}
		}
	case s.first.Load():
		if quiet > cfg.IdleTimeout {
			return &engine.Error{Code: "idle_timeout", Retry: true,
				Message: fmt.Sprintf("the upstream sent no token for %v (--idle-timeout)", cfg.IdleTimeout)}
		}
	case quiet > cfg.FirstTokenTimeout:
		return &engine.Error{Code: "first_token_timeout", Retry: true,
			Message: fmt.Sprintf("the upstream sent no first token within %v (--first-token-timeout)", cfg.FirstTokenTimeout)}
	}
	return nil
}
