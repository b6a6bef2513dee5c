package llama

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/leathq/leat/services/worker/internal/llama/wire"
)

const (
	pingEvery   = time.Second     // and half of a shorter ping time-out
	exitTimeout = 2 * time.Second // how long a child may take to leave when its socket closes
	calmAfter   = time.Minute     // a child that lived so long starts the back-off anew
)

// supervise keeps a child running until life ends.
func (e *Engine) supervise(life context.Context, p *process) {
	defer close(e.done)
	wait := e.cfg.RestartMin
	for {
		born := time.Now()
		if p != nil {
			e.serve(life, p)
		}
		if life.Err() != nil {
			return
		}
		if time.Since(born) > calmAfter {
			wait = e.cfg.RestartMin
		}
		select {
		case <-time.After(wait):
		case <-life.Done():
			return
		}
		wait = min(2*wait, e.cfg.RestartMax)
		var err error
		if p, err = e.start(life); err != nil {
			if life.Err() == nil {
				e.down("cannot restart: " + err.Error())
				e.log.Error("llama engine cannot restart", "error", err, "next_try", wait)
			}
			continue
		}
		e.up(p)
		e.log.Info("llama engine restarted", "restarts", e.Stats().Restarts, "load_time", p.ready.LoadTime)
	}
}

// serve runs one life of the child and ends its calls.
func (e *Engine) serve(life context.Context, p *process) {
	stopped := make(chan struct{})
	go e.watch(life, p, stopped)
	err := p.receive(e)
	close(stopped)
	_ = p.conn.Close()
	select {
	case <-p.exit:
	case <-time.After(exitTimeout):
		p.kill()
		<-p.exit
	}
	closed := life.Err() != nil
	if !closed {
		e.down("it died: " + p.state)
		e.log.Error("llama engine died", "exit", p.state, "error", err, "engine_log", p.log.notable())
	}
	p.fail(closed)
}

// watch pings the child and kills it when it hangs; it closes the socket when life ends.
func (e *Engine) watch(life context.Context, p *process, stopped <-chan struct{}) {
	tick := time.NewTicker(min(pingEvery, e.cfg.PingTimeout/2))
	defer tick.Stop()
	for {
		select {
		case <-stopped:
			return
		case <-life.Done():
			_ = p.conn.Close()
			return
		case <-tick.C:
		}
		p.control(wire.KindPing, p.next.Load())
		now := p.age()
		if since := time.Duration(now - p.pong.Load()); since > e.cfg.PingTimeout {
			p.log.note(fmt.Sprintf("killed: it answered no ping for %s", since.Round(time.Second)))
			p.kill()
		} else if since := time.Duration(now - p.moved.Load()); since > e.cfg.StepTimeout {
			p.log.note(fmt.Sprintf("killed: one native call took more than %s", since.Round(time.Second)))
			p.kill()
		}
	}
}

// up makes p the current child.
func (e *Engine) up(p *process) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.proc, e.info, e.health = p, e.infoOf(&p.ready), ""
	e.past = wire.Load{PromptTokens: e.past.PromptTokens + e.load.PromptTokens, CachedTokens: e.past.CachedTokens + e.load.CachedTokens,
		OutputTokens: e.past.OutputTokens + e.load.OutputTokens, Steps: e.past.Steps + e.load.Steps}
	e.load = wire.Load{}
}

// down records that there is no child, and why.
func (e *Engine) down(why string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.proc != nil {
		e.restarts++
	}
	e.proc, e.health = nil, why
}

func (e *Engine) stepped(st *wire.Step) {
	if st.Load.Steps > 0 {
		e.mu.Lock()
		e.load = st.Load
		e.mu.Unlock()
	}
	if e.deps.OnStep != nil && st.Kind != wire.StepNone {
		kind := [...]string{wire.StepPrefill: "prefill", wire.StepDecode: "decode", wire.StepMixed: "mixed"}[st.Kind]
		e.deps.OnStep(StepTiming{Kind: kind, Tokens: st.Tokens, Elapsed: st.Elapsed})
	}
}

// start runs a child until it has loaded its model.
func (e *Engine) start(ctx context.Context) (*process, error) {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.StartTimeout)
	defer cancel()
	p, err := e.spawn()
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, p.kill)
	err = p.greet(e.hello())
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err == nil {
		return p, nil
	}
	_ = p.conn.Close()
	p.kill()
	<-p.exit
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("the model did not load within %s: give it more time, or use a smaller one", e.cfg.StartTimeout)
	}
	return nil, fmt.Errorf("llama engine: %w", p.explain(err))
}

// hello is the child's part of the configuration, with the adapters that are loaded by now.
func (e *Engine) hello() wire.Hello {
	h := e.cfg.hello()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, a := range e.adapters {
		h.Adapters = append(h.Adapters, wire.Adapter{Name: a.Name, Path: a.Path})
	}
	return h
}

// greet sends the configuration and waits for the child's answer.
func (p *process) greet(h wire.Hello) error {
	if err := p.conn.SendJSON(wire.KindHello, h); err != nil {
		return err
	}
	f, err := p.conn.Recv()
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", errLost, err)
	case f.Kind == wire.KindFatal:
		return errors.New(string(f.Payload))
	case f.Kind != wire.KindReady:
		return wire.ErrFrame
	}
	p.pong.Store(p.age())
	p.moved.Store(p.age())
	return wire.DecodeJSON(f.Payload, &p.ready)
}

// explain adds llama.cpp's own last complaint to a load error, on the same line.
func (p *process) explain(err error) error {
	if errors.Is(err, errLost) {
		err = fmt.Errorf("the engine process ended while it loaded (%s)", p.state)
	}
	why := p.log.reason()
	switch {
	case strings.Contains(why, "bad_alloc"), strings.Contains(why, "failed to allocate"):
		return fmt.Errorf("too little memory to load the model: free some, use a smaller model or quantisation, or lower --slots or --context (llama.cpp: %s)", why)
	case why != "":
		return fmt.Errorf("%w (llama.cpp: %s)", err, why)
	}
	return err
}

// spawn starts the process with its end of a socket pair as file descriptor 3.
func (e *Engine) spawn() (*process, error) {
	command := e.deps.Command
	if command == nil {
		command = selfCommand
	}
	cmd, err := command()
	if err != nil {
		return nil, fmt.Errorf("llama engine: %w", err)
	}
	conn, childEnd, err := socketPair()
	if err != nil {
		return nil, fmt.Errorf("llama engine: %w", err)
	}
	p := &process{born: time.Now(), conn: wire.NewConn(conn), log: &stderrLog{}, exit: make(chan struct{}), calls: map[uint64]*call{}, asks: map[uint64]chan wire.Frame{}}
	cmd.ExtraFiles = []*os.File{childEnd}
	cmd.Stderr, cmd.WaitDelay = p.log, exitTimeout
	cmd.SysProcAttr = childAttr()
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, e.cfg.Env...)
	cmd.Env = append(cmd.Env, "GGML_NO_BACKTRACE=1") // a crash must not wait for a debugger
	started := make(chan error)
	go func() {
		// The parent-death signal is bound to the OS thread that started the child: keep that thread.
		runtime.LockOSThread()
		err := cmd.Start()
		childEnd.Close()
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait()
		p.state = cmd.ProcessState.String()
		close(p.exit)
	}()
	if err := <-started; err != nil {
		conn.Close()
		return nil, fmt.Errorf("start the engine process: %w", err)
	}
	p.kill = func() { _ = cmd.Process.Kill() }
	return p, nil
}

func selfCommand() (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program's file: %w", err)
	}
	return exec.Command(self, "engine", "llama"), nil //nolint:noctx // its engine ends it: by closing the socket, or by Kill
}
