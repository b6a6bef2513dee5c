package llama

import (
	"bytes"
	"slices"
	"strings"
	"sync"
)

// stderrLog takes a child's standard error and keeps the last few lines that tell of trouble. Everything else, such as
// llama.cpp's chatter about its buffers and a crash's stack traces, is dropped.
type stderrLog struct {
	mu   sync.Mutex
	part []byte
	keep []string

	traces bool
}

const (
	keptLines = 8
	lineLimit = 400
)

// Write takes the next bytes of the stream.
func (l *stderrLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(b)
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			l.part = append(l.part, b[:min(len(b), max(lineLimit-len(l.part), 0))]...)
			return n, nil
		}
		l.line(string(append(l.part, b[:min(i, lineLimit)]...)))
		l.part, b = l.part[:0], b[i+1:]
	}
}

func (l *stderrLog) line(s string) {
	if strings.HasPrefix(s, "goroutine ") || strings.HasPrefix(s, "PC=") {
		l.traces = true // the Go runtime's stack traces follow
	}
	if l.traces {
		return
	}
	for _, word := range []string{"GGML_ASSERT", "GGML_ABORT", "error", "Error", "fatal", "panic:", "SIG", "failed", "engine llama:"} {
		if strings.Contains(s, word) {
			l.push(s)
			return
		}
	}
}

func (l *stderrLog) push(s string) {
	if len(l.keep) == keptLines {
		l.keep = slices.Delete(l.keep, 0, 1)
	}
	l.keep = append(l.keep, s)
}

// note adds a line of the worker's own.
func (l *stderrLog) note(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.push(s)
}

// notable returns the lines kept so far.
func (l *stderrLog) notable() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.keep)
}

// reason returns the line in which llama.cpp itself says best what went wrong, or nothing.
func (l *stderrLog) reason() string {
	best := ""
	for _, line := range l.notable() {
		if strings.HasPrefix(line, "engine llama:") {
			continue
		}
		if best == "" || strings.Contains(line, "error") || !strings.Contains(best, "error") {
			best = strings.TrimSpace(line)
		}
	}
	return best
}
