package all_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/pool"
	"github.com/leathq/leat/services/gateway"
)

// pipes is a listener without a buffer anywhere: what a client does not read, the server cannot write.
type pipes struct{ conns chan net.Conn }

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.IPAddr{} }

// A client that reads nothing is cut at the limit; meanwhile the others get all of their tokens at once.
func TestASlowClientPausesOnlyItself(t *testing.T) {
	t.Parallel()
	const limit = 5 * time.Second
	f := start(t, pool.Timeouts{Idle: 2 * time.Second}, func(c *gateway.Config) { c.SlowClient, c.Window = limit, 16 })
	l := pipes{make(chan net.Conn, 1)}
	srv := &http.Server{Handler: f.web, BaseContext: func(net.Listener) context.Context { return context.Background() }}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { close(l.conns); _ = srv.Close() })

	client, server := net.Pipe()
	l.conns <- server
	body := `{"model":"sim","stream":true,"ignore_eos":true,"max_tokens":2000,"messages":[{"role":"user","content":"slow"}]}`
	go fmt.Fprintf(client, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	r := bufio.NewReader(client)
	if line, err := r.ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		t.Fatalf("%q %v", line, err)
	}
	begun := time.Now() // and from now on it reads nothing
	f.all(10, 100, func(i int, _, end string) {
		if end != "length" {
			t.Errorf("stream %d beside a slow client ended with %q", i, end)
		}
	})
	if held := metric(t, f.gateway, "leat_gateway_sequences"); held != 1 {
		t.Errorf("%v sequences in flight beside the slow one, which should be alone", held-1)
	}
	for metric(t, f.gateway, "leat_gateway_sequences") != 0 {
		if time.Since(begun) > 3*limit {
			t.Fatal("the slow client was never cut")
		}
		time.Sleep(10 * time.Millisecond) // polling a gauge with a deadline
	}
	if took := time.Since(begun); took < limit/2 {
		t.Errorf("cut after %s, the limit is %s", took, limit)
	}
	rest, _ := io.ReadAll(r)
	if strings.Contains(string(rest), "[DONE]") {
		t.Error("a cut stream looks whole")
	}
}

// A client that reads slowly but steadily gets everything, though its window is small and it takes far longer than the
// idle time-out allows a worker.
func TestASteadyReaderGetsEverything(t *testing.T) {
	t.Parallel()
	f := start(t, pool.Timeouts{Idle: time.Second}, func(c *gateway.Config) { c.SlowClient, c.Window = 10*time.Second, 4 })
	l := pipes{make(chan net.Conn, 1)}
	srv := &http.Server{Handler: f.web}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { close(l.conns); _ = srv.Close() })
	client, server := net.Pipe()
	l.conns <- server
	body := `{"model":"sim","stream":true,"ignore_eos":true,"max_tokens":24,"messages":[{"role":"user","content":"steady"}]}`
	go fmt.Fprintf(client, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	r := bufio.NewReader(client)
	var whole strings.Builder
	events := 0
	for {
		line, err := r.ReadString('\n')
		whole.WriteString(line)
		if strings.Contains(line, `"content":" `) {
			if events++; events%8 == 0 {
				time.Sleep(1500 * time.Millisecond) // the reader's pace is what is tested
			}
		}
		if err != nil {
			break
		}
	}
	if !strings.Contains(whole.String(), "[DONE]") || !strings.Contains(whole.String(), `"finish_reason":"length"`) || events < 10 {
		t.Errorf("%d events, ended with …%q", events, whole.String()[max(0, whole.Len()-300):])
	}
}

// A client that does not read an answer that is not a stream is let go too, where the answer is larger than what a socket takes at once.
func TestAWholeAnswerThatNobodyReadsEnds(t *testing.T) {
	f := start(t, pool.Timeouts{}, func(c *gateway.Config) { c.SlowClient = time.Second })
	ended := make(chan struct{})
	l := pipes{make(chan net.Conn, 1)}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		f.web.ServeHTTP(w, r)
	})}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { close(l.conns); _ = srv.Close() })
	client, server := net.Pipe()
	defer client.Close()
	l.conns <- server
	body := `{"model":"sim","ignore_eos":true,"max_tokens":160,"logprobs":20,"prompt":"x"}`
	go fmt.Fprintf(client, "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Error("the handler of an answer that nobody reads never ended")
	}
}
