// Package openai is an engine that relays to any OpenAI-compatible server: vLLM, SGLang, llama-server, a cloud provider.
//
// It asks the upstream the way the client asked (streamed or not), reads what comes back with bounded memory, and turns
// every way in which a server can fail into one error of package engine. It does not retry, queue, render templates or
// tokenise by itself; it never logs a prompt or an answer.
package openai

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/launch"
)

// Deps is what the engine uses of its surroundings.
type Deps struct {
	Log    *slog.Logger        // nil: nothing is logged
	Getenv func(string) string // nil: no API key
	Steps  engine.Steps        // brackets what is read of many streams at once; nil: nothing does
}

// Engine implements engine.Engine.
type Engine struct {
	cfg      Config
	root     *url.URL
	log      *slog.Logger
	upstream transport
	epoch    time.Time

	facts  atomic.Pointer[facts]
	health health
	load   load
	calls  calls

	server *launch.Server // of --exec; nil: it is somebody else's

	stop   context.Context
	cancel context.CancelFunc
	gone   sync.WaitGroup
}

// New checks the configuration, looks at the upstream for at most probe_timeout, and starts the tasks that watch it. An
// upstream that does not answer is no error: the engine starts unhealthy and keeps trying. With Exec it starts the server
// first and waits until that serves.
func New(ctx context.Context, cfg Config, deps Deps) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("openai engine: %w", err)
	}
	cfg, argv, err := cfg.command()
	if err != nil {
		return nil, fmt.Errorf("openai engine: %w", err)
	}
	root, err := cfg.root()
	if err != nil {
		return nil, fmt.Errorf("openai engine: %w", err)
	}
	e := &Engine{cfg: cfg, root: root, log: deps.Log, epoch: time.Now()}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if e.upstream, err = e.wires(deps.Getenv, bracket(deps.Steps)); err != nil {
		return nil, fmt.Errorf("openai engine: %w", err)
	}
	e.facts.Store(cfg.assumed())
	e.calls.active = map[*sequence]struct{}{}
	e.health.init()
	e.stop, e.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if argv != nil {
		if err := e.launch(argv); err != nil {
			e.cancel()
			return nil, fmt.Errorf("openai engine: --exec: %w", err)
		}
	}
	e.probe(ctx)
	e.gone.Go(e.tend)
	e.gone.Go(e.scrape)
	if argv != nil {
		if err := e.serves(ctx); err != nil {
			_ = e.Close()
			return nil, fmt.Errorf("openai engine: %w", err)
		}
	}
	return e, nil
}

// bracket holds the deltas of a batch of reads together.
func bracket(steps engine.Steps) func(func()) {
	if steps == nil {
		return nil
	}
	return func(batch func()) {
		steps.Hold()
		defer steps.Release()
		batch()
	}
}

// Generate implements engine.Engine.
func (e *Engine) Generate(ctx context.Context, req *engine.Request, out engine.Output) error {
	s, err := e.begin(ctx, req, out)
	if err != nil {
		return err
	}
	defer e.finish(s)
	err = s.run()
	if err == nil {
		e.health.success()
		return nil
	}
	if ctx.Err() != nil {
		s.abandoned()
		return ctx.Err()
	}
	if cause := context.Cause(s.ctx); cause != nil && s.ctx.Err() != nil {
		err = cause // the watch, Close or a suspicion cut it
	}
	if s.emitted {
		err = spent(err)
	}
	if countsAgainst(err) && !errors.Is(err, errSuspect) {
		e.failure(err)
	}
	return err
}

// spent takes the permission to retry from an error that comes after the first delta.
func spent(err error) error {
	var known *engine.Error
	if !errors.As(err, &known) || !known.Retry {
		return err
	}
	after := *known
	after.Retry = false
	return &after
}

// Close implements engine.Engine.
func (e *Engine) Close() error {
	e.calls.close()
	e.cancel()
	e.gone.Wait()
	e.upstream.close()
	if e.server != nil {
		e.server.Close()
	}
	return nil
}

// now is the time since the engine's start, on the monotonic clock.
func (e *Engine) now() time.Duration { return time.Since(e.epoch) }

// traceparent is the W3C header of the span in ctx; empty where there is none.
func traceparent(ctx context.Context) string {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() {
		return ""
	}
	return "00-" + sc.TraceID().String() + "-" + sc.SpanID().String() + "-" + sc.TraceFlags().String()
}
