package all_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/events"
	"github.com/leathq/leat/pkg/pool"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// frozen is a worker that stops as a stopped process does: its subscriptions stay, and it neither answers nor reports.
type frozen struct {
	b      *bus.Bus
	pool   string
	deltas uint32 // of each dispatch that it sends before
	took   atomic.Int32
}

// freeze adds such a worker to a fleet; it stands still with its first dispatch.
func (f *fleet) freeze(t *testing.T, deltas uint32) *frozen {
	t.Helper()
	nc, err := nats.Connect(f.nats)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	sub, err := nc.SubscribeSync("rpt.>")
	if err != nil {
		t.Fatal(err)
	}
	m, err := sub.NextMsg(10 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	z := &frozen{b: bustest.Connect(t, f.srv, bus.Options{Name: "frozen"}), pool: strings.Split(m.Subject, ".")[1], deltas: deltas}
	if _, err := z.b.Subscribe(bus.Control, events.Control.Name("w-frozen"), func(*nats.Msg) {}); err != nil {
		t.Fatal(err)
	}
	if _, err := z.b.Subscribe(bus.Control, events.Work.Name("w-frozen"), z.dispatched); err != nil {
		t.Fatal(err)
	}
	if err := z.b.Conn(bus.Control).Flush(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { z.report(ctx) })
	t.Cleanup(func() { stop(); wg.Wait() })
	return z
}

func (z *frozen) report(ctx context.Context) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for n := uint64(1); z.took.Load() == 0; n++ {
		r := &inferv1.Report{
			Worker: "w-frozen", Pool: z.pool, Number: n, StartedUnixNanos: 1, State: inferv1.WorkerState_WORKER_STATE_READY,
			Slots: 64, PrefillRate: 1e9,
		}
		_ = z.b.Publish(bus.Control, events.Reports.Name(z.pool, "w-frozen"), "", r) // fails once the test has ended
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (z *frozen) dispatched(m *nats.Msg) {
	d := &inferv1.Dispatch{}
	if proto.Unmarshal(m.Data, d) != nil {
		return
	}
	z.took.Add(1)
	s := d.GetSubmit()
	frame := &inferv1.Frame{Worker: "w-frozen"}
	for i := range z.deltas {
		one := &inferv1.Delta{Sequence: s.GetSequence(), Attempt: s.GetAttempt(), Index: i, Text: "x"}
		if i == 0 {
			one.Start = &inferv1.Start{}
		}
		frame.Deltas = append(frame.Deltas, one)
	}
	_ = z.b.Publish(bus.Tokens, events.Frames.Name(s.GetGateway()), "", frame) // an empty one says nothing
}

// until sends streams until the frozen worker has one, and returns how all of them ended and how long it took.
func (z *frozen) until(t *testing.T, f *fleet) (ends []string, took time.Duration) {
	t.Helper()
	begun := time.Now()
	var wg sync.WaitGroup
	var mu sync.Mutex
	for i := 0; z.took.Load() == 0; i++ {
		if time.Since(begun) > 20*time.Second {
			t.Fatal("the router gives the frozen worker nothing")
		}
		got := make(chan struct{})
		wg.Go(func() {
			_, end := f.stream(i, 5)
			mu.Lock()
			ends = append(ends, end)
			mu.Unlock()
			close(got)
		})
		select {
		case <-got:
		case <-time.After(200 * time.Millisecond): // it may be the frozen one's
		}
	}
	held := time.Now()
	wg.Wait()
	return ends, time.Since(held)
}

// A worker that stands still with what nobody has read of costs a few seconds, not the first-token time-out.
func TestAFrozenWorkersRequestsRunElsewhere(t *testing.T) {
	t.Parallel()
	f := start(t, pool.Timeouts{})
	z := f.freeze(t, 0)
	ends, took := z.until(t, f)
	for _, end := range ends {
		if end != "length" {
			t.Errorf("a stream ended with %q", end)
		}
	}
	if t.Logf("%d streams; over %s after the worker stood still", len(ends), took); took > 5*time.Second {
		t.Errorf("took %s, promised are about 3 s", took)
	}
}

// What the client has begun to read ends in an error that says so, long before the idle time-out.
func TestAFrozenWorkersStreamEndsInAnError(t *testing.T) {
	t.Parallel()
	f := start(t, pool.Timeouts{})
	z := f.freeze(t, 2)
	ends, took := z.until(t, f)
	lost := 0
	for _, end := range ends {
		switch end {
		case "error event: worker_lost":
			lost++
		case "length":
		default:
			t.Errorf("a stream ended with %q", end)
		}
	}
	if lost != 1 || took > 9*time.Second {
		t.Errorf("%d of %d streams lost their worker, after %s; want 1 after about 5 s", lost, len(ends), took)
	}
}
