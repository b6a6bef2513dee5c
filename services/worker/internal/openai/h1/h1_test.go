package h1_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leathq/leat/services/worker/internal/openai/h1"
)

// serve runs handle for every connection; accepted counts them.
func serve(t testing.TB, handle func(conn net.Conn, number int)) (*h1.Client, *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted := &atomic.Int32{}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			n := int(accepted.Add(1))
			go func() { defer conn.Close(); handle(conn, n) }()
		}
	}()
	c := h1.New(h1.Config{Addr: l.Addr().String(), Host: "up", Connect: time.Second, MaxIdle: 4, IdleFor: time.Minute})
	t.Cleanup(c.CloseIdle)
	return c, accepted
}

// request reads one request and returns it with its body.
func request(conn io.Reader) (*http.Request, string, error) {
	req, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return nil, "", err
	}
	body, err := io.ReadAll(req.Body)
	return req, string(body), err
}

// answering writes the same answer to every request.
func answering(answer string) func(net.Conn, int) {
	return func(conn net.Conn, _ int) {
		for {
			if _, _, err := request(conn); err != nil {
				return
			}
			if _, err := io.WriteString(conn, answer); err != nil {
				return
			}
		}
	}
}

func post(t testing.TB, c *h1.Client) (*h1.Response, string, error) {
	t.Helper()
	resp, err := c.Do(t.Context(), &h1.Request{Method: "POST", Path: "/x", Body: []byte("hello")})
	if err != nil {
		return nil, "", err
	}
	body, err := io.ReadAll(resp)
	return resp, string(body), err
}

func TestRequestIsWhatTheServerReads(t *testing.T) {
	big := strings.Repeat("x", 3<<20)
	type read struct {
		req  *http.Request
		body string
	}
	reads := make(chan read, 1)
	c, _ := serve(t, func(conn net.Conn, _ int) {
		for {
			req, body, err := request(conn)
			if err != nil {
				return
			}
			reads <- read{req, body}
			_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
		}
	})
	for _, want := range []string{"hello", "", big} {
		resp, err := c.Do(t.Context(), &h1.Request{Method: "POST", Path: "/v1/x?y=1", Body: []byte(want), Header: [][2]string{
			{"X-Request-Id", "abc"}, {"Evil", "a\r\nInjected: 1"}, {"Empty", ""},
		}})
		if err != nil {
			t.Fatal(err)
		}
		resp.Close(false)
		r := <-reads
		if got, body := r.req, r.body; body != want || got.Host != "up" || got.URL.String() != "/v1/x?y=1" || got.Header.Get("X-Request-Id") != "abc" ||
			got.Header.Get("Injected") != "" || len(got.Header["Empty"]) != 0 {
			t.Errorf("the server read %v and %d bytes", got, len(body))
		}
	}
}

func TestConnectionsAreKept(t *testing.T) {
	for name, answer := range map[string]string{
		"length":   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"chunked":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;ext=1\r\nk\r\n0\r\nTrailer: x\r\n\r\n",
		"continue": "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"1.0":      "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok",
	} {
		c, accepted := serve(t, answering(answer))
		for range 5 {
			resp, body, err := post(t, c)
			if err != nil || body != "ok" {
				t.Fatalf("%s: %q, %v", name, body, err)
			}
			resp.Close(false)
		}
		if n := accepted.Load(); n != 1 {
			t.Errorf("%s: %d connections for five calls", name, n)
		}
	}
}

func TestConnectionsThatEndAreNotKept(t *testing.T) {
	for name, answer := range map[string]string{
		"close":         "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: foo, Close\r\n\r\nok",
		"1.0":           "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"both framings": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		"surplus":       "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad",
	} {
		c, accepted := serve(t, answering(answer))
		for range 3 {
			resp, body, err := post(t, c)
			if err != nil || body != "ok" {
				t.Fatalf("%s: %q, %v", name, body, err)
			}
			resp.Close(false)
		}
		if n := accepted.Load(); n != 3 {
			t.Errorf("%s: %d connections for three calls", name, n)
		}
	}
}

func TestBodyUntilClose(t *testing.T) {
	c, _ := serve(t, func(conn net.Conn, _ int) {
		_, _, _ = request(conn)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\nall of it")
	})
	resp, body, err := post(t, c)
	if err != nil || body != "all of it" || resp.Length != -1 {
		t.Errorf("%q, %v", body, err)
	}
}

// A server closes kept connections whenever it likes; the call does not notice.
func TestStaleConnectionIsReplaced(t *testing.T) {
	for _, quick := range []bool{false, true} {
		closed := make(chan struct{}, 10)
		c, accepted := serve(t, func(conn net.Conn, n int) {
			defer func() { closed <- struct{}{} }()
			if _, _, err := request(conn); err != nil {
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			if quick && n == 1 { // read the next request and close without an answer
				_, _, _ = request(conn)
			}
		})
		for range 2 {
			resp, body, err := post(t, c)
			if err != nil || body != "ok" {
				t.Fatalf("%q, %v", body, err)
			}
			resp.Close(false)
			if !quick {
				<-closed
			}
		}
		if n := accepted.Load(); n != 2 {
			t.Errorf("%d connections, want 2", n)
		}
	}
}

// An error on a new connection is the server's, and is not tried again.
func TestNewConnectionsAreNotTriedAgain(t *testing.T) {
	c, accepted := serve(t, func(conn net.Conn, _ int) { _, _, _ = request(conn) })
	if _, _, err := post(t, c); !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
	if n := accepted.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// A reader that knows its content's end leaves before the terminator; the connection lives on once that has come.
func TestOwedTerminator(t *testing.T) {
	for _, c := range []struct {
		rest  string
		conns int32
	}{{"0\r\n\r\n", 1}, {"1\r\nx\r\n", 2}, {"", 2}} {
		proceed, sent := make(chan struct{}), make(chan struct{})
		client, accepted := serve(t, func(conn net.Conn, n int) {
			if _, _, err := request(conn); err != nil {
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
			if n > 1 {
				return
			}
			<-proceed
			_, _ = io.WriteString(conn, c.rest)
			close(sent)
			if _, _, err := request(conn); err == nil {
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
			}
		})
		for i := range 2 {
			resp, err := client.Do(t.Context(), &h1.Request{Method: "POST", Path: "/", Body: []byte("x")})
			if err != nil {
				t.Fatal(err)
			}
			two := make([]byte, 2)
			if _, err := io.ReadFull(resp, two); err != nil || string(two) != "ok" {
				t.Fatalf("%q, %v", two, err)
			}
			resp.Close(true)
			if i == 0 {
				close(proceed)
				<-sent
			}
		}
		if n := accepted.Load(); n != c.conns {
			t.Errorf("with %q left over: %d connections, want %d", c.rest, n, c.conns)
		}
	}
}

// The server sees the end within 50 ms; of five cancels, a stalled machine may own two.
func TestCancelClosesTheConnection(t *testing.T) {
	for _, part := range []string{"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"} {
		arrived, closed := make(chan struct{}), make(chan time.Time, 1)
		c, _ := serve(t, func(conn net.Conn, _ int) {
			_, _, _ = request(conn)
			_, _ = io.WriteString(conn, part)
			arrived <- struct{}{}
			_, _ = conn.Read(make([]byte, 1))
			closed <- time.Now()
		})
		var took [5]time.Duration
		for i := range took {
			ctx, cancel := context.WithCancel(t.Context())
			result := make(chan error, 1)
			go func() {
				resp, err := c.Do(ctx, &h1.Request{Method: "POST", Path: "/", Body: []byte("x")})
				if err == nil {
					_, err = io.ReadAll(resp)
					resp.Close(false)
				}
				result <- err
			}()
			<-arrived
			start := time.Now()
			cancel()
			if err := <-result; err == nil {
				t.Errorf("after %q: no error", part)
			}
			took[i] = (<-closed).Sub(start)
		}
		slices.Sort(took[:])
		if took[2] > 50*time.Millisecond {
			t.Errorf("after %q: closed after %v", part, took)
		}
	}
}

// A server that refuses a large body answers before it has read it.
func TestAnswerBeforeTheBodyIsSent(t *testing.T) {
	c, _ := serve(t, func(conn net.Conn, _ int) {
		_, _ = conn.Read(make([]byte, 1024))
		_, _ = io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		_ = conn.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, conn)
	})
	resp, err := c.Do(t.Context(), &h1.Request{Method: "POST", Path: "/", Body: make([]byte, 8<<20)})
	if err != nil || resp.Status != 413 {
		t.Fatalf("%+v, %v", resp, err)
	}
	resp.Close(false)
}

func TestTruncatedBodies(t *testing.T) {
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n",
	} {
		c, _ := serve(t, func(conn net.Conn, _ int) { _, _, _ = request(conn); _, _ = io.WriteString(conn, answer) })
		if _, body, err := post(t, c); !errors.Is(err, io.ErrUnexpectedEOF) || body != "ok" {
			t.Errorf("%q: %q, %v", answer, body, err)
		}
	}
}

func TestMalformedAnswers(t *testing.T) {
	for _, answer := range []string{
		"HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "oops\r\n\r\n", "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n", "HTTP/1.1 200 OK\r\n folded: x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", "HTTP/1.1 101 Switching\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 100<<10) + "\r\n\r\n", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 20<<10) + "\r\n",
	} {
		c, _ := serve(t, func(conn net.Conn, _ int) {
			_, _, _ = request(conn)
			_, _ = io.WriteString(conn, answer)
			_, _ = io.Copy(io.Discard, conn)
		})
		if _, body, err := post(t, c); err == nil {
			t.Errorf("%.60q is accepted as %q", answer, body)
		}
	}
}

// What net/http understands, this client reads in the same way, however it arrives.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\nA\r\n0123456789\r\n0\r\nT: x\r\n\r\n",
		"HTTP/1.1 500 No\r\nRetry-After: 3\r\nContent-Type: application/json\r\n\r\n{}", "HTTP/1.0 204 x\r\n\r\n", "HTTP/1.1 200 OK\n\nbody",
		"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n2 ;x\r\nok\r\n0\r\n\r\n",
	} {
		f.Add([]byte(s), uint8(3))
	}
	f.Fuzz(func(t *testing.T, answer []byte, split uint8) {
		client, server := net.Pipe()
		go func() {
			_, _ = io.ReadFull(server, make([]byte, len("GET / HTTP/1.1\r\nHost: h\r\n\r\n")))
			for rest := answer; len(rest) > 0; {
				n := min(len(rest), 1+int(split))
				if _, err := server.Write(rest[:n]); err != nil {
					break
				}
				rest = rest[n:]
			}
			_ = server.Close()
		}()
		resp, err := h1.Over(client, "h")
		var body []byte
		if err == nil {
			body, err = io.ReadAll(resp)
			resp.Close(true)
		}
		_ = client.Close()
		want, wantErr := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), &http.Request{Method: "GET"})
		if err != nil || wantErr != nil || want.StatusCode < 200 || len(want.TransferEncoding) > 0 && want.Header.Get("Content-Length") != "" {
			return
		}
		wantBody, wantErr := io.ReadAll(want.Body)
		if wantErr == nil && (resp.Status != want.StatusCode || !bytes.Equal(body, wantBody)) {
			t.Fatalf("%q: %d %q, net/http reads %d %q", answer, resp.Status, body, want.StatusCode, wantBody)
		}
	})
}

func TestManyCallersShareTheClient(t *testing.T) {
	c, _ := serve(t, func(conn net.Conn, _ int) {
		for {
			_, body, err := request(conn)
			if err != nil {
				return
			}
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		}
	})
	failed := make(chan error, 16)
	for i := range 16 {
		go func() {
			for k := range 200 {
				want := strconv.Itoa(i*1000 + k)
				resp, err := c.Do(t.Context(), &h1.Request{Method: "POST", Path: "/", Body: []byte(want)})
				if err != nil {
					failed <- err
					return
				}
				body, err := io.ReadAll(resp)
				resp.Close(false)
				if err != nil || string(body) != want {
					failed <- fmt.Errorf("got %q, want %q: %w", body, want, err)
					return
				}
			}
			failed <- nil
		}()
	}
	for range 16 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}

// What a server says on a connection that nobody uses answers no later request.
func TestUnaskedAnswerIsNotTakenForAnAnswer(t *testing.T) {
	sent := make(chan struct{})
	c, _ := serve(t, func(conn net.Conn, n int) {
		if _, _, err := request(conn); err != nil {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		if n == 1 {
			<-sent
			_, _ = io.WriteString(conn, "HTTP/1.1 408 Too Slow\r\nContent-Length: 0\r\n\r\n")
			sent <- struct{}{}
			_, _, _ = request(conn)
		}
	})
	resp, _, err := post(t, c)
	if err != nil {
		t.Fatal(err)
	}
	resp.Close(false)
	sent <- struct{}{}
	<-sent
	if resp, body, err := post(t, c); err != nil || resp.Status != 200 || body != "ok" {
		t.Errorf("%+v, %q, %v", resp, body, err)
	}
}

// A reader that leaves in the middle of an answer ends it for the server, too.
func TestCloseInTheMiddleClosesTheConnection(t *testing.T) {
	closed := make(chan struct{})
	c, _ := serve(t, func(conn net.Conn, _ int) {
		_, _, _ = request(conn)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
		_, _ = conn.Read(make([]byte, 1))
		close(closed)
	})
	resp, err := c.Do(t.Context(), &h1.Request{Method: "POST", Path: "/", Body: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(resp, make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	resp.Close(false)
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Error("the server still has its connection")
	}
}
