package router_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/bus/embed"
	"github.com/leathq/leat/pkg/events"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	routerv1 "github.com/leathq/leat/proto/gen/leat/router/v1"
)

// Of three crashes, a stalled machine may own one.
func TestAStandbyTakesOverWithin500msOfACrash(t *testing.T) {
	var took []time.Duration
	for range 3 {
		took = append(took, crashAndTakeover(t))
	}
	t.Logf("takeovers, submission to dispatch: %v", took)
	if slices.Sort(took); took[1] > 500*time.Millisecond {
		t.Fatalf("takeovers took %v", took)
	}
}

func crashAndTakeover(t *testing.T) time.Duration {
	t.Helper()
	s := bustest.Start(t)
	_, crashing, _ := start(t, s, "rt-1")
	w, g := join(t, s, "w-1"), edge(t, s, "gw-1")
	first := g.takeover()
	start(t, s, "rt-2")
	g.submit(1)
	w.end(w.next(), done)

	crash(t, crashing)
	begin := time.Now()
	eventually(t, "the bus refuses what is sent to a dead owner", func() bool {
		g.submit(2) // until the server has noticed
		return len(g.nobody) > 0
	})
	second := g.takeover()
	g.submit(2)
	d := w.next()
	took := time.Since(begin)
	if second.GetRouter() != "rt-2" || second.GetEpoch() <= first.GetEpoch() || d.GetEpoch() != second.GetEpoch() {
		t.Fatalf("owners %v, then %v, dispatch by %s with epoch %d", first, second, d.GetRouter(), d.GetEpoch())
	}
	return took
}

// crash cuts a router from the bus without a word, as kill -9 does.
func crash(t *testing.T, b interface{ Close(context.Context) error }) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // no time to flush
	_ = b.Close(ctx)
}

func TestACleanStopHandsOverAtOnce(t *testing.T) {
	s := bustest.Start(t)
	_, _, stop := start(t, s, "rt-1")
	w, g := join(t, s, "w-1"), edge(t, s, "gw-1")
	g.takeover()
	start(t, s, "rt-2")
	stop()
	begin := time.Now()
	owner := &inferv1.Owner{}
	eventually(t, "rt-2 owns it", func() bool { owner = g.takeover(); return owner.GetRouter() == "rt-2" })
	g.submit(1)
	w.next()
	if took := time.Since(begin); took > 2*time.Second { // the lease's end, without a hand-over, comes after three
		t.Fatalf("took %v", took)
	}
}

func TestALivingOwnerIsNotRobbed(t *testing.T) {
	s := bustest.Start(t)
	start(t, s, "rt-1")
	join(t, s, "w-1")
	g := edge(t, s, "gw-1")
	first := g.takeover()
	start(t, s, "rt-2")
	start(t, s, "rt-3")
	for range 20 {
		if again := g.takeover(); again.GetRouter() != first.GetRouter() || again.GetEpoch() != first.GetEpoch() {
			t.Fatalf("owner was %v, after a needless takeover %v", first, again)
		}
	}
}

func TestExactlyOneRouterOwnsAPartition(t *testing.T) {
	s := bustest.Start(t)
	for _, id := range []string{"rt-1", "rt-2", "rt-3"} {
		start(t, s, id)
	}
	w, g := join(t, s, "w-1"), edge(t, s, "gw-1")
	g.takeover()
	for seq := range uint64(50) {
		g.submit(seq)
		w.end(w.next(), done)
	}
	select {
	case d := <-w.got:
		t.Fatalf("a sequence was dispatched twice: %v", d)
	case <-time.After(300 * time.Millisecond):
	}
}

func TestAFencedRouterStopsActing(t *testing.T) {
	s := bustest.Start(t)
	r, _, _ := start(t, s, "rt-1")
	w, g := join(t, s, "w-1"), edge(t, s, "gw-1")
	g.takeover()
	g.submit(1)
	w.end(w.next(), inferv1.Verdict_VERDICT_FENCED)
	c := client(t, r)
	eventually(t, "it has given the partition up", func() bool { return owned(t, c) == "" })
	// Nobody else wants it here, so it claims it again, with a new epoch.
	eventually(t, "it owns it again", func() bool { return owned(t, c) == "rt-1" })
}

// The lease bucket is gone and its revisions began anew; workers and gateways remember the epochs of before.
func TestALostLeaseBucketCostsOneRefusal(t *testing.T) {
	s := bustest.Start(t)
	start(t, s, "rt-1")
	w, g := join(t, s, "w-1"), edge(t, s, "gw-1")
	w.knows = 1000
	if first := g.takeover(); first.GetEpoch() >= w.knows {
		t.Fatalf("a new bucket begins with epoch %d", first.GetEpoch())
	}
	refused := 0
	var accepted uint64
	eventually(t, "a dispatch is above the epoch that the worker knows", func() bool {
		g.submit(1) // as a gateway does that hears that it is unknown
		select {
		case d := <-w.got:
			if accepted = d.GetEpoch(); accepted <= w.knows {
				w.end(d, inferv1.Verdict_VERDICT_FENCED)
				refused++
				return false
			}
			w.end(d, done)
			return true
		default:
			return false
		}
	})
	if accepted != 1001 || refused > 5 { // one, and one more for a submission that arrives before it; by and by it would be 1000
		t.Fatalf("claimed with epoch %d after %d refusals", accepted, refused)
	}
	g.call(2, &inferv1.Call{Call: &inferv1.Call_Probe{Probe: &inferv1.Probe{Gateway: g.id, Epoch: 5000, Refs: []*inferv1.Ref{{Sequence: 2, Attempt: 1}}}}})
	eventually(t, "the owner's epoch is above the one that a gateway knows", func() bool { return g.takeover().GetEpoch() == 5001 })
	stop := time.Now().Add(700 * time.Millisecond) // a renewal lies between
	for time.Now().Before(stop) {
		if o := g.takeover(); o.GetEpoch() != 5001 {
			t.Fatalf("owner %v, its epoch was 5001", o)
		}
	}
	start(t, s, "rt-2") // it knows of it only what the entry says
	eventually(t, "the entry says it", func() bool { return g.takeover().GetEpoch() == 5001 })
}

// A gateway that counts more partitions than the routers finds an owner for each: most tenants would have none.
func TestAPartitionIsServedThoughTheRouterCountsFewer(t *testing.T) {
	s := bustest.Start(t)
	r, _, _ := start(t, s, "rt-1")
	w, g := join(t, s, "w-1"), edge(t, s, "gw-1")
	if o := g.takeoverOf("3"); o.GetRouter() != "rt-1" {
		t.Fatalf("owner %v of the fourth partition of one", o)
	}
	call := &inferv1.Call{Call: &inferv1.Call_Submit{Submit: &inferv1.Submit{Gateway: g.id, Sequence: 1, Attempt: 1, Tenant: "t"}}}
	if err := g.b.Publish(bus.Control, events.Infer.Name("m", "3"), "rep.gw-1.1", call); err != nil {
		t.Fatal(err)
	}
	if d := w.next(); d.GetPartition() != 3 {
		t.Fatalf("dispatch %v", d)
	}
	pools, err := client(t, r).ListPools(t.Context(), &routerv1.ListPoolsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if parts := pools.GetPools()[0].GetPartitions(); len(parts) != 2 || parts[1].GetNumber() != 3 || parts[1].GetOwner() != "rt-1" {
		t.Fatalf("partitions %v", parts)
	}
	if err := g.b.Publish(bus.Control, events.Takeovers.Name("m", "1024"), "", &inferv1.Takeover{Gateway: g.id}); err != nil {
		t.Fatal(err)
	}
	g.takeoverOf("3") // behind it
	if pools, err = client(t, r).ListPools(t.Context(), &routerv1.ListPoolsRequest{}); err != nil {
		t.Fatal(err)
	} else if n := len(pools.GetPools()[0].GetPartitions()); n != 2 {
		t.Fatalf("%d partitions after a number out of bounds", n)
	}
}

func TestAHangingOwnerIsReplacedWithinThreeSeconds(t *testing.T) {
	s := bustest.Start(t)
	b := bustest.Connect(t, s, bus.Options{Name: "ghost"})
	kv, err := b.Leases(t.Context(), bus.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	// The ghost listens, as a stopped process does, but neither answers nor renews.
	if _, err := b.Subscribe(bus.Control, events.Infer.Name("m", "0"), func(*nats.Msg) {}); err != nil {
		t.Fatal(err)
	}
	if err := b.Conn(bus.Control).Flush(); err != nil {
		t.Fatal(err)
	}
	old, err := kv.Create(t.Context(), events.PartitionLease("m", "0"), []byte(`{"router":"rt-ghost"}`))
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	start(t, s, "rt-1")
	w, g := join(t, s, "w-1"), edge(t, s, "gw-1")
	owner := &inferv1.Owner{}
	eventually(t, "rt-1 owns it", func() bool { owner = g.takeover(); return owner.GetRouter() == "rt-1" })
	if took := time.Since(begin); took > 3*time.Second {
		t.Fatalf("took %v", took)
	}
	if owner.GetEpoch() <= old {
		t.Fatalf("epoch %d is not above the hanging owner's %d", owner.GetEpoch(), old)
	}
	g.submit(1)
	if d := w.next(); d.GetEpoch() != owner.GetEpoch() {
		t.Fatalf("dispatched with epoch %d, owned with %d", d.GetEpoch(), owner.GetEpoch())
	}
}

func TestARestartOfNATSLosesNoRouter(t *testing.T) {
	cfg := embed.Config{Listen: "127.0.0.1:0", Dir: t.TempDir(), Sync: time.Minute}
	s, err := embed.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Listen = strings.TrimPrefix(s.URL(), "nats://")
	r, _, _ := start(t, s, "rt-1")
	w, g := join(t, s, "w-1"), edge(t, s, "gw-1")
	first := g.takeover()
	s.Stop()
	eventually(t, "the router notices", func() bool { return r.Ready() != nil })
	if s, err = embed.Start(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	eventually(t, "the router is back", func() bool { return r.Ready() == nil })
	again := g.takeover()
	if again.GetRouter() != "rt-1" || again.GetEpoch() < first.GetEpoch() {
		t.Fatalf("owner %v, before the restart %v", again, first)
	}
	eventually(t, "a sequence is dispatched", func() bool {
		g.submit(1) // repeated submissions of one attempt are one
		return len(w.got) > 0
	})
}
