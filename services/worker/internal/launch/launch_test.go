//go:build unix

package launch_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/leathq/leat/services/worker/internal/launch"
)

// TestMain lets this binary be the guard, a server that behaves as its arguments say, and a worker that starts one.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 2 && os.Args[1] == "engine":
		os.Exit(launch.Guard(os.Args[3:], os.Stderr))
	case len(os.Args) > 2 && os.Args[1] == "fake":
		os.Exit(fake(os.Args[2], os.Args[3:]))
	case len(os.Args) > 2 && os.Args[1] == "worker":
		keep(os.Args[2])
	}
	os.Exit(m.Run())
}

// fake is a server: its way and a file into which every process writes its pid.
func fake(way string, args []string) int {
	f, err := os.OpenFile(args[0], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return 9
	}
	fmt.Fprintln(f, os.Getpid())
	f.Close()
	switch way {
	case "crash":
		fmt.Println("loading the weights")
		fmt.Fprintln(os.Stderr, "CUDA error: out of memory")
		return 3
	case "polite":
		told := make(chan os.Signal, 1)
		signal.Notify(told, syscall.SIGTERM)
		fmt.Println("listening")
		<-told
		return map[bool]int{true: 0, false: 9}[os.WriteFile(args[0]+".bye", nil, 0o600) == nil]
	case "inherits":
		_ = syscall.Exec("/bin/sleep", []string{"sleep", "60"}, nil)
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
	case "parent", "leaver", "stubborn-parent":
		child := exec.Command(os.Args[0], "fake", map[string]string{"parent": "plain", "leaver": "plain", "stubborn-parent": "stubborn"}[way], args[0])
		if child.Start() != nil {
			return 9
		}
		if way == "stubborn-parent" {
			signal.Ignore(syscall.SIGTERM)
		}
		if way == "leaver" {
			for len(pids(args[0]))%2 != 0 {
				time.Sleep(time.Millisecond)
			}
			return 4
		}
	}
	fmt.Println("listening")
	time.Sleep(time.Minute)
	return 0
}

func keep(file string) {
	cfg := config(io.Discard, "parent", file)
	if _, err := launch.Start(cfg); err != nil {
		os.Exit(9)
	}
	time.Sleep(time.Minute)
	os.Exit(0)
}

func config(out io.Writer, way, file string) launch.Config {
	cfg, err := launch.Defaults([]string{os.Args[0], "fake", way, file}, slog.New(slog.NewTextHandler(out, nil)))
	if err != nil {
		panic(err)
	}
	cfg.First, cfg.Most, cfg.Grace = time.Millisecond, 4*time.Millisecond, 200*time.Millisecond
	return cfg
}

func pids(file string) (out []int) {
	b, _ := os.ReadFile(file)
	for line := range strings.Lines(string(b)) {
		if n, err := strconv.Atoi(strings.TrimSpace(line)); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// until waits for what must come; the bound is for a machine that hangs.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never came: " + what)
		}
	}
}

// runs says whether a process lives and is no zombie.
func runs(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		_, none := os.Stat("/proc/self/stat")
		return none != nil && syscall.Kill(pid, 0) == nil
	}
	return !bytes.Contains(b[bytes.LastIndexByte(b, ')'):], []byte(" Z "))
}

func allGone(file string) bool {
	for _, pid := range pids(file) {
		if runs(pid) {
			return false
		}
	}
	return true
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestCloseEndsTheServerAndItsChildren(t *testing.T) {
	for _, way := range []string{"parent", "stubborn-parent"} {
		t.Run(way, func(t *testing.T) {
			file, log := filepath.Join(t.TempDir(), "pids"), new(buffer)
			s, err := launch.Start(config(log, way, file))
			if err != nil {
				t.Fatal(err)
			}
			until(t, "two processes", func() bool { return len(pids(file)) == 2 && s.Last() == "listening" })
			s.Close()
			if !allGone(file) {
				t.Error("a process lives on after Close")
			}
			if !strings.Contains(log.String(), "server: listening") {
				t.Errorf("what the server printed is not in the log: %s", log)
			}
		})
	}
}

func TestAServerMayEndByItself(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pids")
	for _, way := range []string{"polite", "inherits"} {
		cfg := config(io.Discard, way, file)
		cfg.Grace = 10 * time.Minute // never: SIGTERM must do
		s, err := launch.Start(cfg)
		if err != nil {
			t.Fatal(err)
		}
		until(t, "the server", func() bool { return way == "polite" && s.Last() == "listening" || sleeps(pids(file)) })
		s.Close()
	}
	if _, err := os.Stat(file + ".bye"); err != nil {
		t.Error("the server was not let end by itself:", err)
	}
}

// sleeps says whether the newest process has become sleep, which has the signal's default.
func sleeps(pids []int) bool {
	if len(pids) == 0 {
		return false
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pids[len(pids)-1]))
	return err != nil && os.IsNotExist(statErr("/proc/self/comm")) || strings.TrimSpace(string(b)) == "sleep"
}

func statErr(path string) error { _, err := os.Stat(path); return err }

func TestAServerThatNeverGetsReadyIsGivenUpWithItsLastWords(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pids")
	s, err := launch.Start(config(io.Discard, "crash", file))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	<-s.Failed()
	for _, want := range []string{"3 times", "code 3", "CUDA error: out of memory"} {
		if !strings.Contains(s.Err().Error(), want) {
			t.Errorf("%q is not in %v", want, s.Err())
		}
	}
	if n := len(pids(file)); n != 3 {
		t.Errorf("started %d times", n)
	}
}

func TestAReadyServerIsStartedAgainWithoutItsLeftovers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pids")
	cfg := config(io.Discard, "leaver", file)
	ended := make(chan error, 100)
	cfg.Ended = func(err error) { ended <- err }
	s, err := launch.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Ready()
	if err := <-ended; !strings.Contains(err.Error(), "code 4") {
		t.Error(err)
	}
	if !allGone(file) && s.Restarts() == 0 {
		t.Error("a child of the first life lives when the second begins")
	}
	until(t, "more lives than tries", func() bool { return s.Restarts() > cfg.Tries })
	select {
	case <-s.Failed():
		t.Error("given up although it had been ready")
	default:
	}
}

func TestTheServerDiesWithAKilledWorker(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pids")
	worker := exec.Command(os.Args[0], "worker", file)
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "two processes", func() bool { return len(pids(file)) == 2 })
	if err := worker.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = worker.Wait()
	until(t, "the end of the server and its child", func() bool { return allGone(file) })
}

func TestAnUnknownProgramIsNamedWithThePathLookedAt(t *testing.T) {
	t.Setenv("PATH", "/nowhere/bin")
	_, err := launch.Start(launch.Config{Argv: []string{"vllm"}})
	if err == nil || !strings.Contains(err.Error(), `"vllm"`) || !strings.Contains(err.Error(), "/nowhere/bin") {
		t.Error(err)
	}
	if _, err := launch.Find("/nowhere/vllm"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestSplit(t *testing.T) {
	for line, want := range map[string]string{
		`vllm serve m --tensor-parallel-size 4`: "vllm|serve|m|--tensor-parallel-size|4",
		`a  'b c' "d \"e\"" f\ g '' h"i"j`:      `a|b c|d "e"|f g||hij`,
		`x --extra '{"a": "$b"}'`:               `x|--extra|{"a": "$b"}`,
		"":                                      "!empty",
		`a 'b`:                                  "!not closed",
		`a | b`:                                 "!needs a shell",
		`a $B`:                                  "!needs a shell",
		`a "$B"`:                                "!needs a shell",
		`a \`:                                   "!backslash",
	} {
		argv, err := launch.Split(line)
		got := strings.Join(argv, "|")
		if fault, bad := strings.CutPrefix(want, "!"); bad && (err == nil || !strings.Contains(err.Error(), fault)) || !bad && got != want {
			t.Errorf("%s: %q %v", line, got, err)
		}
	}
}

func TestPort(t *testing.T) {
	for line, want := range map[string]int{
		"vllm serve m": 8000, "vllm serve m --port 9000": 9000, "python3 -m sglang.launch_server --model-path m --tp 4": 30000,
		"text-generation-launcher --model-id m --num-shard 2": 3000, "text-generation-launcher -p 80": 80,
		"/opt/llama-server -m x.gguf": 8080, "trtllm-serve m": 8000, "x --port=7": 7, "x": 0, "vllm serve m --port none": 0,
	} {
		if port, _, err := launch.Port(strings.Fields(line)); port != want || (err == nil) != (want > 0) {
			t.Errorf("%s: %d %v", line, port, err)
		}
	}
	port, argv, err := launch.Port([]string{"x", "--listen", "127.0.0.1:{port}"})
	if err != nil || port == 0 || argv[2] != fmt.Sprintf("127.0.0.1:%d", port) {
		t.Error(port, argv, err)
	}
}

func TestAFloodOfLinesIsCut(t *testing.T) {
	log := new(buffer)
	file := filepath.Join(t.TempDir(), "flood")
	if err := os.WriteFile(file, bytes.Repeat([]byte("line\n"), 100_000), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := config(log, "", "")
	cfg.Argv, cfg.Tries = []string{"cat", file}, 1
	s, err := launch.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	<-s.Failed()
	n := 0
	for lines := bufio.NewScanner(strings.NewReader(log.String())); lines.Scan(); {
		n++
	}
	if n < 50 || n > 50_000 {
		t.Errorf("%d lines in the log", n)
	}
}
