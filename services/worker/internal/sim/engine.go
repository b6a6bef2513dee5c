// Package sim is an engine that computes nothing: a continuous-batching simulator with a prefix cache and a cost model
// (pkg/enginesim), run in real time, with a small deterministic language model behind it.
//
// The same request gives the same tokens and log-probabilities whatever else runs, so it is an exact engine. It is for
// load tests, routing experiments and CI; it takes prompts as text or tokens and does not claim to say anything.
package sim

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/leathq/leat/pkg/enginesim"
	"github.com/leathq/leat/services/worker/internal/engine"
)

// Deps is what the engine uses of its surroundings.
type Deps struct {
	// Steps brackets the deltas of one step; nil: nobody wants to know.
	Steps engine.Steps
}

// Engine implements engine.Engine. One goroutine and one timer serve all sequences; an idle engine costs nothing.
type Engine struct {
	cfg  Config
	deps Deps
	wake chan struct{}
	done chan struct{}
	gone sync.WaitGroup

	mu      sync.Mutex
	machine *enginesim.Machine
	active  map[*sequence]struct{}
	closed  bool
}

// New starts an engine.
func New(cfg Config, deps Deps) (*Engine, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	machine, err := enginesim.New(cfg.Cost)
	if err != nil {
		return nil, fmt.Errorf("sim: %w", err)
	}
	e := &Engine{
		cfg: cfg, deps: deps, machine: machine, active: map[*sequence]struct{}{},
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	e.gone.Go(e.run)
	return e, nil
}

// run ends the steps when their time has come.
func (e *Engine) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Stop()
		e.mu.Lock()
		if at, ok := e.machine.Next(); ok {
			timer.Reset(time.Until(at))
		}
		e.mu.Unlock()
		select {
		case <-timer.C:
			e.step()
		case <-e.wake:
		case <-e.done:
			return
		}
	}
}

// step hands out what one step produced. It holds the lock meanwhile, so that no sequence hears of a delta after its
// Generate returned.
func (e *Engine) step() {
	e.mu.Lock()
	defer e.mu.Unlock()
	deltas := e.machine.Step(time.Now())
	if len(deltas) == 0 {
		return
	}
	if e.deps.Steps != nil {
		e.deps.Steps.Hold()
		defer e.deps.Steps.Release()
	}
	for _, d := range deltas {
		s := d.Seq.Owner.(*sequence)
		s.emit(d)
		if d.Finish != enginesim.FinishNone {
			e.end(s, nil)
		} else if s.out.Credit() <= 0 {
			e.machine.Hold(d.Seq)
			s.hold()
		}
	}
}

// end lets Generate return. The lock is held.
func (e *Engine) end(s *sequence, err error) {
	if _, ok := e.active[s]; !ok {
		return
	}
	delete(e.active, s)
	s.err = err
	close(s.ended)
}

// Generate implements engine.Engine.
func (e *Engine) Generate(ctx context.Context, req *engine.Request, out engine.Output) error {
	s, err := e.newSequence(req, out)
	if err != nil {
		return err
	}
	if err := e.add(s); err != nil {
		return err
	}
	for {
		select {
		case <-s.ended:
			return s.err
		case <-s.held:
			if err := e.await(ctx, s); err != nil {
				return e.drop(s, err)
			}
		case <-ctx.Done():
			return e.drop(s, ctx.Err())
		}
	}
}

func (e *Engine) add(s *sequence) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return engine.ErrClosed
	}
	if err := e.machine.Add(&s.seq, time.Now()); err != nil {
		return refusal(err)
	}
	e.active[s] = struct{}{}
	e.poke()
	return nil
}

// refusal is the client's error for a prompt that the machine does not take.
func refusal(err error) error {
	code := "invalid_prompt"
	if errors.Is(err, enginesim.ErrTooLong) {
		code = "context_length_exceeded"
	}
	return &engine.Error{Code: code, Param: "prompt", Client: true, Message: "this model cannot take the prompt: " + err.Error()}
}

// await gives a sequence back to the steps when its reader takes more.
func (e *Engine) await(ctx context.Context, s *sequence) error {
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-e.done:
			stop()
		case <-waiting.Done():
		}
	}()
	if err := s.out.Wait(waiting); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.machine.Resume(&s.seq, time.Now())
	e.poke()
	return nil
}

// drop takes a sequence out; where it had just ended by itself, that end counts.
func (e *Engine) drop(s *sequence, err error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.active[s]; !ok {
		return s.err
	}
	e.machine.Cancel(&s.seq, time.Now())
	delete(e.active, s)
	e.poke()
	return err
}

// poke makes run look at the machine again.
func (e *Engine) poke() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// Close implements engine.Engine.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	for s := range e.active {
		e.machine.Cancel(&s.seq, time.Now())
		e.end(s, engine.ErrClosed)
	}
	e.mu.Unlock()
	close(e.done)
	e.gone.Wait()
	return nil
}
