package host_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/host"
)

// childEnv makes the test binary behave as a small command, so that signals and exit codes are the real ones.
const childEnv = "LEAT_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		host.Main("leat child", os.Args[1:], child)
	}
	os.Exit(m.Run())
}

// stubborn is a service that serves a call without an end and can be told to fail or hang.
type stubborn struct {
	Mode string `yaml:"mode" flag:"mode" oneof:"clean|hang|fail|invalid"`
}

func (s *stubborn) Name() string                   { return "stubborn" }
func (s *stubborn) Register(grpc.ServiceRegistrar) {}

func (s *stubborn) HTTP() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "started\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
}

func (s *stubborn) Run(ctx context.Context) error {
	switch s.Mode {
	case "fail":
		return errors.New("the engine does not start")
	case "invalid":
		return errs.New(errs.Invalid, "bad", "the model's name is wrong")
	}
	<-ctx.Done()
	if s.Mode == "hang" {
		select {}
	}
	return nil
}

func child(ctx context.Context, args, environ []string) error {
	cfg := stubborn{Mode: "clean"}
	h, err := host.Open(ctx, "child", args, environ, &cfg, host.NoBus())
	if err != nil {
		return err
	}
	defer h.Close()
	fmt.Println(h.Addrs()["http"])
	return h.Run(ctx, &cfg)
}

// process is a running child.
type process struct {
	*exec.Cmd
	addr   string
	stderr *lines
	out    *bufio.Reader
}

func spawn(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.CommandContext(t.Context(), os.Args[0], args...), stderr: new(lines)}
	p.Env = []string{childEnv + "=1"}
	p.Stderr = p.stderr
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	line, _ := p.out.ReadString('\n') // empty where the child refuses to start
	p.addr = strings.TrimSpace(line)
	return p
}

// code waits for the child's end.
func (p *process) code(t *testing.T) int {
	t.Helper()
	watchdog := time.AfterFunc(20*time.Second, func() { _ = p.Process.Kill() })
	defer watchdog.Stop()
	_, _ = io.Copy(io.Discard, p.out)
	err := p.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return p.ProcessState.ExitCode()
}

// ready waits until the child serves.
func (p *process) ready(t *testing.T) {
	t.Helper()
	eventually(t, "child is ready", func() bool {
		resp, err := http.Get("http://" + p.addr + "/ready")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// openCall starts a call that ends only when it is cut.
func (p *process) openCall(t *testing.T) {
	t.Helper()
	resp, err := http.Get("http://" + p.addr + "/call")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if _, err := io.ReadFull(resp.Body, make([]byte, len("started\n"))); err != nil {
		t.Fatal(err)
	}
}

func TestExitCodesOfARealProcess(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	bad := filepath.Join(t.TempDir(), "leat.yaml")
	if err := os.WriteFile(bad, []byte("hosst: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args   []string
		code   int
		stderr string
	}{
		"service fails": {[]string{"--mode=fail"}, 1, "leat child: stubborn: the engine does not start"},
		"typed failure": {[]string{"--mode=invalid"}, 2, "the model's name is wrong"},
		"usage":         {[]string{"--mod=clean"}, 2, "leat child: unknown flag --mod; did you mean --mode?"},
		"file":          {[]string{"--config", bad}, 1, "leat.yaml:1: unknown key hosst; did you mean host?"},
		"port in use":   {[]string{"--http", l.Addr().String()}, 1, "is in use by another process"},
		"help":          {[]string{"--help"}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := spawn(t, c.args...)
			if code := p.code(t); code != c.code || !strings.Contains(p.stderr.String(), c.stderr) {
				t.Errorf("exit code %d, want %d; stderr:\n%s", code, c.code, p.stderr)
			}
		})
	}
}

func TestSignalsOfARealProcess(t *testing.T) {
	for name, c := range map[string]struct {
		args    []string
		call    bool
		signals []syscall.Signal
		code    int
		stderr  string
	}{
		"SIGTERM stops cleanly":   {nil, false, []syscall.Signal{syscall.SIGTERM}, 0, "stopped cleanly"},
		"SIGINT stops cleanly":    {nil, false, []syscall.Signal{syscall.SIGINT}, 0, "stopped cleanly"},
		"a call beyond the drain": {[]string{"--drain-timeout=100ms"}, true, []syscall.Signal{syscall.SIGTERM}, 3, "drain deadline exceeded"},
		"a service that hangs":    {[]string{"--drain-timeout=100ms", "--mode=hang"}, false, []syscall.Signal{syscall.SIGTERM}, 3, "stubborn had not stopped"},
		"a second signal forces":  {nil, true, []syscall.Signal{syscall.SIGTERM, syscall.SIGINT}, 130, "second signal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := spawn(t, c.args...)
			p.ready(t)
			if c.call {
				p.openCall(t)
			}
			for _, s := range c.signals {
				if err := p.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
				if len(c.signals) > 1 {
					eventually(t, "the child has seen the first signal", func() bool { return strings.Contains(p.stderr.String(), "stop requested") })
				}
			}
			if code := p.code(t); code != c.code || !strings.Contains(p.stderr.String(), c.stderr) {
				t.Errorf("exit code %d, want %d; stderr:\n%s", code, c.code, p.stderr)
			}
		})
	}
}

func TestReportSendsHelpToStdoutAndErrorsToStderr(t *testing.T) {
	_, _, err := host.Load("x", []string{"--help"}, nil, nil)
	var out, diag bytes.Buffer
	if code := host.Report(&out, &diag, "leat x", err); code != 0 || !strings.Contains(out.String(), "--drain-timeout") || diag.Len() > 0 {
		t.Errorf("help: code %d, stdout %q, stderr %q", code, out.String(), diag.String())
	}
	out.Reset()
	if code := host.Report(&out, &diag, "leat x", errors.New("boom")); code != 1 || out.Len() > 0 || diag.String() != "leat x: boom\n" {
		t.Errorf("failure: code %d, stdout %q, stderr %q", code, out.String(), diag.String())
	}
}
