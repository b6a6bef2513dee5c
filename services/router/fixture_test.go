package router_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/bus/embed"
	"github.com/leathq/leat/pkg/events"
	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/pkg/pool"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/router"
)

const wait = 10 * time.Second // for what should take milliseconds

// start runs a router on a bus of its own and returns it with what stops it and waits. A test that needs no worker to come
// may ask for less patience with one; the others' reports may be late.
func start(t *testing.T, s *embed.Server, id string, noWorkerWait ...time.Duration) (*router.Router, *bus.Bus, context.CancelFunc) {
	t.Helper()
	return startWith(t, s, id, pool.Set{"default": pool.Config{NoWorkerWait: append(noWorkerWait, wait)[0]}})
}

// startWith is start with settings of its pools.
func startWith(t *testing.T, s *embed.Server, id string, pools pool.Set) (*router.Router, *bus.Bus, context.CancelFunc) {
	t.Helper()
	b := bustest.Connect(t, s, bus.Options{Name: id})
	cfg := router.DefaultConfig()
	cfg.Pools = pools
	deps := host.Deps{ID: id, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Bus: b, NATS: bus.DefaultConfig()}
	r := router.New(cfg, deps)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	var once sync.Once
	stop := func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-done:
				if err != nil && b.Up() == nil {
					t.Errorf("%s: %v", id, err)
				}
			case <-time.After(wait):
				t.Errorf("%s does not stop", id)
			}
		})
	}
	t.Cleanup(stop)
	eventually(t, id+" is ready", func() bool { return r.Ready() == nil })
	return r, b, stop
}

// eventually polls a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(wait); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// worker is a hand-written one: it takes dispatches, reports, and answers as the test says.
type worker struct {
	t    *testing.T
	b    *bus.Bus
	name string
	got  chan *inferv1.Dispatch
	ctl  chan *inferv1.Control
	sub  *nats.Subscription

	leave context.CancelFunc // it says that it is gone

	mu     sync.Mutex
	number uint64
	state  inferv1.WorkerState         // 0: ready
	knows  uint64                      // the epoch that it tells with a refusal; 0: it does not
	holds  map[string]*inferv1.Holding // by router
	models []string
}

func join(t *testing.T, s *embed.Server, name string, models ...string) *worker {
	t.Helper()
	w := &worker{
		t: t, models: models, b: bustest.Connect(t, s, bus.Options{Name: name}), name: name, holds: map[string]*inferv1.Holding{},
		got: make(chan *inferv1.Dispatch, 1000), ctl: make(chan *inferv1.Control, 100),
	}
	var err error
	w.sub, err = w.b.Subscribe(bus.Control, events.Work.Name(name), func(m *nats.Msg) {
		d := &inferv1.Dispatch{}
		w.must(proto.Unmarshal(m.Data, d))
		w.mu.Lock()
		h := w.holds[d.GetRouter()]
		if h == nil {
			h = &inferv1.Holding{Router: d.GetRouter()}
			w.holds[d.GetRouter()] = h
		}
		h.Highest = max(h.Highest, d.GetNumber())
		h.Numbers = append(h.Numbers, d.GetNumber())
		w.mu.Unlock()
		w.got <- d
	})
	w.must(err)
	_, err = w.b.Subscribe(bus.Control, events.Control.Name(name), func(m *nats.Msg) {
		c := &inferv1.Control{}
		w.must(proto.Unmarshal(m.Data, c))
		w.ctl <- c
	})
	w.must(err)
	w.must(w.b.Conn(bus.Control).Flush())
	tick := time.NewTicker(100 * time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	w.leave = func() {
		cancel()
		w.become(inferv1.WorkerState_WORKER_STATE_GONE)
	}
	go func() {
		defer tick.Stop()
		for w.report(); ctx.Err() == nil; w.report() {
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
	}()
	return w
}

func (w *worker) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Error(err)
	}
}

func (w *worker) report() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.number++
	r := &inferv1.Report{
		Worker: w.name, Pool: "m", Number: w.number, StartedUnixNanos: 1, State: inferv1.WorkerState_WORKER_STATE_READY, Slots: 4,
		Models: w.models,
	}
	if w.state != 0 {
		r.State = w.state
	}
	for _, h := range w.holds {
		r.Held += uint32(len(h.Numbers))
		r.Holdings = append(r.Holdings, h)
	}
	_ = w.b.Publish(bus.Control, events.Reports.Name("m", w.name), "", r) // fails once the test has ended
}

// become reports another state, now and from now on.
func (w *worker) become(s inferv1.WorkerState) {
	w.mu.Lock()
	w.state = s
	w.mu.Unlock()
	w.report()
}

// end gives an outcome.
func (w *worker) end(d *inferv1.Dispatch, v inferv1.Verdict) {
	w.t.Helper()
	w.mu.Lock()
	h := w.holds[d.GetRouter()]
	for i, n := range h.Numbers {
		if n == d.GetNumber() {
			h.Numbers = append(h.Numbers[:i:i], h.Numbers[i+1:]...)
			break
		}
	}
	w.mu.Unlock()
	out := &inferv1.Outcome{Number: d.GetNumber(), Verdict: v, Epoch: w.knows}
	if v != inferv1.Verdict_VERDICT_DONE {
		out.Error = &inferv1.Error{Kind: "upstream", Code: "engine_crashed", Message: "the engine crashed"}
	}
	w.must(w.b.Publish(bus.Control, events.Outcomes.Name(d.GetRouter()), "", &inferv1.Outcomes{Worker: w.name, Outcomes: []*inferv1.Outcome{out}}))
}

func (w *worker) next() *inferv1.Dispatch {
	w.t.Helper()
	select {
	case d := <-w.got:
		return d
	case <-time.After(wait):
		w.t.Fatalf("%s gets no dispatch", w.name)
		return nil
	}
}

// gateway is a hand-written one.
type gateway struct {
	t       *testing.T
	b       *bus.Bus
	id      string
	part    string // the partition that it calls; empty: the first
	replies chan *inferv1.Status
	nobody  chan string // subjects of replies that say no responders
	mu      sync.Mutex
	epoch   uint64
}

func edge(t *testing.T, s *embed.Server, id string) *gateway {
	t.Helper()
	g := &gateway{t: t, b: bustest.Connect(t, s, bus.Options{Name: id}), id: id, replies: make(chan *inferv1.Status, 1000), nobody: make(chan string, 1000)}
	_, err := g.b.Subscribe(bus.Control, "rep."+id+".>", func(m *nats.Msg) {
		if bus.NoResponders(m) {
			g.nobody <- m.Subject
			return
		}
		r := &inferv1.Reply{}
		if err := proto.Unmarshal(m.Data, r); err != nil {
			t.Error(err)
		}
		g.mu.Lock()
		g.epoch = max(g.epoch, r.GetEpoch())
		g.mu.Unlock()
		for _, st := range r.GetStatuses() {
			g.replies <- st
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *gateway) call(seq uint64, c *inferv1.Call) {
	g.t.Helper()
	if err := g.b.Publish(bus.Control, events.Infer.Name("m", cmp.Or(g.part, "0")), fmt.Sprintf("rep.%s.%x", g.id, seq), c); err != nil {
		g.t.Fatal(err)
	}
}

func (g *gateway) submit(seq uint64, wake ...time.Duration) {
	g.t.Helper()
	g.submitOf(seq, "", wake...)
}

func (g *gateway) submitOf(seq uint64, model string, wake ...time.Duration) {
	g.t.Helper()
	until := int64(0)
	for _, d := range wake {
		until = time.Now().Add(d).UnixMilli()
	}
	g.call(seq, &inferv1.Call{Call: &inferv1.Call_Submit{Submit: &inferv1.Submit{
		WakeUntilUnixMs: until, Gateway: g.id, Sequence: seq, Attempt: 1, Tenant: "t", Class: inferv1.Class_CLASS_NORMAL, PromptTokens: 10,
		RequestId: fmt.Sprint("req-", seq), Body: []byte("opaque"), Prefix: []uint64{1, 2, 3}, Model: model,
	}}})
}

func (g *gateway) probe(seq uint64) *inferv1.Status {
	g.t.Helper()
	g.call(seq, &inferv1.Call{Call: &inferv1.Call_Probe{Probe: &inferv1.Probe{Gateway: g.id, Refs: []*inferv1.Ref{{Sequence: seq, Attempt: 1}}}}})
	return g.status()
}

func (g *gateway) status() *inferv1.Status {
	g.t.Helper()
	select {
	case s := <-g.replies:
		return s
	case <-time.After(wait):
		g.t.Fatal("no reply")
		return nil
	}
}

// takeover asks as a gateway does that finds nobody, until a router answers.
func (g *gateway) takeover() *inferv1.Owner {
	g.t.Helper()
	return g.takeoverOf("0")
}

func (g *gateway) takeoverOf(partition string) *inferv1.Owner {
	g.t.Helper()
	owner := &inferv1.Owner{}
	for deadline := time.Now().Add(wait); time.Now().Before(deadline); {
		ctx, cancel := context.WithTimeout(g.t.Context(), 250*time.Millisecond)
		err := g.b.Request(ctx, events.Takeovers.Name("m", partition), &inferv1.Takeover{Gateway: g.id}, owner)
		cancel()
		if err == nil {
			return owner
		}
	}
	g.t.Fatal("nobody takes the partition over")
	return nil
}
