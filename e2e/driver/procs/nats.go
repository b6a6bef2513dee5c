package procs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/e2e/driver/programs"
)

// Server is a nats-server with JetStream whose URL (its field NATS) and streams outlive its process. Its methods are for the test's goroutine.
type Server struct {
	*Process // the one that runs, or ran last
	dir      string
	env      []string
	out      *Output
}

// NewServer starts a server on a free port, with variables beside ours. It is gone when the test ends.
func NewServer(t *testing.T, env ...string) *Server {
	t.Helper()
	s := &Server{dir: t.TempDir(), env: env, out: Log(t, "nats-server", 30)}
	s.start(t, "127.0.0.1:-1")
	return s
}

// Start starts another process in place of one that was killed.
func (s *Server) Start(t *testing.T) {
	t.Helper()
	s.start(t, strings.TrimPrefix(s.NATS, "nats://"))
}

func (s *Server) start(t *testing.T, listen string) {
	t.Helper()
	file := filepath.Join(s.dir, "nats.conf")
	conf := fmt.Sprintf("listen: %q\njetstream { store_dir: %q }\nno_fast_producer_stall: true\nping_interval: \"10s\"\nping_max: 2\nwrite_deadline: \"2s\"\n", listen, filepath.Join(s.dir, "store"))
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Process = run(t, s.out, s.env, programs.Tool(t, "github.com/nats-io/nats-server/v2", "v2.15.2"), "-c", file)
}

// NATS starts such a server and returns its URL.
func NATS(t *testing.T) string {
	t.Helper()
	return NewServer(t).NATS
}

// AwaitStream waits until services have made a stream.
func AwaitStream(t *testing.T, js jetstream.JetStream, name string) {
	t.Helper()
	Within(t, 20*time.Second, "the stream "+name+" is there", func() bool {
		_, err := js.Stream(t.Context(), name)
		return err == nil
	})
}

// Within polls a condition until it holds and returns how long that took; it fails the test after limit.
func Within(t *testing.T, limit time.Duration, what string, holds func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		if time.Since(began) > limit {
			t.Fatalf("not within %v: %s", limit, what)
		}
		<-tick.C
	}
	return time.Since(began)
}
