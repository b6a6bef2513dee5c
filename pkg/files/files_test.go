package files_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/files"
)

func open(t *testing.T, cfg files.Config) (*files.Store, *bus.Bus) {
	t.Helper()
	b := bustest.Connect(t, bustest.Start(t), bus.Options{})
	return files.New(b, cfg), b
}

func put(t *testing.T, s *files.Store, tenant, name, content string, expires time.Time) files.File {
	t.Helper()
	u, err := s.Put(t.Context(), tenant, name, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	f, err := u.Commit(t.Context(), "batch", expires)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestAFileComesBackAsItWasAndOnlyToItsTenant(t *testing.T) {
	s, _ := open(t, files.Config{})
	content := bytes.Repeat([]byte("0123456789abcdef"), 40<<10) // several chunks
	u, err := s.Put(t.Context(), "a", "in.jsonl", iotest.OneByteReader(bytes.NewReader(content[:100_000])))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "a", u.File().ID); !errors.Is(err, files.ErrNotFound) {
		t.Errorf("before its commit: %v, want it not to be there", err)
	}
	f, err := u.Commit(t.Context(), "batch", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	big := put(t, s, "a", "big", string(content), time.Now().Add(time.Hour))
	other := put(t, s, "b", "other", "", time.Time{})

	got, r, err := s.Open(t.Context(), "a", f.ID)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(data, content[:100_000]) {
		t.Errorf("%d bytes came back: %v", len(data), err)
	}
	if got != f || f.Name != "in.jsonl" || f.Purpose != "batch" || f.Bytes != 100_000 || f.Created.IsZero() || !f.Expires.IsZero() {
		t.Errorf("got %+v, want %+v", got, f)
	}
	list, err := s.List(t.Context(), "a")
	if err != nil || len(list) != 2 || list[0] != big && list[1] != big {
		t.Errorf("list %+v: %v", list, err)
	}
	for _, id := range []string{other.ID, "file-none"} {
		if _, _, err := s.Open(t.Context(), "a", id); !errors.Is(err, files.ErrNotFound) {
			t.Errorf("open %s: %v", id, err)
		}
		if err := s.Delete(t.Context(), "a", id); !errors.Is(err, files.ErrNotFound) {
			t.Errorf("delete %s: %v", id, err)
		}
	}
	if err := s.Delete(t.Context(), "a", f.ID); err != nil {
		t.Error(err)
	}
	if _, err := s.Get(t.Context(), "a", f.ID); !errors.Is(err, files.ErrNotFound) {
		t.Errorf("after its deletion: %v", err)
	}
}

// A reader that fails, or whose client leaves, leaves no bytes behind.
func TestAnUploadThatFailsLeavesNothing(t *testing.T) {
	s, b := open(t, files.Config{})
	put(t, s, "a", "kept", "x", time.Time{})
	before := stored(t, b)
	broken := errors.New("line cut")
	if _, err := s.Put(t.Context(), "a", "f", io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("put: %v, want the reader's error", err)
	}
	ctx, leave := context.WithCancel(t.Context())
	leaving := readerFunc(func(p []byte) (int, error) { leave(); return len(p), nil })
	if _, err := s.Put(ctx, "a", "f", io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), leaving)); !errors.Is(err, context.Canceled) {
		t.Errorf("put: %v, want %v", err, context.Canceled)
	}
	u, err := s.Put(t.Context(), "a", "f", bytes.NewReader(make([]byte, 1<<20)))
	if err != nil {
		t.Fatal(err)
	}
	if err := u.Abort(t.Context()); err != nil {
		t.Error(err)
	}
	if after := stored(t, b); after > before+4096 {
		t.Errorf("%d bytes in the store, %d before", after, before)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func stored(t *testing.T, b *bus.Bus) uint64 {
	t.Helper()
	st, err := b.JetStream().Stream(t.Context(), "OBJ_"+files.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	info, err := st.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return info.State.Bytes
}

func TestTheSweepTakesWhatIsOverAndWhatWritersLeft(t *testing.T) {
	s, b := open(t, files.Config{})
	now := time.Now()
	over, later := put(t, s, "a", "over", "x", now.Add(time.Minute)), put(t, s, "a", "later", "y", now.Add(3*time.Hour))
	u, err := s.Put(t.Context(), "a", "never committed", strings.NewReader("z"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.JetStream().Publish(t.Context(), "$O."+files.Bucket+".C.writerthatdied", []byte("chunk")); err != nil {
		t.Fatal(err)
	}
	if e, r, err := s.Sweep(t.Context(), now); e != 0 || r != 0 || err != nil {
		t.Errorf("at once: %d, %d, %v", e, r, err)
	}
	if e, r, err := s.Sweep(t.Context(), now.Add(2*time.Hour)); e != 1 || r != 2 || err != nil {
		t.Errorf("later: %d expired and %d remains, want 1 and 2: %v", e, r, err)
	}
	if _, err := s.Get(t.Context(), "a", later.ID); err != nil {
		t.Errorf("the one that stays: %v", err)
	}
	for _, id := range []string{over.ID, u.File().ID} {
		if err := s.Delete(t.Context(), "a", id); !errors.Is(err, files.ErrNotFound) {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestAFullStoreSaysSoAndALostOneIsMadeAnew(t *testing.T) {
	s, b := open(t, files.Config{MaxBytes: 1 << 20})
	put(t, s, "a", "small", "x", time.Time{})
	if _, err := s.Put(t.Context(), "a", "huge", bytes.NewReader(make([]byte, 2<<20))); !errors.Is(err, files.ErrFull) {
		t.Errorf("put: %v, want %v", err, files.ErrFull)
	}
	if err := b.JetStream().DeleteObjectStore(t.Context(), files.Bucket); err != nil && !errors.Is(err, jetstream.ErrBucketNotFound) {
		t.Fatal(err)
	}
	put(t, s, "a", "small", "x", time.Time{})
	if l, err := s.List(t.Context(), "a"); err != nil || len(l) != 1 {
		t.Errorf("list %v: %v", l, err)
	}
}
