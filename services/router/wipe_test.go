package router_test

import (
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/bus/embed"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// NATS comes back without its data. The router has a bucket again, and is the owner above the epochs of before.
func TestNATSMayLoseTheLeases(t *testing.T) {
	cfg := embed.Config{Listen: "127.0.0.1:0", Dir: t.TempDir(), Sync: time.Minute}
	s, err := embed.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Listen = strings.TrimPrefix(s.URL(), "nats://")
	r, _, stop1 := start(t, s, "rt-1")
	w, g := join(t, s, "w-1"), edge(t, s, "gw-1")
	first := g.takeover()
	_, _, stop2 := start(t, s, "rt-2")
	s.Stop()
	eventually(t, "the router notices", func() bool { return r.Ready() != nil })
	cfg.Dir = t.TempDir()
	if s, err = embed.Start(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	eventually(t, "the router is back", func() bool { return r.Ready() == nil })
	again, since := first, time.Now()
	eventually(t, "one of them is the owner for longer than a lease lasts", func() bool {
		if o := g.takeover(); o.GetRouter() != again.GetRouter() || o.GetEpoch() != again.GetEpoch() {
			if o.GetEpoch() == again.GetEpoch() {
				t.Fatalf("two owners with one epoch: %v and %v", o, again)
			}
			again, since = &inferv1.Owner{Router: o.GetRouter(), Epoch: o.GetEpoch()}, time.Now()
		}
		return time.Since(since) > 4*time.Second
	})
	if again.GetEpoch() < first.GetEpoch() {
		t.Fatalf("owner %v, before the loss %v", again, first)
	}
	submitted := func() {
		t.Helper()
		eventually(t, "a sequence is dispatched", func() bool {
			g.submit(1) // repeated submissions of one attempt are one
			return len(w.got) > 0
		})
		w.end(w.next(), done)
	}
	submitted()
	stop := map[string]func(){"rt-1": stop1, "rt-2": stop2}[again.GetRouter()]
	stop()
	next := &inferv1.Owner{}
	eventually(t, "the standby owns it", func() bool { next = g.takeover(); return next.GetRouter() != again.GetRouter() })
	if next.GetEpoch() <= again.GetEpoch() {
		t.Fatalf("owner %v after %v", next, again)
	}
	submitted()
}
