package bench_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leathq/leat/services/cmd/leat/internal/bench"
)

// start serves a handler for the time of the test and returns its URL.
func start(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// config measures url with a few small requests.
func config(url string) bench.Config {
	cfg := bench.DefaultConfig()
	cfg.URL, cfg.Model = url, "m"
	cfg.Concurrency, cfg.Requests = 2, 10
	cfg.Timeout = time.Minute
	cfg.Workload.PromptTokens, cfg.Workload.MaxTokens = 4, 4
	return cfg
}

func measure(t *testing.T, cfg bench.Config) *bench.Report {
	t.Helper()
	rep, err := bench.Run(t.Context(), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func token(text string) string {
	return fmt.Sprintf("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%q},\"finish_reason\":null}]}\n\n", text)
}

const (
	role   = "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n"
	finish = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
	counts = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5,\"prompt_tokens_details\":{\"cached_tokens\":3}}}\n\n"
	done   = "data: [DONE]\n\n"
	whole  = `{"choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],` +
		`"usage":{"prompt_tokens":7,"completion_tokens":5}}`
)

// sse answers with events, flushed one by one, with a wait before each that the caller chooses.
func sse(wait func(i int) time.Duration, events ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		for i, e := range events {
			if wait != nil {
				select {
				case <-time.After(wait(i)):
				case <-r.Context().Done():
					return
				}
			}
			_, _ = io.WriteString(w, e)
			w.(http.Flusher).Flush()
		}
	}
}

// untilGone waits until the client has closed its connection, which net/http sees only once the body is read.
func untilGone(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func text(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// raw writes bytes to the bare connection and closes it.
func raw(response string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, response)
		_ = conn.Close()
	}
}

// refusing is an address where nothing listens.
func refusing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// countConnections serves a handler and counts the connections that clients open.
func countConnections(t *testing.T, h http.Handler, idle time.Duration) (string, *atomic.Int64) {
	t.Helper()
	var opened atomic.Int64
	s := httptest.NewUnstartedServer(h)
	s.Config.IdleTimeout = idle
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s.URL, &opened
}

// classes lists the failures as "class[ status][ code]" = count.
func classes(rep *bench.Report) map[string]int64 {
	got := map[string]int64{}
	for _, e := range rep.Errors {
		parts := []string{e.Class}
		if e.Status != 0 {
			parts = append(parts, fmt.Sprint(e.Status))
		}
		if e.Code != "" {
			parts = append(parts, e.Code)
		}
		got[strings.Join(parts, " ")] += e.Count
	}
	return got
}
