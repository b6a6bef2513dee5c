package data_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// peak is the largest resident memory of a process so far, in bytes.
func peak(t *testing.T, pid int) int64 {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kb * 1024
		}
	}
	t.Fatalf("process %d has no VmHWM", pid)
	return 0
}

// spent is the processor time of a process so far, user and system.
func spent(t *testing.T, pid int) time.Duration {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest)
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100 on Linux
}

// machine says on what was measured.
func machine(t *testing.T) string {
	t.Helper()
	model := runtime.GOARCH
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(data)) {
			if _, name, ok := strings.Cut(line, "model name\t: "); ok {
				model = strings.TrimSpace(name)
				break
			}
		}
	}
	revision, err := exec.CommandContext(context.WithoutCancel(t.Context()), "git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		revision = []byte("unknown")
	}
	load, _ := os.ReadFile("/proc/loadavg")
	return fmt.Sprintf("%s. %d cores of %s, revision %s. Load average before the run: %s.", time.Now().UTC().Format("2006-01-02 15:04 UTC"), runtime.NumCPU(), model,
		strings.TrimSpace(string(revision)), strings.Join(strings.Fields(string(load))[:min(3, len(strings.Fields(string(load))))], ", "))
}
