package llama

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/llama/wire"
)

// Deps is what the engine needs from its worker. Every field may be nil.
type Deps struct {
	Log   *slog.Logger
	Steps engine.Steps // brackets the deltas of one step
	// Command returns the command that runs child.Main, before the socket is attached; default: this binary with
	// the arguments "engine llama".
	Command func() (*exec.Cmd, error)
	// OnStep sees what every step cost. It is called from the socket's reader and must not block.
	OnStep func(StepTiming)
}

// StepTiming is what one step of the child did and how long it took.
type StepTiming struct {
	Kind    string // prefill, decode, mixed
	Tokens  int
	Elapsed time.Duration
}

// Engine is a model served by a child process. It implements engine.Engine.
type Engine struct {
	cfg  Config
	deps Deps
	log  *slog.Logger
	stop context.CancelFunc
	done chan struct{} // the supervisor has ended

	mu       sync.Mutex
	proc     *process // nil while the child is down
	info     engine.Info
	load     wire.Load // of this life
	past     wire.Load // counters of earlier lives
	adapters []Adapter // that every life of the child loads
	health   string    // why the child is down
	restarts int
	closed   bool
}

// New starts the child, waits until the model is loaded and tested, and keeps the child running until Close. The error
// is one line that says what is wrong.
func New(ctx context.Context, cfg Config, deps Deps) (*Engine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	e := &Engine{cfg: cfg.withDefaults(), deps: deps, log: deps.Log, done: make(chan struct{})}
	e.adapters = slices.Clone(cfg.Adapters)
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	p, err := e.start(ctx)
	if err != nil {
		return nil, err
	}
	if err := firstError(&p.ready); err != nil {
		_ = p.conn.Close()
		p.kill()
		<-p.exit
		return nil, err
	}
	e.up(p)
	e.log.Info("llama engine loaded its model", "model", e.cfg.Name, "description", p.ready.Description, "load_time", p.ready.LoadTime,
		"self_test_time", p.ready.SelfTestTime, "exact", p.ready.Exact, "exact_note", p.ready.ExactNote, "fingerprint", p.ready.Fingerprint,
		"schedule", e.cfg.Schedule, "threads", e.cfg.Threads, "slots", p.ready.Slots, "context", p.ready.Context, "backend", p.ready.Backend)
	life, stop := context.WithCancel(context.Background())
	e.stop = stop
	go e.supervise(life, p)
	return e, nil
}

// Info describes the served model.
func (e *Engine) Info() engine.Info {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.info
}

// Stats is a snapshot of the load.
func (e *Engine) Stats() engine.Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.load
	st := engine.Stats{QueuedTokens: l.QueuedTokens, KVUse: l.KVUse, PrefillRate: l.PrefillRate, DecodeRate: l.DecodeRate,
		PromptTokens: e.past.PromptTokens + l.PromptTokens, CachedTokens: e.past.CachedTokens + l.CachedTokens,
		OutputTokens: e.past.OutputTokens + l.OutputTokens, Steps: e.past.Steps + l.Steps,
		Healthy: e.proc != nil && !e.closed, HealthMessage: e.health, Restarts: e.restarts}
	if e.proc != nil {
		n := e.proc.running()
		st.Running = min(n, e.cfg.Slots)
		st.Waiting = n - st.Running
	}
	return st
}

// Close ends the child and everything that runs on it.
func (e *Engine) Close() error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.stop()
	<-e.done
	return nil
}

// current returns the running child, or why there is none.
func (e *Engine) current() (*process, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed:
		return nil, engine.ErrClosed
	case e.proc == nil:
		return nil, &engine.Error{Code: "engine_unavailable", Message: "the engine is restarting: " + e.health, Retry: true}
	}
	return e.proc, nil
}

// Generate runs one sequence to its end.
func (e *Engine) Generate(ctx context.Context, req *engine.Request, out engine.Output) error {
	if len(req.Prompt.Messages) > 0 && req.Prompt.Tokens == nil && req.Prompt.Text == "" {
		return &engine.Error{Code: "invalid_prompt", Param: "messages", Client: true, Message: "this engine takes rendered text or tokens: render the messages with the model's chat template"}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	p, err := e.current()
	if err != nil {
		return err
	}
	c, err := p.submit(req, out)
	if err != nil {
		return err
	}
	for {
		select {
		case <-c.ended:
			return c.result(ctx)
		case <-ctx.Done():
			p.control(wire.KindCancel, c.id)
			<-c.ended
			return c.result(ctx)
		case <-c.dry:
			c.refill(ctx)
			p.control(wire.KindResume, c.id)
			c.waiting.Store(false) // after the resume: a pause that follows must not be undone by it
		}
	}
}

// Tokenize turns text into token ids.
func (e *Engine) Tokenize(ctx context.Context, text string, addSpecial, parseSpecial bool) ([]int32, error) {
	p, err := e.current()
	if err != nil {
		return nil, err
	}
	f, err := p.ask(ctx, wire.KindTokenize, func(call uint64) func([]byte) []byte {
		return (&wire.Tokenize{Call: call, Text: text, AddSpecial: addSpecial, ParseSpecial: parseSpecial}).Append
	})
	if err != nil {
		return nil, err
	}
	t, err := wire.DecodeTokens(f.Payload)
	return t.IDs, answer(err, "prompt", t.Err)
}

// Detokenize turns ids into text, special tokens included.
func (e *Engine) Detokenize(ctx context.Context, ids []int32) (string, error) {
	p, err := e.current()
	if err != nil {
		return "", err
	}
	f, err := p.ask(ctx, wire.KindDetokenize, func(call uint64) func([]byte) []byte {
		return (&wire.Tokens{Call: call, IDs: ids}).Append
	})
	if err != nil {
		return "", err
	}
	t, err := wire.DecodeText(f.Payload)
	return t.Text, answer(err, "tokens", t.Err)
}

// answer is the error of a tokeniser's answer: what it refuses is the client's fault.
func answer(err error, param, refused string) error {
	if err == nil && refused != "" {
		err = &engine.Error{Code: "invalid_" + param, Param: param, Message: refused, Client: true}
	}
	return err
}

// infoOf merges what the child found with what was asked for.
func (e *Engine) infoOf(r *wire.Ready) engine.Info {
	in := engine.Info{Model: e.cfg.Name, Engine: "llama", ModelVersion: r.ModelDigest, Fingerprint: r.Fingerprint, Exact: r.Exact,
		ExactNote: r.ExactNote, ContextLen: r.Context, Slots: r.Slots, Chat: engine.ChatNone, ChatTemplate: r.ChatTemplate,
		BOS: r.BOS, EOS: r.EOS, PAD: r.PAD, Tokenizes: true, Params: params(), Adapters: e.adaptersOf(r)}
	if r.ChatTemplate != "" {
		in.Chat = engine.ChatTemplate
	}
	return in
}

// params lists the optional request parameters that the engine honours; the gateway turns a response_format and tools into
// a grammar.
func params() []string {
	return []string{"temperature", "top_p", "top_k", "min_p", "frequency_penalty", "presence_penalty", "repetition_penalty",
		"logit_bias", "seed", "stop", "max_tokens", "max_completion_tokens", "ignore_eos", "echo", "logprobs", "top_logprobs",
		"grammar", "response_format", "tools", "tool_choice", "parallel_tool_calls"}
}

var errLost = errors.New("the engine process is gone")

func crashed(why string) error {
	return &engine.Error{Code: "engine_crashed", Retry: true,
		Message: fmt.Sprintf("the engine process died (%s) and is being restarted: send the request again", why)}
}
