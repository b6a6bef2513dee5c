//go:build unix

package openai_test

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/launch"
	"github.com/leathq/leat/services/worker/internal/openai"
)

// TestMain lets this binary be the guard of a server and the server itself.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 2 && os.Args[1] == "engine":
		os.Exit(launch.Guard(os.Args[3:], os.Stderr))
	case len(os.Args) > 3 && os.Args[1] == "serve":
		serveFake("127.0.0.1:" + os.Args[3])
	}
	os.Exit(m.Run())
}

// serveFake is an upstream that ends with code 5 after the prompt "die".
func serveFake(addr string) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", page(`{"data":[{"id":"org/Model","owned_by":"vllm"}]}`))
	mux.HandleFunc("POST /v1/chat/completions", page(`{"choices":[{"index":0,"finish_reason":"stop","message":{"content":"Paris"}}]}`))
	mux.HandleFunc("POST /v1/completions", func(http.ResponseWriter, *http.Request) { os.Exit(5) })
	fmt.Println("listening on", addr, "with", os.Getenv("LEAT_TEST_DEVICES"))
	fmt.Println(http.ListenAndServe(addr, mux)) //nolint:gosec // a test's server
	os.Exit(1)
}

type logged struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestAServerOfExecIsStartedKeptAndStopped(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	cfg, log := config(""), new(logged)
	_, port, _ := net.SplitHostPort(addr)
	cfg.ProbeInterval, cfg.Env = 20*time.Millisecond, []string{"LEAT_TEST_DEVICES=0,1"}
	cfg.Exec = fmt.Sprintf("%q serve --port %s", os.Args[0], port)
	e, err := openai.New(t.Context(), cfg, openai.Deps{Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if v := e.Info().ModelVersion; v != "org/Model" {
		t.Errorf("the only model of an own server is not taken: %q", v)
	}
	if !strings.Contains(log.String(), "server: listening on "+addr+" with 0,1") {
		t.Errorf("its output is not in the log: %s", log)
	}
	out := newSink()
	if err := e.Generate(t.Context(), chat(false), out); err != nil {
		t.Fatal(err)
	}
	die := &engine.Request{ID: "x", Prompt: engine.Prompt{Text: "die"}}
	if err := e.Generate(t.Context(), die, newSink()); err == nil {
		t.Fatal("the server did not die")
	}
	eventually(t, "the server again", func() bool { s := e.Stats(); return s.Healthy && s.Restarts == 1 })
	if !strings.Contains(log.String(), "code 5") {
		t.Errorf("why it ended is not in the log: %s", log)
	}
	e.Close()
	if conn, err := net.Dial("tcp", addr); err == nil {
		conn.Close()
		t.Error("the server outlives its engine")
	}
}

func TestExecNamesWhatIsWrong(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for command, want := range map[string]string{
		"no-such-program serve m": `"no-such-program" in PATH`,
		"sleep 1":                 "--port {port}",
		"sleep 'x":                "not closed",
		"sleep 1 --port " + port:  "listens on 127.0.0.1:" + port,
	} {
		cfg := config("")
		cfg.Exec = command
		if _, err := openai.New(t.Context(), cfg, openai.Deps{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", command, err)
		}
	}
}
