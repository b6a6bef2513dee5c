package bench_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/leathq/leat/services/cmd/leat/internal/bench"
)

// A bad answer of every kind is counted once per request, in its own class, and never as a success; both clients agree.
func TestFailuresAreCountedByClass(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
	hang := func(_ http.ResponseWriter, r *http.Request) { untilGone(r) }
	refusal := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "7")
		text(429, "application/json", `{"error":{"message":"queue full","type":"rate_limit_error","code":"queue_full"}}`)(w, r)
	}
	cases := []struct {
		name    string
		stream  bool
		handler http.HandlerFunc
		want    string
	}{
		{"whole stream", true, sse(nil, role, token("a"), finish, counts, done), ""},
		{"no finish reason", true, sse(nil, role, token("a"), done), "truncated no_finish_reason"},
		{"no done", true, sse(nil, role, token("a"), finish), "truncated no_done"},
		{"ends after tokens", true, sse(nil, role, token("a")), "truncated no_finish_reason"},
		{"empty stream", true, sse(nil), "truncated no_finish_reason"},
		{"error event", true, sse(nil, token("a"), `data: {"error":{"message":"x","code":"engine_died"}}`+"\n\n", done), "error_event engine_died"},
		{"error event as text", true, sse(nil, `data: {"error":"x"}`+"\n\n"), "error_event"},
		{"cut in a chunk", true, raw(head + "ff\r\ndata: "), "cut"},
		{"cut between chunks", true, raw(head + "2\r\n\n\n\r\n"), "cut"},
		{"cut before the head", true, raw(""), "cut"},
		{"not JSON", true, sse(nil, "data: {\n\n", finish, done), "malformed"},
		{"no event stream", true, text(200, "application/json", whole), "malformed not_an_event_stream"},
		{"bad status line", true, raw("SMTP ready\r\n\r\n"), "malformed"},
		{"hang", true, hang, "timeout"},
		{"hang in mid-stream", true, sse(func(i int) time.Duration { return time.Duration(i) * time.Hour }, token("a"), finish), "timeout"},
		{"refusal", true, refusal, "http 429 queue_full"},
		{"server error", false, text(500, "application/json", `{"error":{"message":"x","type":"server_error","code":null}}`), "http 500 server_error"},
		{"bad gateway page", false, text(502, "text/html", "<html>"), "http 502"},
		{"whole answer", false, text(200, "application/json", whole), ""},
		{"answer without finish reason", false, text(200, "application/json", `{"choices":[{"message":{"content":"a"}}]}`), "truncated no_finish_reason"},
		{"answer with an error", false, text(200, "application/json", `{"error":{"code":"c","message":"m"}}`), "error_event c"},
		{"short answer", false, raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"), "cut"},
		{"answer until close", false, raw("HTTP/1.1 200 OK\r\n\r\n" + whole), ""},
		{"interim response", false, raw("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + whole), ""},
	}
	for _, c := range cases {
		for _, client := range []string{bench.ClientAuto, bench.ClientNetHTTP} {
			t.Run(c.name+"/"+client, func(t *testing.T) {
				t.Parallel()
				cfg := config(start(t, c.handler))
				cfg.Stream, cfg.Client, cfg.Requests = c.stream, client, 3
				if c.want == "timeout" {
					cfg.Timeout = 500 * time.Millisecond // time enough to connect on a busy machine
				}
				rep := measure(t, cfg)
				checkClass(t, rep, c.want, 3)
			})
		}
	}
}

func checkClass(t *testing.T, rep *bench.Report, want string, n int64) {
	t.Helper()
	got := classes(rep)
	if want == "" {
		if rep.OK != n || len(got) != 0 {
			t.Fatalf("ok %d of %d, failures %v", rep.OK, n, got)
		}
		return
	}
	if rep.OK != 0 || rep.Failed != n || len(got) != 1 || got[want] != n {
		t.Fatalf("ok %d, failed %d, failures %v; want %d × %q", rep.OK, rep.Failed, got, n, want)
	}
	if rep.Latency.Count != 0 {
		t.Errorf("%d failed requests are among the latencies", rep.Latency.Count)
	}
}

func TestRefusedConnectionsAreCountedAndDoNotSpin(t *testing.T) {
	t.Parallel()
	cfg := config(refusing(t))
	cfg.Requests, cfg.Duration = 0, time.Second
	rep := measure(t, cfg)
	n := classes(rep)["connect"]
	if n == 0 || n != rep.Failed || rep.OK != 0 {
		t.Fatalf("failures %v, ok %d", classes(rep), rep.OK)
	}
	if n > 2*(1000/10+2) {
		t.Errorf("%d attempts in a second by two callers: they do not pause", n)
	}
}

func TestRetryAfterIsReported(t *testing.T) {
	t.Parallel()
	count := 0
	cfg := config(start(t, func(w http.ResponseWriter, r *http.Request) {
		if count++; count%2 == 0 {
			w.Header().Set("Retry-After", "9")
		}
		w.WriteHeader(429)
	}))
	cfg.Concurrency, cfg.Requests = 1, 6
	if got, want := measure(t, cfg).Refusals, (bench.Refusals{Count: 6, WithRetryAfter: 3, MaxRetryAfter: 9}); got != want {
		t.Errorf("refusals %+v, want %+v", got, want)
	}
}
