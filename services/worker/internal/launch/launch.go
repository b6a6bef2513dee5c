// Package launch starts an inference server beside its worker, starts it again when it ends, and stops it together with
// everything that it started.
//
// It refuses to know what the server is: whether it is ready is its caller's to find out. No shell is involved.
package launch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Config says what to start, and how patiently.
type Config struct {
	Argv   []string      // the server's command line
	Env    []string      // variables, NAME=VALUE, over this process's own
	Guard  []string      // the command that runs Guard
	Grace  time.Duration // from SIGTERM to SIGKILL
	Tries  int           // lives without Ready in a row, after which the first start has failed
	First  time.Duration // back-off after the first end; it doubles
	Most   time.Duration // and stays here
	Steady time.Duration // a life as long as this makes the back-off start anew
	Log    *slog.Logger
	Ended  func(error) // called after each life that was not asked to end; must not block
}

// Defaults fills in what an operator need not think about.
func Defaults(argv []string, log *slog.Logger) (Config, error) {
	self, err := os.Executable()
	if err != nil {
		return Config{}, fmt.Errorf("find this program to guard the server: %w", err)
	}
	return Config{
		Argv: argv, Guard: []string{self, "engine", "guard"}, Grace: 10 * time.Second, Tries: 3, First: time.Second, Most: time.Minute,
		Steady: 2 * time.Minute, Log: log,
	}, nil
}

// Server is a server that is kept running. All methods are safe for concurrent use.
type Server struct {
	cfg      Config
	lines    *lines
	ready    atomic.Bool
	restarts atomic.Int64
	stop     chan struct{}
	once     sync.Once
	failed   chan struct{}
	err      error // once failed is closed
	gone     sync.WaitGroup
}

// Find returns the path of a program, or an error that says where it was looked for.
func Find(program string) (string, error) {
	path, err := exec.LookPath(program)
	switch {
	case err == nil || errors.Is(err, exec.ErrDot):
		return path, nil
	case strings.ContainsRune(program, os.PathSeparator):
		return "", fmt.Errorf("%s cannot be started: %w", program, err)
	}
	return "", fmt.Errorf("there is no program %q in PATH (%s): install it, or give its whole path", program, os.Getenv("PATH"))
}

// Start starts the server and returns at once.
func Start(cfg Config) (*Server, error) {
	path, err := Find(cfg.Argv[0])
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, lines: &lines{log: cfg.Log}, stop: make(chan struct{}), failed: make(chan struct{})}
	s.gone.Go(func() { s.keep(path) })
	return s, nil
}

// Ready tells that the server serves: from now on it is started again as often as it takes.
func (s *Server) Ready() { s.ready.Store(true) }

// Failed is closed when the server ended too often without having been ready; Err then says why.
func (s *Server) Failed() <-chan struct{} { return s.failed }

// Err is why the server failed.
func (s *Server) Err() error { return s.err }

// Restarts is how often it was started again.
func (s *Server) Restarts() int { return int(s.restarts.Load()) }

// Last is the newest line that the server printed.
func (s *Server) Last() string { return s.lines.last() }

// Close stops the server and all that it started; it takes the grace at most, and a little.
func (s *Server) Close() {
	s.once.Do(func() { close(s.stop) })
	s.gone.Wait()
}

func (s *Server) keep(path string) {
	wait, ends := s.cfg.First, 0
	for {
		began := time.Now()
		err := s.live(path)
		select {
		case <-s.stop:
			return
		default:
		}
		if time.Since(began) >= s.cfg.Steady {
			wait = s.cfg.First
		}
		if s.cfg.Ended != nil {
			s.cfg.Ended(err)
		}
		if ends++; !s.ready.Load() && ends >= s.cfg.Tries {
			s.err = fmt.Errorf("the server ended %d times before it was ready: %w", ends, err)
			close(s.failed)
			return
		}
		s.cfg.Log.Warn("server ended, it is started again", "in", wait.String(), "error", err)
		select {
		case <-s.stop:
			return
		case <-time.After(wait):
		}
		wait = min(2*wait, s.cfg.Most)
		s.restarts.Add(1)
	}
}

// live runs the server once, to its end or until it is told to stop.
func (s *Server) live(path string) error {
	argv := append(append(append([]string{}, s.cfg.Guard...), s.cfg.Grace.String(), path), s.cfg.Argv[1:]...)
	cmd := exec.CommandContext(context.Background(), argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = s.lines, s.lines, guardAttr()
	cmd.Env = append(os.Environ(), s.cfg.Env...)
	cmd.WaitDelay = time.Second // a grandchild outside of the group may hold the pipe
	word, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	s.cfg.Log.Info("server started", "program", path, "pid", cmd.Process.Pid)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err = <-ended:
	case <-s.stop:
		word.Close()
		select {
		case err = <-ended:
		case <-time.After(s.cfg.Grace + 5*time.Second):
			killGroup(cmd.Process.Pid)
			err = <-ended
		}
	}
	killGroup(cmd.Process.Pid)
	return s.reason(cmd, err)
}

// reason says how a life ended and what the server printed last.
func (s *Server) reason(cmd *exec.Cmd, err error) error {
	how := "it ended with code 0"
	if code := cmd.ProcessState.ExitCode(); code > 128 {
		how = fmt.Sprintf("it was ended by signal %d", code-128)
		if code == 128+9 {
			how += " (SIGKILL; often the machine was out of memory)"
		}
	} else if code > 0 {
		how = fmt.Sprintf("it ended with code %d", code)
	} else if err != nil {
		how = err.Error()
	}
	if kept := s.lines.take(); len(kept) > 0 {
		return fmt.Errorf("%s; it said last:\n  %s", how, strings.Join(kept, "\n  "))
	}
	return errors.New(how)
}
