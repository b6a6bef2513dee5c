package run

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// machine is where and when the numbers were taken.
type machine struct {
	cpu, kernel, memory, revision, load string
	cores                               int
	began                               time.Time
}

func readMachine(ctx context.Context, root string) machine {
	m := machine{cpu: "unknown", kernel: "unknown", memory: "unknown", revision: "unknown", load: "unknown", cores: runtime.NumCPU(), began: time.Now()}
	if v := field("/proc/cpuinfo", "model name"); v != "" {
		m.cpu = v
	}
	if v := field("/proc/meminfo", "MemTotal"); v != "" {
		m.memory = v
	}
	if data, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.kernel = strings.TrimSpace(string(data))
	}
	if data, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.load = strings.Join(strings.Fields(string(data))[:3], ", ")
	}
	cmd := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--exclude=*")
	cmd.Dir = root
	if out, err := cmd.Output(); err == nil {
		m.revision = strings.TrimSpace(string(out))
	}
	return m
}

// line says when and where something was measured that took so long.
func (m machine) line(took time.Duration) string {
	return fmt.Sprintf("%s, took %s. %d cores of %s, %s memory, Linux %s, revision %s.\nLoad average before the run: %s.",
		m.began.UTC().Format("2006-01-02 15:04 MST"), took.Round(time.Second), m.cores, m.cpu, m.memory, m.kernel, m.revision, m.load)
}

// field reads "name : value" of a file in /proc.
func field(file, name string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// cpu is the machine's CPU time so far, in seconds.
type cpu struct {
	at          time.Time
	busy, steal float64
}

// readCPU reads the first line of /proc/stat; zeros where there is none.
func readCPU() cpu {
	c := cpu{at: time.Now()}
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return c
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	const idle, wait, steal, last, ticks = 4, 5, 8, 8, 100
	for i, f := range strings.Fields(string(line)) {
		v, err := strconv.ParseFloat(f, 64)
		switch {
		case err != nil || i > last || i == idle || i == wait:
		case i == steal:
			c.steal = v / ticks
		default:
			c.busy += v / ticks
		}
	}
	return c
}

// since is how many cores were busy, and withheld, on average.
func (c cpu) since(before cpu) (busy, steal float64) {
	wall := c.at.Sub(before.at).Seconds()
	return per(c.busy-before.busy, wall), per(c.steal-before.steal, wall)
}

// rss is the resident memory of a process in bytes.
func rss(pid int) (float64, error) {
	v := field(fmt.Sprintf("/proc/%d/status", pid), "VmRSS")
	kb, err := strconv.ParseFloat(strings.TrimSuffix(v, " kB"), 64)
	if err != nil {
		return 0, fmt.Errorf("read memory of process %d: %w", pid, err)
	}
	return kb * 1024, nil
}
