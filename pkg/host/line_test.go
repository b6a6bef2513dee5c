package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"strings"
	"testing"
	"time"
)

func TestAChunkIsWhatChunkedReadersRead(t *testing.T) {
	for _, n := range []int{1, 9, 15, 16, 255, 256, 4095, 65536, 1 << 20} {
		data := bytes.Repeat([]byte("x"), n)
		chunk := Chunk(append(make([]byte, ChunkRoom), data...))
		got, err := io.ReadAll(httputil.NewChunkedReader(io.MultiReader(bytes.NewReader(chunk), strings.NewReader("0\r\n\r\n"))))
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: read %d of them, %v", n, len(got), err)
		}
	}
}

// serve answers every request with what write does and returns the server's address.
func serve(t *testing.T, write func(w http.ResponseWriter, r *http.Request)) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(write))
	s.Config.ConnContext = withLine
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

func TestChunksWrittenToTheLineAreThePartsOfOneAnswer(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "begin,")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		l := LineOf(r)
		for i := range 100 {
			c := Chunk(fmt.Appendf(make([]byte, ChunkRoom), "%d,", i))
			if n, err := l.Try(c); n < len(c) || err != nil {
				t.Errorf("%d of %d bytes: %v", n, len(c), err)
			}
		}
		fmt.Fprint(w, "end")
	})
	for range 2 { // the second on the same connection
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if s := string(body); err != nil || !strings.HasPrefix(s, "begin,0,1,2,") || !strings.HasSuffix(s, ",99,end") || strings.Count(s, ",") != 101 {
			t.Fatalf("%q, %v", body, err)
		}
	}
}

// A client that reads nothing: Try takes what fits and returns, Write waits until its time and says how far it came, and
// what is written on from there arrives whole.
func TestALineNeverWaitsUnlessAsked(t *testing.T) {
	const size = 32 << 20 // more than both kernels buffer
	read := make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		l, c := LineOf(r), Chunk(make([]byte, ChunkRoom+size))
		n, err := l.Try(c)
		if n == len(c) || err != nil {
			t.Errorf("tried: %d bytes of %d, %v", n, len(c), err)
		}
		m, err := l.Write(c[n:], time.Now().Add(20*time.Millisecond))
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a late write: %v", err)
		}
		close(read)
		if _, err := l.Write(c[n+m:], time.Now().Add(time.Minute)); err != nil {
			t.Errorf("the rest: %v", err)
		}
		if n, err := l.Try(Chunk(append(make([]byte, ChunkRoom), 'x'))); n == 0 || err != nil {
			t.Errorf("after all was read: %d, %v", n, err)
		}
	})
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	<-read
	if n, err := io.Copy(io.Discard, resp.Body); n != size+1 || err != nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

func TestOnlyAnAnswerThatMayBeChunkedHasALine(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if newLine(a) != nil {
		t.Error("a pipe has a line")
	}
	ctx := context.WithValue(t.Context(), lineKey{}, &Line{})
	for _, c := range []struct {
		method       string
		major, minor int
		want         bool
	}{{"POST", 1, 1, true}, {"HEAD", 1, 1, false}, {"POST", 1, 0, false}, {"POST", 2, 0, false}} {
		r := httptest.NewRequestWithContext(ctx, c.method, "/", nil)
		r.ProtoMajor, r.ProtoMinor = c.major, c.minor
		if got := LineOf(r) != nil; got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
