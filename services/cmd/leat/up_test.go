package main_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// platform is `leat up` with the sim engine.
type platform struct {
	*process
	url, grpc, snippets string
}

// up starts the platform on free ports and waits until it says that it is ready.
func up(t *testing.T, flags ...string) *platform {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	args := append([]string{"up", "--engine=sim", "--http=127.0.0.1:0", "--grpc=127.0.0.1:0", "--nats-listen=127.0.0.1:0"}, flags...)
	p := &platform{process: leat(ctx, t, args...)}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if p.ProcessState == nil {
			_ = p.Wait()
		}
		if t.Failed() {
			t.Log(p.err.String())
		}
	})
	eventually(t, "it says Ready", func() bool {
		if strings.Contains(p.err.String(), "leat up: ") {
			t.Fatal("it did not start")
		}
		return strings.Contains(p.out.String(), "/Generate\n")
	})
	p.snippets = p.out.String()
	p.url = regexp.MustCompile(`http://[0-9.:]+`).FindString(p.snippets)
	p.grpc = regexp.MustCompile(`([0-9.]+:[0-9]+) leat\.gateway`).FindStringSubmatch(p.snippets)[1]
	return p
}

// eventually polls a condition until a deadline.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); !holds(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func (p *platform) stop(t *testing.T) int {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	return p.code(t)
}

// stream opens a stream of so many tokens and reads up to its first event.
func (p *platform) stream(t *testing.T, tokens int) *bufio.Scanner {
	t.Helper()
	body := fmt.Sprintf(`{"model":"sim","stream":true,"ignore_eos":true,"max_tokens":%d,"messages":[{"role":"user","content":"go"}]}`, tokens)
	resp, err := http.Post(p.url+"/v1/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	events := bufio.NewScanner(resp.Body)
	if !events.Scan() || resp.StatusCode != http.StatusOK {
		t.Fatalf("status %s, %v", resp.Status, events.Err())
	}
	return events
}

// last is the last event of a stream.
func last(t *testing.T, events *bufio.Scanner) (data string) {
	t.Helper()
	for events.Scan() {
		if d, ok := strings.CutPrefix(events.Text(), "data: "); ok {
			data = d
		}
	}
	if err := events.Err(); err != nil {
		t.Errorf("the stream was cut: %v", err)
	}
	return data
}

func TestTheToolsWorkAgainstARunningPlatform(t *testing.T) {
	p := up(t)
	for name, c := range map[string]struct {
		stdin string
		words []string
		want  string
	}{
		"models":      {"", []string{"models", "--url", p.url}, `(?m)^sim +leat-sim`},
		"status":      {"", []string{"status", "--addr", p.grpc}, `POOL sim, policy adaptive(?s).*ready +sim +\d+`},
		"chat":        {"hello\n/new\n\nhello again\n", []string{"chat", "--url", p.url, "--max-tokens=5", "--system=be brief"}, `sim at http(?s).*>  ?\w+.*> > >  ?\w+`},
		"a long turn": {strings.Repeat("hello ", 12_000) + "\n", []string{"chat", "--url", p.url, "--max-tokens=5"}, `sim at http(?s).*> +\w+`},
		"bench":       {"", []string{"bench", p.url, "--concurrency=2", "--requests=20", "--max-tokens=4", "--progress=0"}, `20 ok, 0 failed`},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, diag := run(t, c.stdin, c.words...)
			if code != 0 || !regexp.MustCompile(c.want).MatchString(out) {
				t.Errorf("exit code %d; stderr %q; stdout is not like %s:\n%s", code, diag, c.want, out)
			}
		})
	}
	if code := p.stop(t); code != 0 {
		t.Errorf("exit code %d after SIGINT", code)
	}
	jsonLines(t, p.err.String())
	for _, want := range []string{p.url[len("http://"):], p.grpc, "listens on nats://127.0.0.1:", "1 replica, synced to disk every 2s", "KV_leases", "OBJ_claims: File storage, 1 replica(s), max age 10m0s, at most 512 MiB",
		"stream JOBS: ", "stream RESULTS: ", "stream DLQ: ", "stream KV_jobtries: ", "stream OBJ_files: ", "stream KV_batches: ", "stopped cleanly"} {
		if !strings.Contains(p.err.String(), want) {
			t.Errorf("the log does not say %q", want)
		}
	}
}

// One server inside the process is no place for what must outlive a server.
func TestTheProfileProductionRefusesTheEmbeddedNATS(t *testing.T) {
	monitor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"config":{"sync_always":true}}`)
	}))
	t.Cleanup(monitor.Close)
	code, _, diag := run(t, "", "up", "--engine=sim", "--http=127.0.0.1:0", "--grpc=127.0.0.1:0", "--profile=production", "--nats-lease-replicas=3", "--nats-monitor="+monitor.URL)
	if code == 0 || !strings.Contains(diag, "the embedded NATS is one server; start a cluster and name it by --nats") {
		t.Errorf("exit code %d; stderr %q", code, diag)
	}
}

// The curl snippet, taken apart as a shell would, is a request that streams an answer.
func TestTheCurlSnippetIsARequestThatWorks(t *testing.T) {
	p := up(t, "--http=0.0.0.0:0", "--grpc=[::]:0") // on all addresses, which is nothing to paste
	if !strings.HasPrefix(p.url, "http://127.0.0.1:") || !strings.HasPrefix(p.grpc, "127.0.0.1:") {
		t.Errorf("the snippets name %s and %s", p.url, p.grpc)
	}
	m := regexp.MustCompile(`(?s)curl (\S+) -H '([^:']+): ([^']+)' -d '([^']+)'`).FindStringSubmatch(p.snippets)
	if m == nil {
		t.Fatalf("no curl in:\n%s", p.snippets)
	}
	resp, err := http.Post(m[1], m[3], strings.NewReader(m[4]))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.HasSuffix(string(body), "data: [DONE]\n\n") {
		t.Errorf("%s, %v: %s", resp.Status, err, body)
	}
}

func TestAStreamIsFinishedBeforeTheStop(t *testing.T) {
	p := up(t)
	events := p.stream(t, 100)
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if end := last(t, events); end != "[DONE]" {
		t.Errorf("the stream ended with %s", end)
	}
	if code := p.code(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// A machine that is taken away takes all services: the stream is finished, and the process ends by itself with code 0.
func TestASpotNoticeEndsTheWholeProcess(t *testing.T) {
	var preempted atomic.Bool
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // Compute Engine's, that never waits
		w.Header().Set("Metadata-Flavor", "Google")
		switch {
		case !strings.HasSuffix(r.URL.Path, "/preempted"):
			fmt.Fprint(w, "NONE")
		case preempted.Load():
			fmt.Fprint(w, "TRUE")
		default:
			fmt.Fprint(w, "FALSE")
		}
	}))
	defer metadata.Close()
	p := up(t, "--spot=gcp", "--spot-metadata-url="+metadata.URL)
	events := p.stream(t, 200)
	preempted.Store(true)
	if end := last(t, events); end != "[DONE]" {
		t.Errorf("the stream ended with %s", end)
	}
	if code := p.code(t); code != 0 || !strings.Contains(p.err.String(), "gcp takes this machine away at ") || !strings.Contains(p.err.String(), "stopped cleanly") {
		t.Errorf("exit code %d", code)
	}
}

func TestAStreamBeyondTheDrainDeadlineIsTold(t *testing.T) {
	p := up(t, "--drain-timeout=200ms", "--sim-step-base=100ms")
	events := p.stream(t, 1000)
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var end struct {
		Error struct{ Message, Code string }
	}
	data := last(t, events)
	if err := json.Unmarshal([]byte(data), &end); err != nil || end.Error.Code != "server_stopping" || !strings.Contains(end.Error.Message, "Try again") {
		t.Errorf("the stream ended with %s (%v)", data, err)
	}
	if code := p.code(t); code != 3 {
		t.Errorf("exit code %d", code)
	}
}

func TestASecondSignalEndsItAtOnce(t *testing.T) {
	p := up(t, "--sim-step-base=100ms")
	p.stream(t, 1000)
	for _, log := range []string{"stop requested", "second signal"} {
		if err := p.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		eventually(t, fmt.Sprintf("it says %q", log), func() bool { return strings.Contains(p.err.String(), log) })
	}
	if code := p.code(t); code != 130 {
		t.Errorf("exit code %d", code)
	}
}
