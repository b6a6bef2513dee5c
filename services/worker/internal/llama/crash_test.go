package llama_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ebitengine/purego"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/llama"
)

// abortOnSignal provokes a real native abort in the engine child on SIGUSR1: ggml's own, as a failed assertion calls it.
func abortOnSignal() {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, syscall.SIGUSR1)
	<-ch
	h, err := purego.Dlopen(filepath.Join(os.Getenv("LEAT_TEST_CHILD"), "libggml-base.so"), purego.RTLD_NOW)
	if err != nil {
		panic(err)
	}
	var ggmlAbort func(file string, line int32, format string)
	purego.RegisterLibFunc(&ggmlAbort, h, "ggml_abort")
	ggmlAbort("provoked.cpp", 1, "GGML_ASSERT(provoked) failed")
}

// nursery starts children and remembers their process ids.
type nursery struct {
	lib  string
	mu   sync.Mutex
	cmds []*exec.Cmd
}

func (n *nursery) command() (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "LEAT_TEST_CHILD="+n.lib)
	n.mu.Lock()
	n.cmds = append(n.cmds, cmd)
	n.mu.Unlock()
	return cmd, nil
}

func (n *nursery) last() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cmds[len(n.cmds)-1].Process.Pid
}

// eventually polls a condition until it holds.
func eventually(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(within); !ok(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within %s: %s", within, what)
		}
	}
}

func TestCrashEndsSequencesAndRestarts(t *testing.T) {
	for name, kill := range map[string]func(pid int) error{
		"kill -9":      func(pid int) error { return syscall.Kill(pid, syscall.SIGKILL) },
		"native abort": func(pid int) error { return syscall.Kill(pid, syscall.SIGUSR1) },
		"hang":         func(pid int) error { return syscall.Kill(pid, syscall.SIGSTOP) },
	} {
		t.Run(name, func(t *testing.T) {
			n := &nursery{lib: libDir(t)}
			e := start(t, func(c *llama.Config) {
				c.Slots, c.Chunk, c.RestartMin, c.PingTimeout = 2, 128, 20*time.Millisecond, 3*time.Second
			}, llama.Deps{Command: n.command})
			generate(t, e, engine.Request{Prompt: engine.Prompt{Text: "Once"}, MaxTokens: 1})
			before := runtime.NumGoroutine()

			var wg sync.WaitGroup
			var answered [2]error
			var unanswered error
			run := func(err *error, s *sink) {
				*err = e.Generate(t.Context(), &engine.Request{Prompt: engine.Prompt{Text: "Once upon a time"}, Sampling: greedy(), MaxTokens: 400, IgnoreEOS: true}, s)
			}
			for i := range answered { // both slots are taken, so the third sequence waits
				started := make(chan struct{})
				first := sync.OnceFunc(func() { close(started) })
				wg.Go(func() { run(&answered[i], &sink{onDelta: func(engine.Delta) { first() }}) })
				<-started
			}
			wg.Go(func() { run(&unanswered, &sink{}) })
			eventually(t, 5*time.Second, "a sequence waits", func() bool { return e.Stats().Waiting == 1 })
			first := n.last()
			if err := kill(first); err != nil {
				t.Fatal(err)
			}
			wg.Wait()
			for _, err := range append(answered[:], unanswered) {
				wantCrash(t, err)
			}

			eventually(t, 60*time.Second, "healthy again", func() bool { st := e.Stats(); return st.Healthy && st.Restarts == 1 })
			if n.last() == first {
				t.Fatal("no new child was started")
			}
			if d := generate(t, e, engine.Request{Prompt: engine.Prompt{Text: "The capital of France is"}, Sampling: greedy(), MaxTokens: 2}); !strings.Contains(d.Text, "Paris") {
				t.Fatalf("after the restart: %q", d.Text)
			}
			if st := e.Stats(); st.Running+st.Waiting != 0 {
				t.Fatalf("slots leaked: %+v", st)
			}
			eventually(t, 5*time.Second, "no goroutine is left over", func() bool { return runtime.NumGoroutine() <= before })
		})
	}
}

func wantCrash(t *testing.T, err error) {
	t.Helper()
	var ee *engine.Error
	if !errors.As(err, &ee) || ee.Code != "engine_crashed" || !ee.Retry || ee.Client {
		t.Errorf("got %#v, want engine_crashed, which another worker may not have", err)
	}
}

func TestWhileDownRequestsAreRefused(t *testing.T) {
	n := &nursery{lib: libDir(t)}
	e := start(t, func(c *llama.Config) { c.RestartMin, c.RestartMax = time.Hour, time.Hour }, llama.Deps{Command: n.command})
	if err := syscall.Kill(n.last(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, "unhealthy", func() bool { return !e.Stats().Healthy })
	err := e.Generate(t.Context(), &engine.Request{Prompt: engine.Prompt{Text: "x"}}, &sink{})
	var ee *engine.Error
	if !errors.As(err, &ee) || ee.Code != "engine_unavailable" || !ee.Retry {
		t.Errorf("got %v", err)
	}
	if st := e.Stats(); !strings.Contains(st.HealthMessage, "killed") {
		t.Errorf("health message %q", st.HealthMessage)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.Generate(t.Context(), &engine.Request{}, &sink{}); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestCloseEndsRunningSequences(t *testing.T) {
	n := &nursery{lib: libDir(t)}
	e := start(t, nil, llama.Deps{Command: n.command})
	started := make(chan struct{})
	var once sync.Once
	done := make(chan error, 1)
	go func() {
		s := &sink{onDelta: func(engine.Delta) { once.Do(func() { close(started) }) }}
		done <- e.Generate(context.Background(), &engine.Request{Prompt: engine.Prompt{Text: "Once"}, MaxTokens: 400, IgnoreEOS: true}, s)
	}()
	<-started
	pid := n.last()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, engine.ErrClosed) {
		t.Errorf("got %v", err)
	}
	if !gone(pid) {
		t.Error("the child outlives its engine")
	}
}

// parent is a worker that is about to be killed: it starts an engine, prints the child's process id and waits.
func parent() int {
	n := &nursery{lib: os.Getenv("LEAT_TEST_ENGINE_LIB")}
	e, err := llama.New(context.Background(), llama.Config{Model: os.Getenv("LEAT_TEST_MODEL"), LibDir: n.lib, Slots: 1, Context: 256}, llama.Deps{Command: func() (*exec.Cmd, error) {
		cmd, err := n.command()
		cmd.Env = append(cmd.Env, "LEAT_TEST_PARENT=")
		return cmd, err
	}})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("child", n.last())
	_ = e.Generate(context.Background(), &engine.Request{Prompt: engine.Prompt{Text: "Once"}, MaxTokens: 200, IgnoreEOS: true}, &sink{})
	select {}
}

func TestKilledWorkerLeavesNoOrphan(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "LEAT_TEST_PARENT=1", "LEAT_TEST_MODEL="+modelPath(t), "LEAT_TEST_ENGINE_LIB="+libDir(t))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	pid, perr := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "child ")))
	if err != nil || perr != nil {
		t.Fatalf("%q %v %v", line, err, perr)
	}
	if gone(pid) {
		t.Fatal("the child does not run")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	eventually(t, 20*time.Second, "the child is gone", func() bool { return gone(pid) })
}

// gone tells that a process does not exist, or only as an entry that nobody has reaped.
func gone(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, after, _ := strings.Cut(string(b), ") ")
	return strings.HasPrefix(after, "Z") || strings.HasPrefix(after, "X")
}
