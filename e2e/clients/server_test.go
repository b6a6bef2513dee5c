package clients_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/e2e/driver/procs"
	"github.com/leathq/leat/e2e/driver/programs"
)

// model is the small real model that `leat up` serves by default.
const model = "smollm2-135m-instruct"

// patience is how long anything may take before a test gives up on it.
const patience = 90 * time.Second

// up starts `leat up` with the real model on free ports and returns its base URL and what it writes, once the model can
// be called.
func up(t *testing.T, args ...string) (url string, out *procs.Output) {
	t.Helper()
	p, out := leat(t, append([]string{"up", "--nats-listen", "127.0.0.1:0", "--nats-dir", t.TempDir()}, args...)...)
	until(t, "the model can be called", func() bool { return strings.Contains(get(t, p.URL()+"/v1/models"), model) })
	return p.URL(), out
}

// leat starts a service of the leat binary on free ports.
func leat(t *testing.T, args ...string) (p *procs.Process, out *procs.Output) {
	t.Helper()
	out = &procs.Output{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the last lines of leat %s:\n%s", strings.Join(args, " "), out.Tail(25))
		}
	})
	return procs.Run(t, out, programs.Ours(t, "leat"), append(args, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0")...), out
}

// installed returns a path below the directory that install.sh fills, and fails with what to do where it is not there.
func installed(t *testing.T, path string) string {
	t.Helper()
	p := filepath.Join(programs.Cache(), "clients", path)
	if _, err := os.Stat(p); err != nil {
		t.Fatalf("%v: run e2e/clients/install.sh, as `make test` does", err)
	}
	return p
}

func get(t *testing.T, url string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, req)
}

// post sends v as JSON and decodes the answer into out.
func post(t *testing.T, url string, v, out any) {
	t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(do(t, req)), out); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
}

func do(t *testing.T, req *http.Request) string {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: status %d, %v: %.500s", req.Method, req.URL, resp.StatusCode, err, body)
	}
	return string(body)
}

// metric is the sum of a metric over its labels.
func metric(t *testing.T, url, name string) float64 {
	t.Helper()
	total := 0.0
	for line := range strings.Lines(get(t, url+"/metrics")) {
		if !strings.HasPrefix(line, name+" ") && !strings.HasPrefix(line, name+"{") {
			continue
		}
		fields := strings.Fields(line)
		v, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err != nil {
			t.Fatalf("metric %q: %v", line, err)
		}
		total += v
	}
	return total
}

func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !cond(); {
		if time.Now().After(deadline) {
			t.Fatalf("still not after %s: %s", patience, what)
		}
		select {
		case <-t.Context().Done():
			t.Fatal(fmt.Errorf("the test ended before %s", what))
		case <-time.After(20 * time.Millisecond):
		}
	}
}
