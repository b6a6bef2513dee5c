package procs

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Process is a command that runs and has said where it listens. Its methods are for the test's goroutine.
type Process struct {
	HTTP string // host:port; empty where it has none, as GRPC and NATS
	GRPC string
	NATS string // URL of a nats-server

	name   string
	cmd    *exec.Cmd
	exited chan struct{}
	err    error // once exited is closed
	gone   bool
}

// grace is how long a process may take to listen, and to stop.
const grace = 60 * time.Second

// Run starts a program whose output goes to out, waits until it has said where it listens, and stops it when the test
// ends.
func Run(t *testing.T, out *Output, program string, args ...string) *Process {
	t.Helper()
	return run(t, out, nil, program, args...)
}

// run is Run with variables beside ours.
func run(t *testing.T, out *Output, env []string, program string, args ...string) *Process {
	t.Helper()
	// Not ended by the test's context, which is over before its clean-ups: the stop must be a clean one.
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program, args...)
	cmd.Env = append(environ(), env...)
	p := &Process{name: filepath.Base(program), cmd: cmd, exited: make(chan struct{})}
	r, w := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = w, w
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", p.name, err)
	}
	t.Cleanup(func() { p.Stop(t) })
	listens := make(chan struct{})
	go p.read(r, out, listens)
	go func() {
		p.err = p.cmd.Wait()
		_ = w.Close() // a pipe's end has nothing to fail with
		close(p.exited)
	}()
	select {
	case <-listens:
	case <-p.exited:
		p.gone = true
		t.Fatalf("%s %s ended at once: %v\n%s", p.name, strings.Join(args, " "), p.err, out.Tail(20))
	case <-time.After(grace):
		t.Fatalf("%s listens nowhere after %s\n%s", p.name, grace, out.Tail(20))
	}
	return p
}

// environ is ours without the settings of a leat that the user runs.
func environ() []string {
	var out []string
	for _, v := range os.Environ() {
		if strings.HasPrefix(v, "LEAT_CACHE=") || !strings.HasPrefix(v, "LEAT_") && !strings.HasPrefix(v, "OTEL_") {
			out = append(out, v)
		}
	}
	return out
}

var natsListens = regexp.MustCompile(`Listening for client connections on (\S+)`)

// read copies the output line by line and closes listens when it has said where the process listens.
func (p *Process) read(r io.Reader, out *Output, listens chan struct{}) {
	lines := bufio.NewReader(r)
	said := false
	for {
		line, err := lines.ReadString('\n')
		out.add(line)
		if !said && p.learn(line) {
			said = true
			close(listens)
		}
		if err != nil {
			return
		}
	}
}

// learn takes an address out of a line; it reports true where nothing more is to come.
func (p *Process) learn(line string) bool {
	if m := natsListens.FindStringSubmatch(line); m != nil {
		p.NATS = "nats://" + m[1]
		return true
	}
	var rec struct{ Msg, What, Text string }
	if json.Unmarshal([]byte(line), &rec) != nil || rec.Msg != "start" {
		return false
	}
	switch rec.What {
	case "listen http":
		p.HTTP = rec.Text
	case "listen grpc":
		p.GRPC = rec.Text
	}
	return p.HTTP != "" && p.GRPC != ""
}

// URL is the base of its HTTP listener.
func (p *Process) URL() string { return "http://" + p.HTTP }

// PID is its process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Stop sends SIGTERM and waits for the end, which must be a clean one.
func (p *Process) Stop(t *testing.T) {
	t.Helper()
	if p.gone {
		return
	}
	p.gone = true
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself, which is seen below
	select {
	case <-p.exited:
		if p.err != nil && p.NATS == "" { // nats-server exits with 1 on SIGTERM
			t.Errorf("%s did not stop cleanly: %v", p.name, p.err)
		}
	case <-time.After(grace):
		_ = p.cmd.Process.Kill()
		t.Errorf("%s has not stopped %s after SIGTERM", p.name, grace)
	}
}

// Ends waits until the process has ended by itself, which must be with exit code 0.
func (p *Process) Ends(t *testing.T) {
	t.Helper()
	select {
	case <-p.exited:
		p.gone = true
		if p.err != nil {
			t.Errorf("%s did not end cleanly: %v", p.name, p.err)
		}
	case <-time.After(grace):
		t.Fatalf("%s has not ended by itself after %s", p.name, grace)
	}
}

// Kill sends SIGKILL and waits for the end.
func (p *Process) Kill(t *testing.T) {
	t.Helper()
	p.gone = true
	if err := p.cmd.Process.Kill(); err != nil {
		t.Errorf("kill %s: %v", p.name, err)
	}
	<-p.exited
}

// Output collects what processes write. It is safe for concurrent use.
type Output struct {
	mu   sync.Mutex
	text strings.Builder
}

// Log is an output of somebody's whose last lines are shown when the test fails.
func Log(t *testing.T, whose string, lines int) *Output {
	o := &Output{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the last lines of %s:\n%s", whose, o.Tail(lines))
		}
	})
	return o
}

func (o *Output) add(s string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.WriteString(s)
}

// String is all of it.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Tail is the last lines.
func (o *Output) Tail(n int) string {
	lines := strings.Split(o.String(), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
