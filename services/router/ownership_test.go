package router_test

import (
	"context"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/bus/bustest"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

func TestAStandbyTakesOverWithin500msOfACrash(t *testing.T) {
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
	if took := time.Since(begin); took > 500*time.Millisecond {
		t.Fatalf("takeover took %v", took)
	} else {
		t.Logf("takeover, submission to dispatch: %v", took)
	}
	if second.GetRouter() != "rt-2" || second.GetEpoch() <= first.GetEpoch() || d.GetEpoch() != second.GetEpoch() {
		t.Fatalf("owners %v, then %v, dispatch by %s with epoch %d", first, second, d.GetRouter(), d.GetEpoch())
	}
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
	if took := time.Since(begin); took > time.Second {
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
