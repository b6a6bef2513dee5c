package upstream_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leathq/leat/e2e/bench/upstream"
)

func start(t *testing.T, p upstream.Profile) *upstream.Server {
	t.Helper()
	s, err := upstream.Start(upstream.Config{Address: "127.0.0.1:0", Model: "m", Profile: p})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// client has connections of its own, so that tests do not share them.
func client(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}
}

func post(t *testing.T, c *http.Client, s *upstream.Server, path, body string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.Address()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return c.Do(req)
}

// answer is what a client made of an answer.
type answer struct {
	status int
	text   string
	finish string
	usage  int // completion tokens
	done   bool
	err    error
	gaps   []time.Duration
}

func ask(t *testing.T, c *http.Client, s *upstream.Server, path, body string) answer {
	t.Helper()
	last := time.Now()
	resp, err := post(t, c, s, path, body)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode}
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		data, err := io.ReadAll(resp.Body)
		a.err = err
		a.add(data)
		return a
	}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		data, found := strings.CutPrefix(lines.Text(), "data: ")
		if !found {
			continue
		}
		a.gaps = append(a.gaps, time.Since(last))
		last = time.Now()
		if a.done = data == "[DONE]"; !a.done {
			a.add([]byte(data))
		}
	}
	a.err = lines.Err()
	return a
}

func (a *answer) add(data []byte) {
	var object struct {
		Choices []struct {
			Delta, Message struct{ Content string }
			Text           string
			Finish         *string `json:"finish_reason"`
		}
		Usage struct {
			Completion int `json:"completion_tokens"`
		}
	}
	if err := json.Unmarshal(data, &object); err != nil {
		a.err = err
		return
	}
	a.usage += object.Usage.Completion
	for _, c := range object.Choices {
		a.text += c.Delta.Content + c.Message.Content + c.Text
		if c.Finish != nil {
			a.finish = *c.Finish
		}
	}
}

func tokens(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " t%d", i)
	}
	return b.String()
}

// Every kind of answer is whole, on one connection kept alive, in net/http's eyes.
func TestAnswersAreWhole(t *testing.T) {
	t.Parallel()
	s, c := start(t, upstream.Profile{Tokens: 3}), client(t)
	for _, path := range []string{"/v1/chat/completions", "/v1/completions"} {
		for body, want := range map[string]answer{
			`{"max_tokens":5}`: {text: tokens(5), usage: 5},
			`{}`:               {text: tokens(3), usage: 3},
			`{"stream": false, "max_completion_tokens": 2}`:           {text: tokens(2), usage: 2},
			`{"stream":true,"max_tokens":4}`:                          {text: tokens(4), done: true},
			`{"stream":true,"stream_options":{"include_usage":true}}`: {text: tokens(3), usage: 3, done: true},
			`{"prompt":"\"stream\":true","max_tokens":1}`:             {text: tokens(1), usage: 1},
			`{"stream":true,"max_tokens":5000}`:                       {text: tokens(5000), done: true},
		} {
			got := ask(t, c, s, path, body)
			if got.err != nil || got.status != 200 || got.text != want.text || got.usage != want.usage || got.done != want.done || got.finish != "length" {
				t.Errorf("%s %s: status %d, %d bytes of text, finish %q, usage %d, done %t, %v",
					path, body, got.status, len(got.text), got.finish, got.usage, got.done, got.err)
			}
		}
	}
	if s.Served() != 14 {
		t.Errorf("served %d, want 14", s.Served())
	}
	eventually(t, func() bool { return s.Active() == 0 })
}

func TestOtherPaths(t *testing.T) {
	t.Parallel()
	s, c := start(t, upstream.Profile{}), client(t)
	for path, want := range map[string]int{"/v1/models": 200, "/health": 200, "/nope": 404, "/v1/completions": 405} {
		resp, err := c.Get("http://" + s.Address() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want || !json.Valid(body) {
			t.Errorf("%s: %d %s, want %d", path, resp.StatusCode, body, want)
		}
	}
}

// Tokens come at their times, for many streams at once.
func TestStreamsKeepTime(t *testing.T) {
	t.Parallel()
	const first, gap, n, streams = 50 * time.Millisecond, 10 * time.Millisecond, 10, 50
	s := start(t, upstream.Profile{TTFT: first, TPOT: gap, Tokens: n})
	var group sync.WaitGroup
	for range streams {
		c := client(t)
		group.Go(func() {
			begun := time.Now()
			a := ask(t, c, s, "/v1/completions", `{"stream":true}`)
			if took := time.Since(begun); a.text != tokens(n) || took < first+(n-1)*gap || took > first+n*gap+5*time.Second {
				t.Errorf("%q (%v) took %s", a.text, a.err, took)
			}
			if len(a.gaps) == 0 || a.gaps[0] < first {
				t.Errorf("first token after %v, want %s", a.gaps, first)
			}
		})
	}
	group.Wait()
}

func TestFaults(t *testing.T) {
	t.Parallel()
	profile := upstream.Profile{TPOT: time.Millisecond, Tokens: 5}
	check := map[upstream.Fault]func(answer) bool{
		upstream.FaultRefuse:   func(a answer) bool { return a.err != nil },
		upstream.FaultKill:     func(a answer) bool { return a.err != nil },
		upstream.FaultError:    func(a answer) bool { return a.err == nil && a.status == 500 },
		upstream.FaultTruncate: func(a answer) bool { return a.err == nil && a.text == tokens(1) && a.finish == "" && !a.done },
		upstream.FaultCut:      func(a answer) bool { return a.err != nil && a.text == tokens(1) },
		upstream.FaultGarbage:  func(a answer) bool { return a.text == "" && a.finish == "" && !a.done },
		upstream.FaultBigError: func(a answer) bool { return a.err == nil && a.status == 500 },
	}
	for fault, bad := range check {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			s, c := start(t, profile), client(t)
			for round := range 2 {
				if a := ask(t, c, s, "/v1/completions", `{"stream":true}`); a.text != tokens(5) || !a.done {
					t.Fatalf("round %d, no fault: %+v", round, a)
				}
				if err := s.Fail(fault); err != nil {
					t.Fatal(err)
				}
				if a := ask(t, c, s, "/v1/completions", `{"stream":true}`); !bad(a) {
					t.Errorf("round %d: %+v", round, a)
				}
				if err := s.Fail(upstream.FaultNone); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// Every kind of garbage comes in turns, and none of them is an answer, streamed or not.
func TestGarbageTakesTurns(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"stream":true}`, `{}`} {
		s, c := start(t, upstream.Profile{Tokens: 2}), client(t)
		if err := s.Fail(upstream.FaultGarbage); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for range 6 {
			resp, err := post(t, c, s, "/v1/completions", body)
			if err != nil {
				seen["no HTTP"] = true
				continue
			}
			said, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			seen[resp.Header.Get("Content-Type")] = true
			if resp.StatusCode != 200 || json.Valid(said) {
				t.Errorf("%s: status %d, %q", body, resp.StatusCode, said)
			}
		}
		if len(seen) != 3 {
			t.Errorf("%s: %v, want three kinds", body, seen)
		}
	}
}

// What ends too early and what is too long looks so to whoever reads it.
func TestWholeAnswersUnderFaults(t *testing.T) {
	t.Parallel()
	s, c := start(t, upstream.Profile{TTFT: 10 * time.Millisecond, Tokens: 50}), client(t)
	set := func(f upstream.Fault) (*http.Response, []byte, error) {
		t.Helper()
		if err := s.Fail(f); err != nil {
			t.Fatal(err)
		}
		resp, err := post(t, c, s, "/v1/completions", `{}`)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		said, err := io.ReadAll(resp.Body)
		return resp, said, err
	}
	if _, said, err := set(upstream.FaultTruncate); !errors.Is(err, io.ErrUnexpectedEOF) || len(said) == 0 {
		t.Errorf("truncated: %d bytes, %v", len(said), err)
	}
	if resp, said, err := set(upstream.FaultBigError); err != nil || resp.StatusCode != 500 || len(said) < 9<<20 || !json.Valid(said) {
		t.Errorf("big error: status %d, %d bytes, %v", resp.StatusCode, len(said), err)
	}
	begun := time.Now()
	if _, said, err := set(upstream.FaultSlow); err != nil || !json.Valid(said) || time.Since(begun) < 100*time.Millisecond {
		t.Errorf("slow: %d bytes, %v, after %v", len(said), err, time.Since(begun))
	}
}

// A slow server takes ten times as long, for streams that run as well.
func TestSlownessTakesTenTimesAsLong(t *testing.T) {
	t.Parallel()
	s, c := start(t, upstream.Profile{TTFT: 10 * time.Millisecond, TPOT: 5 * time.Millisecond, Tokens: 5}), client(t)
	if err := s.Fail(upstream.FaultSlow); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if a := ask(t, c, s, "/v1/completions", `{"stream":true}`); a.text != tokens(5) || !a.done || time.Since(begun) < 300*time.Millisecond {
		t.Errorf("%+v after %v, want all of it after 300 ms at least", a, time.Since(begun))
	}
}

// A hang lasts as long as the fault; then answers go on where they stood, and nothing is lost.
func TestHangsEnd(t *testing.T) {
	t.Parallel()
	for _, fault := range []upstream.Fault{upstream.FaultHangFirst, upstream.FaultHangStream} {
		for _, stream := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, stream %t", fault, stream), func(t *testing.T) {
				t.Parallel()
				s, c := start(t, upstream.Profile{Tokens: 4}), client(t)
				if err := s.Fail(fault); err != nil {
					t.Fatal(err)
				}
				got := make(chan answer, 1)
				go func() { got <- ask(t, c, s, "/v1/completions", fmt.Sprintf(`{"stream":%t}`, stream)) }()
				select {
				case a := <-got:
					t.Fatalf("answered while hanging: %+v", a)
				case <-time.After(100 * time.Millisecond):
				}
				if err := s.Fail(upstream.FaultNone); err != nil {
					t.Fatal(err)
				}
				if a := <-got; a.text != tokens(4) || a.err != nil {
					t.Errorf("after the hang: %+v", a)
				}
			})
		}
	}
}

func TestAClientThatLeavesEndsItsStream(t *testing.T) {
	t.Parallel()
	s, c := start(t, upstream.Profile{TPOT: 5 * time.Millisecond, Tokens: 100000}), client(t)
	ctx, leave := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.Address()+"/v1/completions", strings.NewReader(`{"stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if s.Active() != 1 {
		t.Fatalf("%d active streams, want 1", s.Active())
	}
	leave()
	eventually(t, func() bool { return s.Active() == 0 })
}

// A client that does not read holds up nobody else.
func TestASlowReaderDoesNotStopTheWheel(t *testing.T) {
	t.Parallel()
	s := start(t, upstream.Profile{})
	conn, err := net.Dial("tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := `{"stream":true,"max_tokens":1000000}`
	fmt.Fprintf(conn, "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	eventually(t, func() bool { return s.Active() == 1 })
	c := client(t)
	for range 20 {
		if a := ask(t, c, s, "/v1/completions", `{"stream":true,"max_tokens":200}`); a.text != tokens(200) {
			t.Fatalf("beside a slow reader: %v, %d bytes", a.err, len(a.text))
		}
	}
}

func TestControl(t *testing.T) {
	t.Parallel()
	s := start(t, upstream.Profile{})
	control := httptest.NewServer(s.Control())
	defer control.Close()
	set := func(body string) (int, upstream.Status) {
		resp, err := http.Post(control.URL, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var now upstream.Status
		_ = json.NewDecoder(resp.Body).Decode(&now) // an error is text
		return resp.StatusCode, now
	}
	code, now := set(`{"fault":"error","ttft":"20ms","tokens":7}`)
	if code != 200 || now.Fault != upstream.FaultError || now.TTFT != "20ms" || now.Tokens != 7 || now.TPOT != "0s" {
		t.Errorf("%d %+v", code, now)
	}
	for _, bad := range []string{`{"fault":"gremlins"}`, `{"speed":1}`, `{"ttft":"soon"}`, `{"tokens":-1}`, `{`} {
		if code, _ := set(bad); code != 400 {
			t.Errorf("%s: status %d, want 400", bad, code)
		}
	}
	if code, now = set(`{}`); code != 200 || now.Fault != upstream.FaultError || now.Tokens != 7 {
		t.Errorf("after refused changes: %+v", now)
	}
}

func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	for until := time.Now().Add(5 * time.Second); !holds(); {
		if time.Now().After(until) {
			t.Fatal("did not happen within 5 s")
		}
		time.Sleep(time.Millisecond)
	}
}

// Whatever bytes come as a request, the server stays up for others.
func FuzzRequest(f *testing.F) {
	s, err := upstream.Start(upstream.Config{Address: "127.0.0.1:0", Model: "m"})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(s.Close)
	f.Add([]byte("POST /v1/completions HTTP/1.1\r\nContent-Length: 15\r\n\r\n{\"stream\":true}"))
	f.Add([]byte("POST /v1/chat/completions HTTP/1.1\r\nExpect: 100-continue\r\ncontent-length: 2\r\n\r\n{}GET /health HTTP/1.1\r\n\r\n"))
	f.Add([]byte("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		conn, err := net.Dial("tcp", s.Address())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = conn.Write(in) // it may refuse early
		_ = conn.(*net.TCPConn).CloseWrite()
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, err = io.Copy(io.Discard, conn)
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			t.Fatal("the connection was not ended")
		}
	})
}
