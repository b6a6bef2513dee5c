package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/leathq/leat/pkg/assets"
)

// target is one server under measurement.
type target struct {
	name  string
	url   string // without a trailing slash
	model string // what its /v1/models calls the model
	pid   int    // 0 where this run did not start it
}

// fleet is the servers of a run; the first is what the others are compared with.
type fleet struct {
	targets []target
	procs   []*proc
	dirs    []string // to be removed
}

// proc is a server that this run started.
type proc struct {
	cmd  *exec.Cmd
	log  *os.File
	dead chan struct{}
}

// startAll starts every server, waits until each answers, and returns those that need stopping
// even with an error.
func startAll(ctx context.Context, cfg config, paths assets.Paths, stderr io.Writer) (*fleet, error) {
	f := &fleet{targets: cfg.urls}
	if cfg.server != "" && len(cfg.urls) == 0 {
		args := []string{"-m", paths.Model, "-t", itoa(cfg.threads), "-tb", itoa(cfg.threads), "-np", itoa(cfg.slots),
			"-c", itoa(cfg.slots * cfg.context), "--cache-ram", "0", "--host", "127.0.0.1"}
		args = append(args, strings.Fields(cfg.serverArgs)...)
		if err := f.start(ctx, "llama-server", cfg.server, "/health", args, "--port", stderr); err != nil {
			return f, err
		}
	}
	for _, schedule := range cfg.schedules {
		if cfg.leat == "" {
			break
		}
		if err := f.startLeat(ctx, cfg, paths, schedule, stderr); err != nil {
			return f, err
		}
	}
	if len(f.targets) < 2 {
		return f, errors.New("nothing to compare: name the leat binary with -leat, or two servers with -url")
	}
	for i := range f.targets {
		if err := f.targets[i].learnModel(ctx); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (f *fleet) startLeat(ctx context.Context, cfg config, paths assets.Paths, schedule string, stderr io.Writer) error {
	dir, err := os.MkdirTemp("", "compare-leat-*")
	if err != nil {
		return err
	}
	f.dirs = append(f.dirs, dir)
	args := []string{"up", "--engine", "llama", "--model", paths.Model, "--engine-lib", paths.EngineLib,
		"--schedule", schedule, "--threads", itoa(cfg.threads), "--slots", itoa(cfg.slots), "--context", itoa(cfg.context),
		"--nats-dir", dir, "--nats-listen=", "--grpc="}
	args = append(args, strings.Fields(cfg.leatArgs)...)
	return f.start(ctx, "leat "+schedule, cfg.leat, "/ready", args, "--http", stderr)
}

func itoa(n int) string { return strconv.Itoa(n) }

// freePort asks the kernel for a port; nobody else on a test machine takes it before the server does.
func freePort(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

// start runs one server; portFlag takes a port ("--port") or an address ("--http").
func (f *fleet) start(ctx context.Context, name, path, ready string, args []string, portFlag string, stderr io.Writer) error {
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	at := port
	if portFlag == "--http" {
		at = "127.0.0.1:" + port
	}
	log, err := os.CreateTemp("", "compare-*.log")
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), path, // stop ends it, politely
		append(args, portFlag, at)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches us first; we stop it
	fmt.Fprintf(stderr, "starting %s: %s (log %s)\n", name, strings.Join(cmd.Args, " "), log.Name())
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s (e2e/yardstick/build.sh makes llama-server): %w", name, err)
	}
	p := &proc{cmd: cmd, log: log, dead: make(chan struct{})}
	go func() { _ = cmd.Wait(); close(p.dead) }()
	f.procs = append(f.procs, p)
	t := target{name: name, url: "http://127.0.0.1:" + port, pid: cmd.Process.Pid}
	if err := p.wait(ctx, t.url+ready); err != nil {
		return fmt.Errorf("%s: %w; its log is %s", name, err, log.Name())
	}
	f.targets = append(f.targets, t)
	return nil
}

// wait polls a URL until it answers 200, the process ends, or two minutes have passed.
func (p *proc) wait(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-p.dead:
			return errors.New("it ended before it was ready")
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// stop ends the servers: politely, then by force.
func (f *fleet) stop() {
	for _, p := range f.procs {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
	for _, p := range f.procs {
		select {
		case <-p.dead:
		case <-time.After(10 * time.Second):
			_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
			<-p.dead
		}
		_ = p.log.Close()
	}
	for _, dir := range f.dirs {
		_ = os.RemoveAll(dir)
	}
}
