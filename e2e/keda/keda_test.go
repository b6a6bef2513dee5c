// Package keda_test has KEDA's own client ask a real router for the size of a pool.
//
// What is KEDA's here is the client that it generates (pkg/scalers/externalscaler), in a program of a module of its own: it
// builds in seconds. Its NewExternalScaler and NewExternalPushScaler stand in a package with all of KEDA's scalers, whose
// dependencies are 1.7 GB of modules and minutes of compiling.
package keda_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/e2e/driver/procs"
	"github.com/leathq/leat/e2e/driver/programs"
	"github.com/leathq/leat/e2e/scenario"
)

const settings = `
pools:
  sim:
    scaling: {min: 0, zero_after: 1s, wake_timeout: 1m}
`

// client builds the program that asks.
func client(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "client")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	cmd.Dir, cmd.Env = "client", append(os.Environ(), "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build KEDA's client: %v\n%s", err, out)
	}
	return program
}

// heard is a line of the client's.
type heard struct {
	Metric string  `json:"metric"`
	Target float64 `json:"target"`
	Value  float64 `json:"value"`
	Active bool    `json:"active"`
	Pushed bool    `json:"pushed"`
}

// listen runs the client and returns its lines.
func listen(t *testing.T, address string) <-chan heard {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), client(t), address, "sim")
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan heard, 100)
	ended := make(chan struct{})
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it goes on until then
		<-ended
		_ = cmd.Wait()
	})
	go func() {
		defer close(ended)
		for s := bufio.NewScanner(out); s.Scan(); {
			var h heard
			if err := json.Unmarshal(s.Bytes(), &h); err != nil {
				t.Errorf("the client's %q: %v", s.Text(), err)
			}
			lines <- h
		}
	}()
	return lines
}

func next(t *testing.T, lines <-chan heard, what string, want heard) {
	t.Helper()
	want.Metric, want.Target = "leat_desired_replicas", 1
	select {
	case got := <-lines:
		if got != want {
			t.Fatalf("%s: KEDA hears %+v, want %+v", what, got, want)
		}
	case <-time.After(time.Minute):
		t.Fatalf("%s: KEDA hears nothing", what)
	}
}

// KEDA hears that a pool must come up once, that it may go when nobody asks, and, as soon as somebody does, that it is wanted;
// the request that asked is answered by the worker that comes then.
func TestKEDASendsAPoolToSleepAndWakesIt(t *testing.T) {
	nats, out, leat := procs.NATS(t), &procs.Output{}, programs.Ours(t, "leat")
	file := filepath.Join(t.TempDir(), "leat.yaml")
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) *procs.Process {
		return procs.Run(t, out, leat, append([]string{name, "--nats", nats, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"}, args...)...)
	}
	router, gateway := run("router", "--config", file), run("gateway", "--config", file)
	scenario.Ready(t, gateway.URL())
	lines := listen(t, router.GRPC)
	next(t, lines, "never up, polled", heard{Value: 1, Active: true})
	next(t, lines, "never up, pushed", heard{Value: 1, Active: true, Pushed: true})
	worker := run("worker", "--engine", "sim", "--model", "sim")
	next(t, lines, "nobody asks", heard{Value: 0, Active: false, Pushed: true})
	worker.Stop(t)
	answer := make(chan string, 1)
	go func() {
		resp, err := http.Post(gateway.URL()+"/v1/completions", "application/json", strings.NewReader(`{"model":"sim","prompt":"hello","max_tokens":4}`))
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		answer <- resp.Status + " " + string(body)
	}()
	next(t, lines, "asked", heard{Value: 1, Active: true, Pushed: true})
	run("worker", "--engine", "sim", "--model", "sim", "--name", "second")
	if got := <-answer; !strings.HasPrefix(got, "200 ") || !strings.Contains(got, `"text"`) {
		t.Errorf("%s\n%s", got, out.Tail(30))
	}
}
