package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// process is a child that runs until stop.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{}
}

// start runs a command with its output in a file of the work directory. It outlives ctx: stop ends it.
func (b *bench) start(ctx context.Context, name, path string, args ...string) (*process, error) {
	p := &process{name: name, cmd: exec.CommandContext(context.WithoutCancel(ctx), path, args...), log: filepath.Join(b.Work, name+".log"), done: make(chan struct{})}
	out, err := os.Create(p.log)
	if err != nil {
		return nil, fmt.Errorf("create log: %w", err)
	}
	defer out.Close() // the child has its own descriptor
	p.cmd.Stdout, p.cmd.Stderr = out, out
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in its log
		close(p.done)
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop asks, and after 10 s kills.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// await polls until check succeeds; it fails early when the process ends.
func (p *process) await(ctx context.Context, check func(context.Context) error) error {
	deadline := time.After(60 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.done:
			return fmt.Errorf("%s ended before it was ready; its output is in %s", p.name, p.log)
		case <-deadline:
			return fmt.Errorf("%s is not ready after 60 s: %w; its output is in %s", p.name, err, p.log)
		case <-tick.C:
		}
	}
}

// serves checks that an OpenAI server lists a model.
func serves(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		var list struct {
			Data []struct{ ID string }
		}
		if err := getJSON(ctx, "http://"+address+"/v1/models", &list); err != nil {
			return err
		}
		if len(list.Data) == 0 {
			return errors.New("no model is listed")
		}
		return nil
	}
}

func getJSON(ctx context.Context, url string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// freeAddress is a loopback address that nobody listens on now.
func freeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }() // it took no connection
	return l.Addr().String(), nil
}

// build makes the binaries.
func (b *bench) build(ctx context.Context) error {
	b.leat, b.upstream = b.Leat, filepath.Join(b.Work, "upstream")
	if b.leat == "" {
		b.leat = filepath.Join(b.Work, "leat")
		if err := b.goBuild(ctx, b.leat, "./services/cmd/leat"); err != nil {
			return err
		}
	}
	return b.goBuild(ctx, b.upstream, "./e2e/bench/cmd/upstream")
}

func (b *bench) goBuild(ctx context.Context, to, what string) error {
	b.say("building %s", what)
	cmd := exec.CommandContext(ctx, "go", "build", "-o", to, what)
	cmd.Dir, cmd.Env = b.Root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", what, err, out)
	}
	return nil
}
