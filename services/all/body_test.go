package all_test

import (
	"bufio"
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

// upload announces a body, sends some of it, and reads the answer.
func (f *fleet) upload(t *testing.T, announced int, sent string, headers ...string) (int, string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	head := strings.Join(append(headers, ""), "\r\n")
	fmt.Fprintf(conn, "POST /v1/completions HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n%s", head, announced, sent)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// A client that stops in the middle of its body, or before it, is answered and let go.
func TestAStalledUploadEnds(t *testing.T) {
	t.Parallel()
	f := start(t, pool.Timeouts{}, func(c *gateway.Config) { c.BodyTimeout = time.Second })
	for _, c := range []struct {
		name, sent string
		headers    []string
		status     int
		code       string
	}{
		{"before its first byte", "", nil, 408, "body_timeout"},
		{"after some", `{"model":"sim",` + strings.Repeat(" ", 100_000), nil, 408, "body_timeout"},
		{"until its own time is over", `{"model":"sim",` + strings.Repeat(" ", 100_000), []string{"X-Leat-Timeout: 100ms"}, 504, "total_timeout"},
	} {
		t.Run(c.name, func(t *testing.T) {
			begun := time.Now()
			status, body := f.upload(t, 31<<20, c.sent, c.headers...)
			if status != c.status || !strings.Contains(body, c.code) {
				t.Errorf("%d %s, want %d and %s", status, body, c.status, c.code)
			}
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

// A time-out of the body is none of the answer: a stream may last longer, on a connection that is used again.
func TestTheTimeForABodyEndsWithIt(t *testing.T) {
	t.Parallel()
	f := start(t, pool.Timeouts{}, func(c *gateway.Config) { c.BodyTimeout = time.Second })
	body := `{"model":"sim","stream":true,"ignore_eos":true,"max_tokens":180,"prompt":"x"}`
	for range 2 {
		begun := time.Now()
		resp, err := http.Post(f.url+"/v1/completions", "application/json", struct{ io.Reader }{strings.NewReader(body)})
		if err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if took := time.Since(begun); err != nil || !strings.Contains(string(all), "[DONE]") || took < 1200*time.Millisecond {
			t.Errorf("after %s: %v, %.200s", took, err, all)
		}
	}
}
