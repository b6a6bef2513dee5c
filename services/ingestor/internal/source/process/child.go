package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/leathq/leat/services/ingestor/internal/source/wire"
)

// grace is how long a program that said its last line may take to exit.
const grace = 10 * time.Second

// child is a running program in a process group of its own, for one goroutine.
type child struct {
	name    string
	idle    time.Duration
	cmd     *exec.Cmd
	stdin   *os.File // open as long as we want the program to live
	stdout  *os.File
	control *os.File
	lines   *wire.Lines
	said    *tail
	over    bool
}

// start runs a program in a mode and gives it the request.
func (s *Source) start(ctx context.Context, mode string, req wire.Request) (*child, error) {
	c := &child{name: s.name, idle: s.idle, said: &tail{}}
	c.cmd = exec.Command(s.command[0], append(s.command[1:len(s.command):len(s.command)], mode)...) //nolint:noctx // it must outlive this call's context; Close ends its whole group
	c.cmd.Dir, c.cmd.Env = s.dir, s.env
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.cmd.Stderr, c.cmd.WaitDelay = c.said, time.Second
	theirs, err := c.pipes()
	defer closeAll(theirs)
	if err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		closeAll([]*os.File{c.stdin, c.stdout, c.control})
		return nil, fmt.Errorf("start the source program %q: %w; check `command`", s.command[0], err)
	}
	c.lines = wire.NewLines(c.control)
	if err := c.ask(ctx, req); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

// pipes connects the program and returns its ends.
func (c *child) pipes() (theirs []*os.File, err error) {
	pipe := func(ours **os.File, weWrite bool) *os.File {
		r, w, e := os.Pipe()
		if e != nil {
			err = errors.Join(err, e)
			return nil
		}
		if weWrite {
			r, w = w, r
		}
		*ours, theirs = r, append(theirs, w)
		return w
	}
	in, out, lines := pipe(&c.stdin, true), pipe(&c.stdout, false), pipe(&c.control, false)
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.ExtraFiles = in, out, []*os.File{lines} // the first extra file is descriptor 3
	return theirs, err
}

func closeAll(fs []*os.File) {
	for _, f := range fs {
		if f != nil {
			_ = f.Close()
		}
	}
}

// ask gives the program its request and reads its greeting.
func (c *child) ask(ctx context.Context, req wire.Request) error {
	raw, err := wire.Append(nil, req)
	if err != nil {
		return err
	}
	_ = c.stdin.SetWriteDeadline(time.Now().Add(c.idle))
	if _, err := c.stdin.Write(raw); err != nil {
		return c.ended(fmt.Errorf("it did not take its request: %w", err))
	}
	l, err := c.line(ctx)
	switch {
	case err != nil:
		return err
	case l.Type != wire.Hello:
		return broken(c.name, "its first line is %q, not %q", l.Type, wire.Hello)
	case l.Protocol != wire.Version:
		return broken(c.name, "it speaks version %d of the protocol, this ingestor version %d; install the one that came with this leat", l.Protocol, wire.Version)
	}
	return nil
}

// watched does a read that ends with the context, or when the program is silent for too long.
func (c *child) watched(ctx context.Context, f *os.File, read func() error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	_ = f.SetReadDeadline(time.Now().Add(c.idle))
	stop := context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	err := read()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("source program %s: nothing from it for %s, so it was killed; a slow one says %q now and then (docs/source-protocol.md)%s", c.name, c.idle, wire.Alive, c.said)
	}
	return err
}

// line is the next line that is not a sign of life.
func (c *child) line(ctx context.Context) (l wire.Line, err error) {
	for {
		err = c.watched(ctx, c.control, func() error { l, err = c.lines.Next(); return err })
		var g *wire.GarbageError
		switch {
		case err == io.EOF:
			return l, c.ended(errors.New("it closed descriptor 3 without a last line"))
		case errors.As(err, &g):
			return l, broken(c.name, "%v%s", g, c.said)
		case err != nil:
			return l, err
		case l.Type != wire.Alive:
			return l, nil
		}
	}
}

// bytes reads n bytes of standard output.
func (c *child) bytes(ctx context.Context, n int64) ([]byte, error) {
	const piece = 1 << 20 // each has the time that silence may last
	out := make([]byte, n)
	for at := int64(0); at < n; at += piece {
		err := c.watched(ctx, c.stdout, func() error {
			_, err := io.ReadFull(c.stdout, out[at:min(n, at+piece)])
			return err
		})
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil, c.ended(fmt.Errorf("its standard output ended within a batch of %d bytes", n))
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ended waits for a program that is about to die, and says how it did.
func (c *child) ended(what error) error {
	err := c.wait()
	how := "it exited with 0"
	if err != nil {
		how = err.Error()
	}
	return fmt.Errorf("source program %s: %w (%s)%s", c.name, what, how, c.said)
}

// finish checks that nothing follows the last line.
func (c *child) finish() error {
	_ = c.stdout.SetReadDeadline(time.Now().Add(grace))
	n, err := io.Copy(io.Discard, io.LimitReader(c.stdout, 1<<20))
	if n > 0 {
		return broken(c.name, "it wrote bytes on standard output that no line announced; print to standard error instead")
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("source program %s: read what follows its last line: %w", c.name, err)
	}
	if err := c.wait(); err != nil {
		return fmt.Errorf("source program %s: it said that it was done and then failed: %w%s", c.name, err, c.said)
	}
	return nil
}

// wait gives the program time to exit, and then ends its group.
func (c *child) wait() error {
	if c.over {
		return nil
	}
	c.over = true
	_ = c.stdin.Close()
	timer := time.AfterFunc(grace, c.kill)
	defer timer.Stop()
	err := c.cmd.Wait()
	c.kill() // what it started itself
	closeAll([]*os.File{c.stdout, c.control})
	return err
}

// stop ends the program's group at once.
func (c *child) stop() error {
	if c.over {
		return nil
	}
	c.over = true
	c.kill()
	closeAll([]*os.File{c.stdin, c.stdout, c.control})
	_ = c.cmd.Wait() // it was killed
	return nil
}

func (c *child) kill() { _ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL) }

// tail keeps the end of what a program wrote on standard error.
type tail struct {
	mu  sync.Mutex
	end []byte
}

func (t *tail) Write(p []byte) (int, error) {
	const kept = 2 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, p...)
	if n := len(t.end) - kept; n > 0 {
		t.end = append(t.end[:0], t.end[n:]...)
	}
	return len(p), nil
}

// String is the end of it as a part of an error.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := strings.TrimSpace(string(t.end)); s != "" {
		return "; its standard error ends: " + s
	}
	return ""
}
