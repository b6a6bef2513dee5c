package router_test

import (
	"context"
	"math"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/leathq/leat/pkg/bus/bustest"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	routerv1 "github.com/leathq/leat/proto/gen/leat/router/v1"
	"github.com/leathq/leat/services/router"
)

const (
	done  = inferv1.Verdict_VERDICT_DONE
	retry = inferv1.Verdict_VERDICT_RETRY
)

func TestARequestReachesAWorkerWithWhatItNeeds(t *testing.T) {
	s := bustest.Start(t)
	start(t, s, "rt-1")
	w, g := join(t, s, "w-1"), edge(t, s, "gw-1")
	owner := g.takeover()
	g.submit(7)
	d := w.next()
	if d.GetRouter() != "rt-1" || d.GetPool() != "m" || d.GetEpoch() != owner.GetEpoch() || d.GetNumber() != 1 {
		t.Fatalf("dispatch %v, owner %v", d, owner)
	}
	if sub := d.GetSubmit(); string(sub.GetBody()) != "opaque" || sub.GetSequence() != 7 || len(sub.GetPrefix()) != 0 || sub.GetRequestId() != "" {
		t.Fatalf("submission %v: want the body whole, and nothing that only routers read", sub)
	}
	st := g.probe(7)
	for st.GetQueued() != nil { // while it waited for the worker's first report
		st = g.status()
	}
	if st.GetWorker() != "w-1" {
		t.Fatalf("probe of a running sequence says %v", st)
	}
	w.end(d, done)
	if st := g.probe(8); !st.GetUnknown() {
		t.Fatalf("probe of an unknown sequence says %v", st)
	}
}

func TestWhatHasNoRoomIsQueuedAndTold(t *testing.T) {
	s := bustest.Start(t)
	start(t, s, "rt-1")
	w, g := join(t, s, "w-1"), edge(t, s, "gw-1")
	g.takeover()
	for seq := range uint64(5) {
		g.submit(seq)
	}
	st := g.status()
	for st.GetRef().GetSequence() != 4 { // those before waited for the worker's first report
		st = g.status()
	}
	if st.GetQueued() == nil {
		t.Fatalf("status %v, want the fifth sequence queued: the worker has four slots", st)
	}
	w.end(w.next(), done)
	for range 4 {
		w.next()
	}
	g.call(4, &inferv1.Call{Call: &inferv1.Call_Withdraw{Withdraw: &inferv1.Withdraw{Gateway: g.id, Refs: []*inferv1.Ref{{Sequence: 4, Attempt: 1}}}}})
	select {
	case c := <-w.ctl:
		if refs := c.GetCancel().GetRefs(); len(refs) != 1 || refs[0].GetSequence() != 4 || c.GetCancel().GetGateway() != "gw-1" {
			t.Fatalf("control %v, want a cancel of sequence 4", c)
		}
	case <-time.After(wait):
		t.Fatal("a withdrawn sequence is not stopped at its worker")
	}
}

func TestAFailureBeforeTheFirstTokenIsRetriedElsewhereThenToldWithItsCause(t *testing.T) {
	s := bustest.Start(t)
	start(t, s, "rt-1")
	g := edge(t, s, "gw-1")
	one, two := join(t, s, "w-1"), join(t, s, "w-2")
	g.takeover()
	known(t, g, one, two)
	g.submit(1)
	seen := map[string]int{}
	for range 3 { // two workers, then a last chance
		d, w := either(t, one, two)
		seen[w.name]++
		w.end(d, retry)
	}
	if len(seen) != 2 {
		t.Fatalf("tried %v, want both workers", seen)
	}
	st := g.status()
	for st.GetQueued() != nil { // while it waited for another worker
		st = g.status()
	}
	if e := st.GetRefused(); e.GetCode() != "engine_crashed" {
		t.Fatalf("status %v, want the engine's own error", st)
	}
}

// A retry that its gateway asks for says why: beyond the budget, that is the answer. Workers hear nothing of it.
func TestAGatewaysRetryBeyondTheBudgetIsAnsweredWithWhyItWasMade(t *testing.T) {
	s := bustest.Start(t)
	start(t, s, "rt-1")
	w, g := join(t, s, "w-1"), edge(t, s, "gw-1")
	g.takeover()
	for seq := range uint64(200) { // a burst of 128 and 13 a second
		g.call(seq, &inferv1.Call{Call: &inferv1.Call_Submit{Submit: &inferv1.Submit{
			Gateway: g.id, Sequence: seq, Attempt: 2, Body: []byte("opaque"), Failed: &inferv1.Error{Kind: "upstream", Code: "engine_crashed"},
		}}})
	}
	if sub := w.next().GetSubmit(); sub.GetAttempt() != 2 || sub.GetFailed() != nil {
		t.Fatalf("dispatched %v", sub)
	}
	st := g.status()
	for st.GetQueued() != nil {
		st = g.status()
	}
	if e := st.GetRefused(); e.GetCode() != "engine_crashed" || st.GetRef().GetSequence() < 100 {
		t.Fatalf("status %v, want the error of the attempt before, once the budget is spent", st)
	}
}

// known waits until the router gives work to both workers, and ends that work.
func known(t *testing.T, g *gateway, a, b *worker) {
	t.Helper()
	var ends []func()
	seen := map[string]bool{}
	for seq := uint64(1000); len(seen) < 2; seq++ {
		g.submit(seq)
		d, w := either(t, a, b)
		seen[w.name] = true
		if ends = append(ends, func() { w.end(d, done) }); len(ends) == 8 {
			t.Fatalf("eight dispatches, all to %v", seen)
		}
	}
	for _, end := range ends {
		end()
	}
}

// either takes the next dispatch, whoever gets it.
func either(t *testing.T, a, b *worker) (*inferv1.Dispatch, *worker) {
	t.Helper()
	select {
	case d := <-a.got:
		return d, a
	case d := <-b.got:
		return d, b
	case <-time.After(wait):
		t.Fatal("no dispatch")
		return nil, nil
	}
}

func TestWithoutWorkersTheClientHearsWhatToDo(t *testing.T) {
	s := bustest.Start(t)
	start(t, s, "rt-1", 300*time.Millisecond)
	g := edge(t, s, "gw-1")
	g.takeover()
	g.submit(1)
	if st := g.status(); st.GetQueued() == nil {
		t.Fatalf("first %v, want queued for the grace", st)
	}
	if e := g.status().GetRefused(); e.GetCode() != "no_worker" || e.GetKind() != "unavailable" || e.GetRetryAfterMs() == 0 {
		t.Fatalf("then %v, want no_worker with a time to come back", e)
	}
}

func TestAWorkerThatDiedIsFoundByTheNextDispatch(t *testing.T) {
	s := bustest.Start(t)
	start(t, s, "rt-1")
	g, dead, alive := edge(t, s, "gw-1"), join(t, s, "w-dead"), join(t, s, "w-alive")
	g.takeover()
	known(t, g, dead, alive)
	if err := dead.sub.Unsubscribe(); err != nil { // it goes on reporting: the worst case
		t.Fatal(err)
	}
	if err := dead.b.Conn(0).Flush(); err != nil {
		t.Fatal(err)
	}
	for seq := range uint64(3) {
		begin := time.Now()
		g.submit(seq)
		alive.end(alive.next(), done)
		if d := time.Since(begin); d > 2*time.Second {
			t.Fatalf("moved to the living worker after %v", d)
		}
	}
}

func TestExplainAndListPoolsOverGRPC(t *testing.T) {
	s := bustest.Start(t)
	r, _, _ := start(t, s, "rt-1")
	w, g := join(t, s, "w-1"), edge(t, s, "gw-1")
	owner := g.takeover()
	g.submit(42)
	w.next()
	c := client(t, r)
	picks, err := c.Explain(t.Context(), &routerv1.ExplainRequest{Pool: "m"})
	if err != nil {
		t.Fatal(err)
	}
	if p := picks.GetPicks(); len(p) != 1 || p[0].GetSequence() != 42 || p[0].GetWorker() != "w-1" || p[0].GetPolicy() != "adaptive" || len(p[0].GetScores()) != 1 {
		t.Fatalf("picks %v", p)
	}
	p0 := picks.GetPicks()[0]
	score := p0.GetScores()[0]
	estimate := float64(score.GetPendingTokens()+p0.GetPromptTokens()-score.GetCachedTokens())/score.GetRate() + score.GetBaseSeconds()
	if p0.GetGateway() != "gw-1" || p0.GetRequestId() != "req-42" || math.Abs(estimate-score.GetEstimateSeconds()) > 1e-9 {
		t.Fatalf("pick %v; its own figures make an estimate of %v s", p0, estimate)
	}
	standby, _, _ := start(t, s, "rt-2")
	eventually(t, "the standby names the owner", func() bool {
		other, err := client(t, standby).Explain(t.Context(), &routerv1.ExplainRequest{Pool: "m"})
		parts := other.GetPartitions()
		return err == nil && len(other.GetPicks()) == 0 && other.GetRouter() == "rt-2" && len(parts) == 1 && parts[0].GetOwner() == "rt-1"
	})
	if _, err := c.Explain(t.Context(), &routerv1.ExplainRequest{Pool: "nope"}); err == nil {
		t.Fatal("an unknown pool is explained")
	}
	pools, err := c.ListPools(t.Context(), &routerv1.ListPoolsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	p := pools.GetPools()
	if len(p) != 1 || len(p[0].GetPartitions()) != 1 || len(p[0].GetWorkers()) != 1 {
		t.Fatalf("pools %v", p)
	}
	if part := p[0].GetPartitions()[0]; part.GetOwner() != "rt-1" || part.GetEpoch() != owner.GetEpoch() || part.GetDispatched() != 1 {
		t.Fatalf("partition %v", part)
	}
	if w := p[0].GetWorkers()[0]; w.GetReport().GetWorker() != "w-1" || w.GetBreaker() != "closed" {
		t.Fatalf("worker %v", w)
	}
}

func client(t *testing.T, r *router.Router) routerv1.RouterServiceClient {
	t.Helper()
	return routerv1.NewRouterServiceClient(conn(t, r))
}

// conn reaches a router by gRPC.
func conn(t *testing.T, r *router.Router) *grpc.ClientConn {
	t.Helper()
	l := bufconn.Listen(1 << 16)
	srv := grpc.NewServer()
	r.Register(srv)
	go func() { _ = srv.Serve(l) }() // ends with Stop
	t.Cleanup(srv.Stop)
	conn, err := grpc.NewClient("passthrough:///router", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return l.Dial() }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func owned(t *testing.T, c routerv1.RouterServiceClient) string {
	t.Helper()
	pools, err := c.ListPools(t.Context(), &routerv1.ListPoolsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return pools.GetPools()[0].GetPartitions()[0].GetOwner()
}
