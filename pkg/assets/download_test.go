package assets_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/assets"
)

// flaky serves one file and cuts every answer after a number of bytes, the last one excepted.
type flaky struct {
	body   []byte
	cutAt  int  // bytes per answer; 0 serves all
	ranges bool // whether it understands Range
	mu     sync.Mutex
	seen   []string // Range headers
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.seen = append(f.seen, r.Header.Get("Range"))
	f.mu.Unlock()
	from := 0
	if rng := r.Header.Get("Range"); rng != "" && f.ranges {
		fmt.Sscanf(rng, "bytes=%d-", &from)
		if from >= len(f.body) {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", len(f.body)))
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return
		}
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(f.body)-1, len(f.body)))
		w.Header().Set("Content-Length", fmt.Sprint(len(f.body)-from))
		w.WriteHeader(http.StatusPartialContent)
	} else {
		w.Header().Set("Content-Length", fmt.Sprint(len(f.body)))
	}
	rest := f.body[from:]
	if f.cutAt > 0 && len(rest) > f.cutAt {
		_, _ = w.Write(rest[:f.cutAt])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler) // cuts the connection
	}
	_, _ = w.Write(rest)
}

func random(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(b)
	return b
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	s.Config.ErrorLog = nil
	t.Cleanup(s.Close)
	return s.URL
}

// However often the line breaks, the file arrives whole and no byte is fetched twice.
func TestDownloadResumesACutLine(t *testing.T) {
	body := random(1 << 20)
	srv := &flaky{body: body, cutAt: 300_000, ranges: true}
	path := filepath.Join(t.TempDir(), "file")
	if err := assets.Download(t.Context(), serve(t, srv), path, sum(body), int64(len(body))); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(path)
	if !bytes.Equal(got, body) {
		t.Fatalf("the file differs: %d bytes", len(got))
	}
	if len(srv.seen) < 4 || srv.seen[0] != "" {
		t.Fatalf("requests: %q", srv.seen)
	}
	for _, r := range srv.seen[1:] {
		if !strings.HasPrefix(r, "bytes=") || r == "bytes=0-" {
			t.Fatalf("a repeated request starts again: %q", srv.seen)
		}
	}
}

// A server without ranges is asked for the whole file again, and the result is still right.
func TestDownloadStartsAgainWhereRangesAreUnknown(t *testing.T) {
	body := random(100_000)
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path+".part", random(60_000), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := assets.Download(t.Context(), serve(t, &flaky{body: body}), path, sum(body), int64(len(body))); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); !bytes.Equal(got, body) {
		t.Fatal("the file differs")
	}
}

// After Ctrl-C the next run goes on at the byte where the first one stopped.
func TestDownloadGoesOnAfterAnInterrupt(t *testing.T) {
	body := random(400_000)
	stalled := make(chan struct{})
	var once sync.Once
	first := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		_, _ = w.Write(body[:150_000])
		w.(http.Flusher).Flush()
		once.Do(func() { close(stalled) })
		<-r.Context().Done()
	})
	path := filepath.Join(t.TempDir(), "file")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-stalled
		waitForSize(t, path+".part", 150_000)
		cancel()
	}()
	err := assets.Download(ctx, serve(t, first), path, sum(body), int64(len(body)))
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), ".part") {
		t.Fatalf("interrupted: %v", err)
	}
	srv := &flaky{body: body, ranges: true}
	if err := assets.Download(t.Context(), serve(t, srv), path, sum(body), int64(len(body))); err != nil {
		t.Fatal(err)
	}
	if len(srv.seen) != 1 || srv.seen[0] != "bytes=150000-" {
		t.Fatalf("the second run asked for %q", srv.seen)
	}
}

func waitForSize(t *testing.T, path string, want int64) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		if info, err := os.Stat(path); err == nil && info.Size() >= want {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("%s never had %d bytes", path, want)
			return
		}
		<-time.After(time.Millisecond)
	}
}

// A server that stands still is cut by the idle time-out and asked again.
func TestDownloadCutsAServerThatStandsStill(t *testing.T) {
	body := random(50_000)
	whole := &flaky{body: body, ranges: true}
	n := 0
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n++; n > 1 {
			whole.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		_, _ = w.Write(body[:10_000])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	path := filepath.Join(t.TempDir(), "file")
	if err := assets.DownloadIdle(t.Context(), url, path, sum(body), int64(len(body)), time.Second); err != nil {
		t.Fatal(err)
	}
}

// What must not end as a file in the cache, and what is left on disk after it.
func TestDownloadRefusals(t *testing.T) {
	body := random(20_000)
	for _, tc := range []struct {
		name   string
		srv    http.Handler
		part   []byte // what an earlier run left
		sum    string
		limit  int64
		says   string
		keeps  bool // the part file
		digest bool
	}{
		{name: "other bytes", srv: &flaky{body: random(20_001)[1:]}, sum: sum(body), says: "not the pinned file", digest: true},
		{name: "too long", srv: &flaky{body: body}, sum: sum(body), limit: 10_000, says: "longer"},
		{name: "gone", srv: http.NotFoundHandler(), sum: sum(body), says: "404"},
		{name: "gone later", srv: http.NotFoundHandler(), part: body[:100], sum: sum(body), says: "404", keeps: true},
		{name: "always cut", srv: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }),
			part: body[:100], sum: sum(body), says: "gave up after 5 tries", keeps: true},
		{name: "server error", srv: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }),
			sum: sum(body), says: "502"},
		{name: "another range", srv: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", "bytes 7-9/10")
			w.WriteHeader(http.StatusPartialContent)
		}), part: body[:100], sum: sum(body), says: "bytes 7-9/10", keeps: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			if tc.part != nil {
				if err := os.WriteFile(path+".part", tc.part, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			err := assets.Download(t.Context(), serve(t, tc.srv), path, tc.sum, tc.limit)
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Fatalf("error %v, want one that says %q", err, tc.says)
			}
			var wrong *assets.DigestError
			if errors.As(err, &wrong) != tc.digest {
				t.Fatalf("digest error: %v", err)
			}
			if _, err := os.Stat(path); err == nil {
				t.Fatal("a file is in place")
			}
			if _, err := os.Stat(path + ".part"); (err == nil) != tc.keeps {
				t.Fatalf("part file kept: %v, want %v", err == nil, tc.keeps)
			}
		})
	}
}

// A damaged part file costs a second download, not a failed run.
func TestDownloadRecoversFromADamagedPart(t *testing.T) {
	body := random(80_000)
	for name, part := range map[string][]byte{
		"other bytes":    bytes.Repeat([]byte{7}, 30_000),
		"whole":          body,
		"whole, damaged": bytes.Repeat([]byte{7}, len(body)),
		"too long":       append(bytes.Clone(body), 1, 2, 3),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(path+".part", part, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := assets.Download(t.Context(), serve(t, &flaky{body: body, ranges: true}), path, sum(body), int64(len(body))); err != nil {
				t.Fatal(err)
			}
			if got, _ := os.ReadFile(path); !bytes.Equal(got, body) {
				t.Fatal("the file differs")
			}
		})
	}
}

// A full disk is named as such, with the way out.
func TestDownloadSaysThatTheDiskIsFull(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Log("this system has no /dev/full to write to")
		return
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := os.Symlink("/dev/full", path+".part"); err != nil {
		t.Fatal(err)
	}
	err := assets.Download(t.Context(), serve(t, &flaky{body: random(1000)}), path, "", 0)
	if err == nil || !strings.Contains(err.Error(), "is full") || !strings.Contains(err.Error(), "LEAT_CACHE") {
		t.Fatalf("error: %v", err)
	}
}

// Without a network the error names the host and the usual reason.
func TestDownloadWithoutANetwork(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	url := s.URL
	s.Close()
	err := assets.Download(t.Context(), url, filepath.Join(t.TempDir(), "file"), "", 0)
	if err == nil || !strings.Contains(err.Error(), "is there a network") {
		t.Fatalf("error: %v", err)
	}
}
