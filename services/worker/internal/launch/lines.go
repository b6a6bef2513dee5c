package launch

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	keptLines = 12
	lineLimit = 2000
	perSecond = 50 // lines that go to the log; a crash of a server with many processes prints thousands
)

// lines takes what a server prints: it passes lines on to the log and keeps the last few. Safe for concurrent use.
type lines struct {
	log *slog.Logger

	mu      sync.Mutex
	part    []byte
	keep    []string
	window  time.Time
	passed  int
	dropped int
}

// Write takes the next bytes.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(b)
	for {
		i := bytes.IndexAny(b, "\n\r") // progress bars end their lines with a carriage return
		if i < 0 {
			l.part = append(l.part, b[:min(len(b), max(lineLimit-len(l.part), 0))]...)
			return n, nil
		}
		l.line(append(l.part, b[:min(i, max(lineLimit-len(l.part), 0))]...))
		l.part, b = l.part[:0], b[i+1:]
	}
}

func (l *lines) line(b []byte) {
	text := strings.TrimSpace(strings.ToValidUTF8(string(b), "\uFFFD"))
	if text == "" {
		return
	}
	if len(l.keep) == keptLines {
		l.keep = slices.Delete(l.keep, 0, 1)
	}
	l.keep = append(l.keep, text)
	if now := time.Now(); now.Sub(l.window) >= time.Second {
		if l.dropped > 0 {
			l.log.Warn("server prints too much", "lines_dropped", l.dropped)
		}
		l.window, l.passed, l.dropped = now, 0, 0
	}
	if l.passed++; l.passed > perSecond {
		l.dropped++
		return
	}
	l.log.Info("server: " + text)
}

// last is the newest line.
func (l *lines) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.keep) == 0 {
		return ""
	}
	return l.keep[len(l.keep)-1]
}

// take returns the last lines and forgets them: they belong to one life of the server.
func (l *lines) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.part) > 0 {
		l.line(l.part)
		l.part = l.part[:0]
	}
	out := l.keep
	l.keep = nil
	return out
}
