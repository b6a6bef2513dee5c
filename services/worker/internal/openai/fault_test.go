package openai_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/openai"
)

func event(text string) string {
	return fmt.Sprintf("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%q},\"finish_reason\":null}]}\n\n", text)
}

const (
	finished = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
	usage    = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":6,\"prompt_tokens_details\":{\"cached_tokens\":4},\"completion_tokens_details\":{\"reasoning_tokens\":2}}}\n\n"
	done     = "data: [DONE]\n\n"
)

// streaming writes pieces as an event stream, each one flushed, and then ends as end says.
func streaming(end func(http.ResponseWriter, *http.Request), pieces ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		for _, p := range pieces {
			_, _ = io.WriteString(w, p)
			w.(http.Flusher).Flush()
		}
		if end != nil {
			end(w, r)
		}
	}
}

// cut breaks the connection without ending the answer.
func cut(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// hang holds the connection until the client or the test goes.
func (s *server) hang(_ http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.gone:
	}
}

func TestHowStreamsEnd(t *testing.T) {
	both := engine.Usage{UncachedInput: 6, CacheRead: 4, Output: 4, Reasoning: 2}
	for _, c := range []struct {
		name   string
		pieces []string
		end    func(http.ResponseWriter, *http.Request)
		code   string // of the error; empty: success
		client bool
		text   string
		usage  engine.Usage
	}{
		{name: "whole", pieces: []string{event("a"), event("b"), finished, usage, done}, text: "ab", usage: both},
		{name: "no DONE", pieces: []string{event("a"), finished, usage}, text: "a", usage: both},
		{name: "no DONE, no usage", pieces: []string{event("a"), event("b"), finished}, text: "ab", usage: engine.Usage{Output: 2, Estimated: true}},
		{name: "cut behind the finish reason", pieces: []string{event("a"), finished}, end: cut, text: "a", usage: engine.Usage{Output: 1, Estimated: true}},
		{name: "CR LF, comments, other fields", pieces: []string{": hi\r\n\r\n", "event: x\r\nid: 1\r\n" + strings.ReplaceAll(event("a"), "\n", "\r\n"), finished, usage, done}, text: "a", usage: both},
		{name: "last line without an end", pieces: []string{event("a"), strings.TrimSpace(finished)}, text: "a", usage: engine.Usage{Output: 1, Estimated: true}},
		{name: "data in several lines", pieces: []string{"data: {\"choices\":[{\"delta\":\ndata: {\"content\":\"a\"}}]}\n\n", finished, done}, text: "a", usage: engine.Usage{Output: 1, Estimated: true}},
		{name: "ended", pieces: []string{event("a")}, code: "upstream_truncated", text: "a"},
		{name: "cut", pieces: []string{event("a")}, end: cut, code: "upstream_truncated", text: "a"},
		{name: "cut in an event", pieces: []string{event("a"), `data: {"choi`}, end: cut, code: "upstream_truncated", text: "a"},
		{name: "DONE without a finish reason", pieces: []string{event("a"), done}, code: "upstream_truncated", text: "a"},
		{name: "usage without a finish reason", pieces: []string{event("a"), usage, done}, code: "upstream_truncated", text: "a"},
		{name: "aborted", pieces: []string{event("a"), strings.Replace(finished, "stop", "abort", 1), done}, code: "upstream_truncated", text: "a"},
		{name: "nothing", code: "upstream_truncated"},
		{name: "no JSON", pieces: []string{event("a"), "data: oops\n\n"}, code: "upstream_error", text: "a"},
		{name: "error object", pieces: []string{event("a"), `data: {"error":{"message":"boom","type":"server_error","code":500}}` + "\n\n", done}, code: "upstream_error", text: "a"},
		{name: "error string", pieces: []string{`data: {"error":"boom"}` + "\n\n"}, code: "upstream_error"},
		{name: "vLLM's older error", pieces: []string{`data: {"object":"error","message":"boom","type":"InternalServerError","param":null,"code":500}` + "\n\n"}, code: "upstream_error"},
		{name: "client's error in the stream", pieces: []string{`data: {"error":{"message":"bad","type":"invalid_request_error","param":"stop","code":400}}` + "\n\n"}, code: "invalid_request", client: true},
	} {
		bothTransports(t, c.name, func(t *testing.T, open func(openai.Config) *openai.Engine) {
			s := newServer(t)
			e := open(config(s.URL))
			s.handle("/v1/chat/completions", streaming(c.end, c.pieces...))
			out := newSink()
			err := e.Generate(t.Context(), chat(true), out)
			if out.text() != c.text {
				t.Errorf("text %q, want %q", out.text(), c.text)
			}
			if c.code == "" {
				if last := out.last(); err != nil || last.Finish != engine.FinishStop || *last.Usage != c.usage {
					t.Errorf("%v, %q, %+v", err, last.Finish, last.Usage)
				}
				return
			}
			var failed *engine.Error
			retry := c.text == "" && !c.client
			if !errors.As(err, &failed) || failed.Code != c.code || failed.Client != c.client || failed.Retry != retry {
				t.Fatalf("%+v", err)
			}
			if out.last().Finish != "" {
				t.Error("a failed stream has a finish reason")
			}
		})
	}
}

// A web page under status 200 is named, not taken for an answer that broke off.
func TestAWebPageIsNoAnswer(t *testing.T) {
	for _, stream := range []bool{true, false} {
		s := newServer(t)
		e := healthy(t, config(s.URL))
		s.handle("/v1/chat/completions", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, "<html>welcome</html>")
		})
		var failed *engine.Error
		err := e.Generate(t.Context(), chat(stream), newSink())
		if !errors.As(err, &failed) || failed.Code != "upstream_error" || !failed.Retry ||
			!strings.Contains(failed.Message, "text/html") || !strings.Contains(failed.Message, "--upstream") {
			t.Errorf("stream %v: %+v", stream, err)
		}
	}
}

func TestHowUnaryAnswersEnd(t *testing.T) {
	for _, c := range []struct {
		name, body, code string
	}{
		{"no finish reason", `{"choices":[{"index":0,"finish_reason":null,"message":{"content":"x"}}]}`, "upstream_truncated"},
		{"no choice", `{"choices":[]}`, "upstream_error"},
		{"no JSON", `<html>`, "upstream_error"},
		{"cut JSON", `{"choices":[{"finish_reason":"stop"`, "upstream_error"},
		{"an error under status 200", `{"error":{"message":"boom","code":500}}`, "upstream_error"},
		{"empty", ``, "upstream_error"},
	} {
		s := newServer(t)
		e := healthy(t, config(s.URL))
		s.handle("/v1/chat/completions", page(c.body))
		var failed *engine.Error
		out := newSink()
		if err := e.Generate(t.Context(), chat(false), out); !errors.As(err, &failed) || failed.Code != c.code || !failed.Retry || out.count() != 0 {
			t.Errorf("%s: %+v after %d deltas", c.name, err, out.count())
		}
	}
}

func TestBodyShorterThanItsLength(t *testing.T) {
	s := newServer(t)
	e := healthy(t, config(s.URL))
	s.handle("/v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"choices":[`)
		w.(http.Flusher).Flush()
		cut(w, r)
	})
	var failed *engine.Error
	if err := e.Generate(t.Context(), chat(false), newSink()); !errors.As(err, &failed) || failed.Code != "upstream_truncated" || !failed.Retry {
		t.Errorf("%+v", err)
	}
}

func TestStatuses(t *testing.T) {
	for _, c := range []struct {
		status        int
		body, code    string
		client, retry bool
	}{
		{400, `{"error":{"message":"m","type":"invalid_request_error","param":"top_p","code":"bad_value"}}`, "bad_value", true, false},
		{400, `{"object":"error","message":"This model's maximum context length is 10","type":"BadRequestError","param":null,"code":400}`, "context_length_exceeded", true, false},
		{422, `{"detail":[{"loc":["body"],"msg":"wrong"}]}`, "invalid_request", true, false},
		{413, ``, "invalid_request", true, false},
		{401, `{"error":{"message":"Incorrect API key provided"}}`, "upstream_auth", false, true},
		{403, ``, "upstream_auth", false, true},
		{404, `{"error":{"message":"model not found","code":"model_not_found","type":"invalid_request_error"}}`, "upstream_error", false, true},
		{429, `{"error":{"message":"slow down"}}`, "overloaded", false, true},
		{503, `busy`, "overloaded", false, true},
		{500, `{"error":{"message":"boom"}}`, "upstream_error", false, true},
		{502, `<html>bad gateway</html>`, "upstream_error", false, true},
		{302, ``, "upstream_error", false, true},
	} {
		s := newServer(t)
		e := healthy(t, config(s.URL))
		s.handle("/v1/chat/completions", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		})
		var failed *engine.Error
		err := e.Generate(t.Context(), chat(true), newSink())
		if !errors.As(err, &failed) || failed.Code != c.code || failed.Client != c.client || failed.Retry != c.retry || failed.Status != c.status && c.status != 302 {
			t.Errorf("%d %s: %+v", c.status, c.body, err)
			continue
		}
		if want := 7 * time.Second; failed.Code == "overloaded" && failed.RetryAfter != want {
			t.Errorf("%d: retry after %v", c.status, failed.RetryAfter)
		}
		if c.code == "bad_value" && (failed.Param != "top_p" || failed.Message != "m") {
			t.Errorf("%d: %+v", c.status, failed)
		}
	}
}

func TestIdleTimeoutIsNotResetByHeartbeats(t *testing.T) {
	s := newServer(t)
	cfg := config(s.URL)
	cfg.IdleTimeout, cfg.ProbeInterval = 150*time.Millisecond, time.Hour
	e := healthy(t, cfg)
	s.handle("/v1/chat/completions", streaming(func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-r.Context().Done():
				return
			case <-s.gone:
				return
			case <-tick.C:
				_, _ = io.WriteString(w, ": still here\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"\"}}]}\n\n")
				w.(http.Flusher).Flush()
			}
		}
	}, event("a")))
	var failed *engine.Error
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // the heartbeats never end
	defer cancel()
	err := e.Generate(ctx, chat(true), newSink())
	if !errors.As(err, &failed) || failed.Code != "idle_timeout" || failed.Retry {
		t.Errorf("%+v", err)
	}
	if e.Stats().Healthy {
		t.Error("an upstream that hung is still healthy")
	}
}

func TestFirstTokenTimeout(t *testing.T) {
	s := newServer(t)
	cfg := config(s.URL)
	cfg.FirstTokenTimeout = 100 * time.Millisecond
	for name, h := range map[string]http.HandlerFunc{
		"no headers": s.hang, "no token": streaming(s.hang), "only the role": streaming(s.hang, "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\n\n"),
	} {
		s.handle("/v1/chat/completions", page(`{"choices":[{"finish_reason":"stop","message":{"content":"x"}}]}`))
		e := healthy(t, cfg)
		s.handle("/v1/chat/completions", h)
		var failed *engine.Error
		if err := e.Generate(t.Context(), chat(true), newSink()); !errors.As(err, &failed) || failed.Code != "first_token_timeout" || !failed.Retry {
			t.Errorf("%s: %+v", name, err)
		}
	}
}

func TestNoCreditStopsTheClock(t *testing.T) {
	s := newServer(t)
	cfg := config(s.URL)
	cfg.IdleTimeout = time.Second
	e := healthy(t, cfg)
	out := newSink()
	s.handle("/v1/chat/completions", streaming(func(w http.ResponseWriter, _ *http.Request) {
		<-out.first
		_, _ = io.WriteString(w, event("b")+finished+usage+done)
	}, event("a")))
	out.limit = 1
	result := make(chan error, 1)
	go func() { result <- e.Generate(t.Context(), chat(true), out) }()
	<-out.first
	select {
	case err := <-result:
		t.Fatalf("ended while the reader had no credit: %v", err)
	case <-time.After(1500 * time.Millisecond):
	}
	out.grant()
	if err := <-result; err != nil || out.text() != "ab" {
		t.Errorf("%v, %q", err, out.text())
	}
}

// A client that leaves frees the upstream within 50 ms, wherever the sequence is. Of five that leave, a stalled machine may
// own two.
func TestCancelClosesTheUpstreamConnection(t *testing.T) {
	for _, stage := range []string{"queued", "prefill", "decode", "paused", "unary"} {
		bothTransports(t, stage, func(t *testing.T, open func(openai.Config) *openai.Engine) {
			s := newServer(t)
			e := open(config(s.URL))
			arrived, left := make(chan struct{}), make(chan time.Time, 1)
			wait := func(_ http.ResponseWriter, r *http.Request) {
				arrived <- struct{}{}
				<-r.Context().Done()
				left <- time.Now()
			}
			h := map[string]http.HandlerFunc{
				"queued":  func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); wait(w, r) },
				"prefill": streaming(wait), "decode": streaming(wait, event("a")), "paused": streaming(wait, event("a")),
			}[stage]
			if stage == "unary" {
				h = func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); wait(w, r) }
			}
			s.handle("/v1/chat/completions", h)
			leave := func() (ended, noticed time.Duration) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				out, result := newSink(), make(chan error, 1)
				if stage == "paused" {
					out.limit = 1
				}
				go func() { result <- e.Generate(ctx, chat(stage != "unary"), out) }()
				<-arrived
				if stage == "decode" || stage == "paused" {
					<-out.first
				}
				start := time.Now()
				cancel()
				if err := <-result; !errors.Is(err, context.Canceled) {
					t.Errorf("%v", err)
				}
				return time.Since(start), (<-left).Sub(start)
			}
			var ended, noticed [5]time.Duration
			for i := range ended {
				ended[i], noticed[i] = leave()
			}
			slices.Sort(ended[:])
			slices.Sort(noticed[:])
			if ended[2] > 50*time.Millisecond || noticed[2] > 50*time.Millisecond {
				t.Errorf("Generate took %v, the upstream noticed after %v", ended, noticed)
			}
			if st := e.Stats(); st.Running != 0 || !st.Healthy {
				t.Errorf("%+v", st)
			}
		})
	}
}

func TestCloseEndsRunningSequences(t *testing.T) {
	s := newServer(t)
	e := healthy(t, config(s.URL))
	s.handle("/v1/chat/completions", streaming(s.hang, event("a")))
	out, result := newSink(), make(chan error, 1)
	go func() { result <- e.Generate(t.Context(), chat(true), out) }()
	<-out.first
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-result; !errors.Is(err, engine.ErrClosed) {
		t.Errorf("%v", err)
	}
	if err := e.Generate(t.Context(), chat(true), newSink()); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// A hang costs the streams that it held. What has no token yet goes elsewhere at once, and a health page that still
// answers fools nobody; the engine is back as soon as a generation works.
func TestHangTakesTheEngineOutUntilItGeneratesAgain(t *testing.T) {
	s := newServer(t)
	s.handle("/health", page(`{}`))
	cfg := config(s.URL)
	cfg.IdleTimeout, cfg.ProbeInterval, cfg.ProbeTimeout = 100*time.Millisecond, 20*time.Millisecond, time.Second
	e := healthy(t, cfg)
	var arrived atomic.Int32
	s.handle("/v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
		arrived.Add(1)
		streaming(s.hang)(w, r)
	})
	var wg sync.WaitGroup
	var elsewhere atomic.Int32
	for i := range 10 {
		wg.Go(func() {
			var failed *engine.Error
			if err := e.Generate(t.Context(), chat(i%2 == 0), newSink()); errors.As(err, &failed) && failed.Retry && failed.Code == "engine_unavailable" {
				elsewhere.Add(1)
			} else {
				t.Errorf("%+v", err)
			}
		})
	}
	eventually(t, "ten sequences without a token", func() bool { return arrived.Load() == 10 && e.Stats().Running == 10 })
	s.handle("/v1/chat/completions", streaming(s.hang, event("a")))
	var failed *engine.Error
	if err := e.Generate(t.Context(), chat(true), newSink()); !errors.As(err, &failed) || failed.Code != "idle_timeout" {
		t.Errorf("%+v", err)
	}
	wg.Wait()
	if elsewhere.Load() != 10 {
		t.Errorf("%d of 10 may go elsewhere", elsewhere.Load())
	}
	quiet := time.After(1500 * time.Millisecond) // longer than a probe
	for ok := true; ok; {
		select {
		case <-quiet:
			ok = false
		case <-time.After(10 * time.Millisecond):
			if e.Stats().Healthy {
				t.Fatal("healthy while it hangs")
			}
		}
	}
	s.handle("/v1/chat/completions", page(`{"choices":[{"finish_reason":"length","message":{"content":"x"}}]}`))
	eventually(t, "healthy again", func() bool { return e.Stats().Healthy })
	if err := e.Generate(t.Context(), chat(false), newSink()); err != nil {
		t.Error(err)
	}
}

// Unary requests show no life before their end; without any, a canary decides.
func TestHangIsFoundWithUnaryRequestsOnly(t *testing.T) {
	s := newServer(t)
	cfg := config(s.URL)
	cfg.FirstTokenTimeout, cfg.ProbeTimeout, cfg.ProbeInterval = 80*time.Millisecond, time.Second, 20*time.Millisecond
	e := healthy(t, cfg)
	slow := make(chan struct{})
	var canaries atomic.Int32
	s.handle("/v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); strings.Contains(string(body), "France") {
			select {
			case <-slow:
			case <-r.Context().Done():
				return
			}
		} else {
			canaries.Add(1)
		}
		page(`{"choices":[{"finish_reason":"length","message":{"content":"x"}}]}`)(w, r)
	})
	result := make(chan error, 1)
	go func() { result <- e.Generate(t.Context(), chat(false), newSink()) }()
	eventually(t, "canaries beside a slow answer", func() bool { return canaries.Load() >= 2 })
	if !e.Stats().Healthy {
		t.Error("a slow answer beside a working canary makes the engine unhealthy")
	}
	close(slow)
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	s.handle("/v1/chat/completions", s.hang)
	var failed *engine.Error
	if err := e.Generate(t.Context(), chat(false), newSink()); !errors.As(err, &failed) || !failed.Retry {
		t.Errorf("%+v", err)
	}
	if e.Stats().Healthy {
		t.Error("an upstream that answers no canary is healthy")
	}
}

// Callers are less patient than the engine: they cancel before its time-out. A canary tells a hang from a slow answer.
func TestAHangIsFoundThoughEveryCallerGivesUpFirst(t *testing.T) {
	for name, stream := range map[string]bool{"streamed": true, "unary": false} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			cfg := config(s.URL)
			cfg.FirstTokenTimeout, cfg.ProbeTimeout, cfg.ProbeInterval = 3*time.Second, time.Second, 20*time.Millisecond
			e := healthy(t, cfg)
			canaries := make(chan struct{}, 8)
			var hangs atomic.Bool
			s.handle("/v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
				if body, _ := io.ReadAll(r.Body); hangs.Load() || strings.Contains(string(body), "France") {
					s.hang(w, r)
					return
				}
				canaries <- struct{}{}
				page(`{"choices":[{"finish_reason":"length","message":{"content":"x"}}]}`)(w, r)
			})
			giveUp := func(after time.Duration) {
				ctx, cancel := context.WithTimeout(t.Context(), after)
				defer cancel()
				if err := e.Generate(ctx, chat(stream), newSink()); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("ended with %v", err)
				}
			}
			giveUp(1500 * time.Millisecond) // more than a third of the time-out
			<-canaries
			giveUp(20 * time.Millisecond)
			if !e.Stats().Healthy || len(canaries) > 0 {
				t.Errorf("healthy is %v, %d canaries more, after a slow answer and an impatient caller", e.Stats().Healthy, len(canaries))
			}
			hangs.Store(true)
			giveUp(1500 * time.Millisecond)
			eventually(t, "the engine is out", func() bool { return !e.Stats().Healthy })
			hangs.Store(false)
			eventually(t, "the engine is back", func() bool { return e.Stats().Healthy })
		})
	}
}

func TestFailuresInARowTakeTheEngineOut(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"500":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"reset": cut,
	} {
		s := newServer(t)
		cfg := config(s.URL)
		cfg.ProbeInterval = 20 * time.Millisecond
		e := healthy(t, cfg)
		s.handle("/v1/chat/completions", h)
		for i := range 3 {
			if !e.Stats().Healthy {
				t.Errorf("%s: out after %d failures", name, i)
			}
			var failed *engine.Error
			if err := e.Generate(t.Context(), chat(true), newSink()); !errors.As(err, &failed) || !failed.Retry {
				t.Errorf("%s: %+v", name, err)
			}
		}
		if e.Stats().Healthy {
			t.Errorf("%s: three failures in a row and still healthy", name)
		}
		s.handle("/v1/chat/completions", page(`{"choices":[{"finish_reason":"length","message":{"content":"x"}}]}`))
		eventually(t, name+": healthy again", func() bool { return e.Stats().Healthy })
	}
}

func TestClientsFaultsDoNotTakeTheEngineOut(t *testing.T) {
	s := newServer(t)
	e := healthy(t, config(s.URL))
	s.handle("/v1/chat/completions", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(400) })
	for range 10 {
		_ = e.Generate(t.Context(), chat(true), newSink())
	}
	if !e.Stats().Healthy {
		t.Error("ten bad requests make the engine unhealthy")
	}
}

// The engine starts before its upstream does.
func TestUpstreamThatComesLater(t *testing.T) {
	s := newServer(t)
	s.handle("/v1/models", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	cfg := config(s.URL)
	cfg.ProbeInterval = 20 * time.Millisecond
	e := open(t, cfg)
	if e.Stats().Healthy || e.Info().ContextLen != 0 {
		t.Fatal("healthy without a model list")
	}
	s.handle("/v1/models", page(`{"data":[{"id":"m","owned_by":"vllm","max_model_len":4096}]}`))
	eventually(t, "healthy", func() bool { return e.Stats().Healthy })
	if e.Info().ContextLen != 4096 {
		t.Errorf("%+v", e.Info())
	}
}

func TestWhatIsNotBoundedIsRefused(t *testing.T) {
	s := newServer(t)
	cfg := config(s.URL)
	cfg.MaxEvent, cfg.MaxAnswer = 20_000, 20_000
	e := healthy(t, cfg)
	long := strings.Repeat("x", 200_000)
	for name, h := range map[string]http.HandlerFunc{
		"event":      streaming(nil, "data: "+long),
		"comment":    streaming(nil, ":"+long),
		"data lines": streaming(nil, strings.Repeat("data: x\n", 50_000)),
	} {
		s.handle("/v1/chat/completions", h)
		var failed *engine.Error
		if err := e.Generate(t.Context(), chat(true), newSink()); !errors.As(err, &failed) || !strings.Contains(failed.Message, "--upstream-max-event") {
			t.Errorf("%s: %+v", name, err)
		}
		s.handle("/v1/chat/completions", page(`{"choices":[{"finish_reason":"length","message":{"content":"x"}}]}`))
		if err := e.Generate(t.Context(), chat(false), newSink()); err != nil {
			t.Fatal(err)
		}
	}
	s.handle("/v1/chat/completions", page(`{"choices":[{"finish_reason":"stop","message":{"content":"`+long+`"}}]}`))
	var failed *engine.Error
	if err := e.Generate(t.Context(), chat(false), newSink()); !errors.As(err, &failed) || !strings.Contains(failed.Message, "--upstream-max-answer") {
		t.Errorf("%+v", err)
	}
}

func TestConfigIsValidated(t *testing.T) {
	for says, change := range map[string]func(*openai.Config){
		"--model":               func(c *openai.Config) { c.Model = "" },
		"--upstream is missing": func(c *openai.Config) { c.Upstream = "" },
		"http://HOST:PORT":      func(c *openai.Config) { c.Upstream = "localhost:8000" },
		"plain URL":             func(c *openai.Config) { c.Upstream = "http://u:p@h" },
		"--upstream-kind":       func(c *openai.Config) { c.Kind = "x" },
		"--probe":               func(c *openai.Config) { c.Probe = "x" },
		"--idle-timeout":        func(c *openai.Config) { c.IdleTimeout = 0 },
		"--api-key-env":         func(c *openai.Config) { c.APIKeyEnv = "NO_SUCH_KEY" },
	} {
		cfg := config("http://127.0.0.1:1")
		change(&cfg)
		if _, err := openai.New(t.Context(), cfg, openai.Deps{}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
}
