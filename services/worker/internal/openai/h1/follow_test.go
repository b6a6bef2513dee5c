//go:build linux && !386 && !s390x

package h1_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/leathq/leat/services/worker/internal/openai/h1"
)

const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

// follow reads a body in steps to its end; stepped, where given, is called after each step.
func follow(ctx context.Context, resp *h1.Response, stepped func()) (body string, err error) {
	var end error
	buf := make([]byte, 16)
	ok, err := resp.Follow(ctx, func() bool {
		if stepped != nil {
			defer stepped()
		}
		for {
			n, err := resp.Read(buf)
			body += string(buf[:n])
			if errors.Is(err, h1.ErrAgain) {
				return true
			}
			if err != nil {
				end = err
				return false
			}
		}
	})
	switch {
	case !ok:
		return body, errors.New("not followed")
	case err != nil:
		return body, err
	case end != io.EOF:
		return body, end
	}
	return body, nil
}

// Wherever the network cuts an answer, its steps read the same, and the connection is kept.
func TestAFollowedAnswerMayComeByteByByte(t *testing.T) {
	const answer = "5\r\nhello\r\n1;x=y\r\n \r\n5\r\nworld\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n"
	stepped := make(chan struct{}, 1)
	c, accepted := serve(t, func(conn net.Conn, _ int) {
		for {
			if _, _, err := request(conn); err != nil {
				return
			}
			_, _ = io.WriteString(conn, chunked)
			for i := range len(answer) {
				<-stepped
				_, _ = io.WriteString(conn, answer[i:i+1])
			}
		}
	})
	t.Cleanup(c.Close)
	for range 3 {
		resp, err := c.Do(t.Context(), &h1.Request{Method: "GET", Path: "/"})
		if err != nil {
			t.Fatal(err)
		}
		steps := 0
		body, err := follow(t.Context(), resp, func() {
			if steps++; steps <= len(answer) { // the last byte's step is the end
				stepped <- struct{}{}
			}
		})
		if body != "hello world" || err != nil || steps != len(answer)+1 {
			t.Fatalf("%q after %d steps: %v", body, steps, err)
		}
		resp.Close(false)
	}
	if n := accepted.Load(); n != 1 {
		t.Errorf("%d connections for three answers", n)
	}
}

func TestManyAnswersAreFollowedAtOnce(t *testing.T) {
	const streams, pieces = 300, 50
	begin := make(chan struct{})
	c, _ := serve(t, func(conn net.Conn, n int) {
		if _, _, err := request(conn); err != nil {
			return
		}
		_, _ = io.WriteString(conn, chunked)
		<-begin
		for i := range pieces {
			piece := fmt.Sprintf("%d.%d;", n, i)
			_, _ = fmt.Fprintf(conn, "%x\r\n%s\r\n", len(piece), piece)
		}
		if n%2 == 0 { // one half ends well, the other is cut
			_, _ = io.WriteString(conn, "0\r\n\r\n")
		}
	})
	t.Cleanup(c.Close)
	var all, ready sync.WaitGroup
	ready.Add(streams)
	for range streams {
		all.Go(func() {
			resp, err := c.Do(t.Context(), &h1.Request{Method: "GET", Path: "/"})
			ready.Done()
			if err != nil {
				t.Error(err)
				return
			}
			body, err := follow(t.Context(), resp, nil)
			resp.Close(false)
			var n int
			if _, serr := fmt.Sscanf(body, "%d.", &n); serr != nil {
				t.Errorf("%q: %v", body, err)
				return
			}
			var want strings.Builder
			for i := range pieces {
				fmt.Fprintf(&want, "%d.%d;", n, i)
			}
			if body != want.String() || (n%2 == 0) != (err == nil) || err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("stream %d: %v, %q", n, err, body)
			}
		})
	}
	ready.Wait()
	close(begin)
	all.Wait()
}

func TestTheEndOfTheContextEndsFollowingAndTheConnection(t *testing.T) {
	gone := make(chan error, 1)
	c, _ := serve(t, func(conn net.Conn, _ int) {
		if _, _, err := request(conn); err != nil {
			return
		}
		_, _ = io.WriteString(conn, chunked+"1\r\nx\r\n")
		_, err := conn.Read(make([]byte, 1))
		gone <- err
	})
	t.Cleanup(c.Close)
	ctx, cancel := context.WithCancelCause(t.Context())
	resp, err := c.Do(ctx, &h1.Request{Method: "GET", Path: "/"})
	if err != nil {
		t.Fatal(err)
	}
	why := errors.New("enough")
	body, err := follow(ctx, resp, func() { cancel(why) })
	resp.Close(false)
	if !errors.Is(err, why) {
		t.Errorf("%q, %v", body, err)
	}
	if err := <-gone; err == nil {
		t.Error("the server's connection is open")
	}
}
