package sleepers_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/sleepers"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// ear notes what it hears.
type ear struct {
	mu    sync.Mutex
	words []string
}

func (e *ear) say(format string, a ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.words = append(e.words, fmt.Sprintf(format, a...))
}

func (e *ear) Kept(pool string, d *inferv1.Description) {
	e.say("%s:%s", pool, d.GetDigest())
}

func (e *ear) Loaded() { e.say("loaded") }

// expect waits until exactly these words, in any order, have been heard since it was called last.
func (e *ear) expect(t *testing.T, want ...string) {
	t.Helper()
	slices.Sort(want)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); ; <-tick.C {
		e.mu.Lock()
		got := slices.Sorted(slices.Values(e.words))
		if slices.Equal(got, want) {
			e.words = nil
			e.mu.Unlock()
			return
		}
		e.mu.Unlock()
		if time.Now().After(end) {
			t.Fatalf("heard %q, want %q", got, want)
		}
	}
}

func serves(pool, digest string) *inferv1.Description {
	return &inferv1.Description{Pool: pool, Digest: digest, Models: []*inferv1.Model{{Name: "m"}}}
}

// Who watches hears what was kept before, what is kept, written anew and forgotten since, and nothing of what cannot be read.
func TestAWatchHearsWhatIsKept(t *testing.T) {
	s := bustest.Start(t)
	b := bustest.Connect(t, s, bus.Options{Name: "a"})
	store := sleepers.New(b, bus.DefaultConfig())
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	watch := func(made bool) (*ear, <-chan struct{}) {
		e, done := &ear{}, make(chan struct{})
		ctx, stop := context.WithCancel(t.Context())
		go func() {
			defer close(done)
			store.Watch(ctx, made, slog.New(slog.DiscardHandler), e)
		}()
		t.Cleanup(func() {
			stop()
			<-done
		})
		return e, done
	}
	none, done := watch(false)
	<-done // there is no bucket, and it is not to be made
	none.expect(t)
	must(store.Keep(t.Context(), serves("old", "1")))
	kv, err := b.JetStream().KeyValue(t.Context(), sleepers.Bucket)
	must(err)
	_, err = kv.Put(t.Context(), "bad", []byte("\xff"))
	must(err)
	_, err = kv.Put(t.Context(), "nameless", nil)
	must(err)
	e, _ := watch(true)
	e.expect(t, "old:1", "bad:", "nameless:", "loaded")
	must(store.Keep(t.Context(), serves("new", "1")))
	must(store.Keep(t.Context(), serves("old", "2")))
	e.expect(t, "new:1", "old:2")
	must(store.Forget(t.Context(), "old"))
	e.expect(t, "old:")
}
