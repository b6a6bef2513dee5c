package flow_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/embed"
	"github.com/leathq/leat/pkg/flow"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// A replica whose leases are another's stops in mid-work, and what is made shows nothing of it.
func TestALostLeaseStopsItsWorkAndDoesNotShow(t *testing.T) {
	t.Parallel() // it mostly waits
	s := newSite(t)
	want := s.dying(1, 0)

	s = newSite(t)
	leases, err := s.bus.Leases(t.Context(), bus.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	var lost atomic.Int64
	steal := sync.OnceFunc(func() {
		keys, err := leases.Keys(t.Context())
		if err != nil {
			t.Error(err)
		}
		for _, key := range keys {
			if strings.HasPrefix(key, "data.r.") {
				if _, err := leases.Put(t.Context(), key, []byte("somebody else")); err != nil {
					t.Error(err)
				}
			}
		}
	})
	var stolen atomic.Bool
	gate := func(ctx context.Context, p flow.Place, n uint64) error {
		if p.Partition.GetNumber() != 1 || n != 11 || stolen.Swap(true) {
			return nil
		}
		steal()
		select {
		case <-ctx.Done():
			lost.Add(1)
			return ctx.Err()
		case <-time.After(bus.LeaseTTL):
			return nil
		}
	}
	r := s.start([]flow.Source{&counting{partitions: 4, batches: 60}}, &keeping{kind: "keep", gate: gate}, &keeping{kind: "last"})
	if err := r.Start(t.Context(), threeStages("r"), "bulk"); err != nil {
		t.Fatal(err)
	}
	await(t, r, "r", "complete", ended(datav1.Outcome_OUTCOME_COMPLETE))
	if lost.Load() == 0 {
		t.Error("whoever lost the lease went on for as long as it lives")
	}
	if got := fingerprint(r, "r"); got != want {
		t.Errorf("made\n%s\nwant\n%s", got, want)
	}
}

// A NATS server that stops in the middle of a run and comes again with what it had on its disk costs nothing but time.
func TestARunOutlivesItsNATSServer(t *testing.T) {
	t.Parallel() // it mostly waits
	s := newSite(t)
	want := s.dying(1, 0)

	cfg := embed.Config{Listen: "127.0.0.1:0", Dir: t.TempDir(), Sync: time.Minute}
	srv, err := embed.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Listen = strings.TrimPrefix(srv.URL(), "nats://")
	s = newSiteOn(t, srv)
	t.Cleanup(func() { s.nats.Stop() })
	reached := make(chan int, 4)
	var seen atomic.Int64
	gate := func(context.Context, flow.Place, uint64) error {
		if n := seen.Add(1); n == 20 || n == 90 || n == 170 {
			reached <- int(n)
		}
		return nil
	}
	r := s.start([]flow.Source{&counting{partitions: 4, batches: 60}}, &keeping{kind: "keep", gate: gate}, &keeping{kind: "last"})
	if err := r.Start(t.Context(), threeStages("r"), "bulk"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		select {
		case <-reached:
		case <-time.After(time.Minute):
			t.Fatal("the run does not go on")
		}
		s.nats.Stop()
		if s.nats, err = embed.Start(cfg); err != nil {
			t.Fatal(err)
		}
	}
	await(t, r, "r", "complete", ended(datav1.Outcome_OUTCOME_COMPLETE))
	if got := fingerprint(r, "r"); got != want {
		t.Errorf("made\n%s\nwant\n%s", got, want)
	}
}

// stolen is a source whose lease is taken after two batches, which are all of it. Who opens it after that waits.
type stolen struct {
	counting
	steal  func()
	opened atomic.Bool
	closed chan struct{}
}

func (s *stolen) Open(ctx context.Context, p flow.Place, cursor json.RawMessage) (flow.Stream, error) {
	if s.opened.Swap(true) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	in, err := s.counting.Open(ctx, p, cursor)
	return &stolenRows{in, s}, err
}

type stolenRows struct {
	flow.Stream
	s *stolen
}

func (r *stolenRows) Next(ctx context.Context) (*flow.Chunk, error) {
	c, err := r.Stream.Next(ctx)
	if err != nil { // the end; it says nothing of the lease
		r.s.steal()
		<-ctx.Done()
	}
	return c, err
}

func (r *stolenRows) Close() error {
	close(r.s.closed)
	return r.Stream.Close()
}

// Who has lost its lease closes no partition, although it has read all of it.
func TestWhoLostItsLeaseClosesNothing(t *testing.T) {
	t.Parallel() // it mostly waits
	s := newSite(t)
	leases, err := s.bus.Leases(t.Context(), bus.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	src := &stolen{counting: counting{partitions: 1, batches: 2}, closed: make(chan struct{}), steal: func() {
		if _, err := leases.Put(t.Context(), "data.r.in.0", []byte("somebody else")); err != nil {
			t.Error(err)
		}
	}}
	r := s.start([]flow.Source{src})
	if err := r.Start(t.Context(), twoStages("r"), "bulk"); err != nil {
		t.Fatal(err)
	}
	<-src.closed
	bulk, err := jetstream.New(s.bus.Conn(bus.Bulk))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bulk.Publish(t.Context(), "data.other.in.0", nil); err != nil { // behind whatever it sent
		t.Fatal(err)
	}
	if n := s.data().State.Msgs; n != 2 {
		t.Errorf("%d messages are on DATA; want the two batches", n)
	}
	r.Look("r", func(st *flow.State) {
		if st.Done("in", 0) != nil {
			t.Error("the partition is said to be done")
		}
	})
}
