package flow_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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
		<-reached
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
