package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/blob"
)

// everywhere runs a test on every kind of store that needs no provider.
func everywhere(t *testing.T, test func(t *testing.T, s *blob.Store)) {
	for _, url := range []string{"mem://", "file://" + t.TempDir() + "/made"} {
		scheme, _, _ := strings.Cut(url, ":")
		t.Run(scheme, func(t *testing.T) { test(t, open(t, url)) })
	}
}

func open(t *testing.T, url string) *blob.Store {
	t.Helper()
	s, err := blob.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func put(t *testing.T, s *blob.Store, key, text string) {
	t.Helper()
	if err := s.Put(t.Context(), key, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
}

func keys(t *testing.T, s *blob.Store, prefix string) (out []string) {
	t.Helper()
	for o, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s=%d", o.Key, o.Bytes))
	}
	slices.Sort(out)
	return out
}

func TestWhatIsPutIsThere(t *testing.T) {
	everywhere(t, func(t *testing.T, s *blob.Store) {
		put(t, s, "a/b/one", "first")
		put(t, s, "a/b/one", "hello world")
		put(t, s, "a/two", "2")
		put(t, s, "ab/three", "333")
		if got := keys(t, s, "a/"); !slices.Equal(got, []string{"a/b/one=11", "a/two=1"}) {
			t.Error("listed", got)
		}
		if got := keys(t, s, ""); len(got) != 3 {
			t.Error("listed", got)
		}
		if got := keys(t, s, "none/"); len(got) != 0 {
			t.Error("listed", got)
		}
		data, err := s.Bytes(t.Context(), "a/b/one", 11)
		if err != nil || string(data) != "hello world" {
			t.Errorf("%q %v", data, err)
		}
		if _, err := s.Bytes(t.Context(), "a/b/one", 10); err == nil || !strings.Contains(err.Error(), "more than the 10 bytes") {
			t.Error("an object above the limit was read:", err)
		}
		r, size, err := s.ReaderAt(t.Context(), "a/b/one")
		if err != nil || size != 11 {
			t.Fatal(size, err)
		}
		defer r.Close()
		piece := make([]byte, 8)
		if n, err := r.ReadAt(piece, 6); n != 5 || err != io.EOF || string(piece[:n]) != "world" {
			t.Errorf("%q %v", piece[:n], err)
		}
		for range 2 { // the second finds nothing, which is what was wanted
			if err := s.Delete(t.Context(), "a/two"); err != nil {
				t.Error(err)
			}
		}
		for _, key := range []string{"a/two", "a/b", "a"} {
			_, err := s.Get(t.Context(), key)
			if _, stat := s.Stat(t.Context(), key); !errors.Is(err, blob.ErrNotFound) || !errors.Is(stat, blob.ErrNotFound) {
				t.Errorf("%s: %v, %v", key, err, stat)
			}
		}
	})
}

func TestOneOfManyWritersWins(t *testing.T) {
	everywhere(t, func(t *testing.T, s *blob.Store) {
		for round := range 20 {
			var wins, losses atomic.Int32
			var wg sync.WaitGroup
			for w := range 8 {
				wg.Go(func() {
					err := s.PutIfAbsent(t.Context(), fmt.Sprintf("r/%d", round), strings.NewReader(strings.Repeat(fmt.Sprint(w), 4000)))
					switch {
					case err == nil:
						wins.Add(1)
					case errors.Is(err, blob.ErrExists):
						losses.Add(1)
					default:
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if wins.Load() != 1 || losses.Load() != 7 {
				t.Fatalf("round %d: %d won, %d lost", round, wins.Load(), losses.Load())
			}
			data, err := s.Bytes(t.Context(), fmt.Sprintf("r/%d", round), 4000)
			if err != nil || len(data) != 4000 || bytes.Count(data, data[:1]) != 4000 {
				t.Fatalf("round %d: the object is of no one writer: %d bytes, %v", round, len(data), err)
			}
		}
	})
}

// broken fails after some bytes, as a source does whose connection is cut.
type broken struct{ left int }

func (b *broken) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, errors.New("connection cut")
	}
	n := min(b.left, len(p))
	b.left -= n
	return n, nil
}

func TestHalfAnObjectIsNeverSeen(t *testing.T) {
	everywhere(t, func(t *testing.T, s *blob.Store) {
		put(t, s, "k/old", "old")
		for _, key := range []string{"k/new", "k/old"} {
			if err := s.Put(t.Context(), key, &broken{200_000}); err == nil || !strings.Contains(err.Error(), "connection cut") {
				t.Errorf("%s: %v", key, err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Put(ctx, "k/gone", &broken{200_000}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if got := keys(t, s, ""); !slices.Equal(got, []string{"k/old=3"}) {
			t.Error("there is", got)
		}
	})
}

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	put(t, s, "k/before", "x")
	blob.WritesTo(s, func(string) (*os.File, error) { return os.OpenFile("/dev/full", os.O_WRONLY, 0) })
	err := s.Put(t.Context(), "k/big", &broken{100_000})
	if !errors.Is(err, blob.ErrNoSpace) {
		t.Fatal(err)
	}
	for _, word := range []string{"k/big", dir, "free space", "nothing is kept"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%v: does not say %q", err, word)
		}
	}
	if got := keys(t, s, ""); !slices.Equal(got, []string{"k/before=1"}) {
		t.Error("there is", got)
	}
}

func TestWhatDeadWritersLeft(t *testing.T) {
	dir := t.TempDir()
	put(t, open(t, dir), "k/a", "a")
	for name, age := range map[string]time.Duration{"dead": 25 * time.Hour, "alive": time.Hour} {
		file := filepath.Join(dir, ".unfinished", name)
		if err := os.WriteFile(file, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, time.Now().Add(-age), time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if got := keys(t, open(t, dir), ""); !slices.Equal(got, []string{"k/a=1"}) {
		t.Error("unfinished objects are listed:", got)
	}
	left, err := os.ReadDir(filepath.Join(dir, ".unfinished"))
	if err != nil || len(left) != 1 || left[0].Name() != "alive" {
		t.Error("swept wrongly; left is", left, err)
	}
}

func TestDamageIsFound(t *testing.T) {
	everywhere(t, func(t *testing.T, s *blob.Store) {
		put(t, s, "k", "content")
		good := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte("content")))
		for digest, damaged := range map[string]bool{good: false, "sha256:" + strings.Repeat("0", 64): true} {
			r, err := s.Verified(t.Context(), "k", digest)
			if err != nil {
				t.Fatal(err)
			}
			_, err = io.Copy(io.Discard, r)
			var d *blob.DigestError
			if r.Close(); errors.As(err, &d) != damaged {
				t.Errorf("%s: %v", digest, err)
			}
		}
		if _, err := s.Verified(t.Context(), "k", "md5:00"); err == nil {
			t.Error("a digest of another kind was taken")
		}
	})
}
