package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fake answers completions at a fixed pace.
func fake(t *testing.T, step time.Duration, breakStream bool) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"data":[{"id":"m"}]}`) })
	mux.HandleFunc("POST /v1/completions", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Max int `json:"max_tokens"`
		}
		_ = json.NewDecoder(r.Body).Decode(&body)
		for range body.Max {
			<-time.After(step)
			fmt.Fprint(w, "data: {\"choices\":[{\"text\":\" a\"}]}\n\n")
			w.(http.Flusher).Flush()
		}
		fmt.Fprintf(w, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":%d}}\n\n", body.Max)
		if !breakStream {
			fmt.Fprint(w, "data: [DONE]\n\n")
		}
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

// A server that takes twice as long per token shows at half the tokens per second, in every row.
func TestRunShowsTheRatio(t *testing.T) {
	quick, slow := fake(t, 20*time.Millisecond, false), fake(t, 40*time.Millisecond, false)
	var out strings.Builder
	args := []string{"-url", "quick=" + quick, "-url", "slow=" + slow, "-rounds", "3", "-tokens", "10", "-sequences", "1,4", "-trials", "1"}
	if err := run(t.Context(), args, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(out.String()) {
		if !strings.Contains(line, "| slow | ") || !strings.Contains(line, "tokens") && strings.Count(line, "|") != 9 {
			continue
		}
		rows++
		var ratio float64
		if _, err := fmt.Sscanf(strings.TrimSpace(strings.Split(line, "|")[4]), "%f", &ratio); err != nil || math.Abs(ratio-0.5) > 0.2 {
			t.Errorf("ratio %v in %s", ratio, line)
		}
	}
	if rows != 2 {
		t.Errorf("%d rows of the slow server:\n%s", rows, out.String())
	}
}

// A stream that is cut ends the run; it is never counted as a result.
func TestRunRefusesACutStream(t *testing.T) {
	a, b := fake(t, time.Millisecond, false), fake(t, time.Millisecond, true)
	err := run(t.Context(), []string{"-url", "a=" + a, "-url", "b=" + b, "-rounds", "1"}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "[DONE]") {
		t.Fatalf("error: %v", err)
	}
}

func TestReadStreamErrors(t *testing.T) {
	for text, says := range map[string]string{
		"data: {\"error\":{\"message\":\"full\"}}\n\n": "full",
		"data: {nonsense\n\n":                          "chunk",
		"":                                             "without [DONE]",
	} {
		if _, err := readStream(strings.NewReader(text), time.Now()); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// CPU time of a process covers its children.
func TestCPUTimeCoversChildren(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Log("no /proc on this system")
		return
	}
	child := exec.Command("/bin/sh", "-c", `/bin/sh -c 'i=0; while :; do i=$((i+1)); done' & wait`)
	child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-child.Process.Pid, syscall.SIGKILL); _ = child.Wait() })
	deadline := time.Now().Add(20 * time.Second)
	for cpuTime(child.Process.Pid) < 100*time.Millisecond {
		if time.Now().After(deadline) {
			t.Fatal("a busy child has no CPU time")
		}
		<-time.After(10 * time.Millisecond)
	}
}

func TestParseStat(t *testing.T) {
	pid, parent, cpu, err := parseStat([]byte("42 (a ) b (c)) S 7 0 0 0 0 0 0 0 0 0 150 50 0 0"))
	if err != nil || pid != 42 || parent != 7 || cpu != 2*time.Second {
		t.Errorf("%d %d %v %v", pid, parent, cpu, err)
	}
	for _, bad := range []string{"", "42", "42 (x) S 7", "x (y) S 7 0 0 0 0 0 0 0 0 0 150 50"} {
		if _, _, _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestMedian(t *testing.T) {
	if m := median([]float64{4, 1, 2, 3}); m != 2.5 {
		t.Errorf("median %v", m)
	}
	if m := quantile([]time.Duration{3, 1, 2}, 1); m != 3 {
		t.Errorf("largest %v", m)
	}
}
