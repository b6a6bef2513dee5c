package all_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/events"
	"github.com/leathq/leat/pkg/pool"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// breaks is a worker that ends all it gets with an error.
type breaks struct {
	t         *testing.T
	b         *bus.Bus
	got       atomic.Int64
	elsewhere bool
}

func (f *fleet) breaking(t *testing.T, elsewhere bool) *breaks {
	w := &breaks{t: t, b: bustest.Connect(t, f.srv, bus.Options{Name: "breaks"}), elsewhere: elsewhere}
	if _, err := w.b.Subscribe(bus.Control, events.Work.Name("breaks"), w.work); err != nil {
		t.Fatal(err)
	}
	if err := w.b.Conn(bus.Control).Flush(); err != nil {
		t.Fatal(err)
	}
	return w
}

// report says that the worker is there and idle.
func (w *breaks) report(number uint64) {
	w.publish(events.Reports.Name("sim", "breaks"), &inferv1.Report{
		Worker: "breaks", Pool: "sim", Number: number, StartedUnixNanos: 1, State: inferv1.WorkerState_WORKER_STATE_READY, Slots: 100, Models: []string{"sim"},
	})
}

func (w *breaks) publish(subject string, m proto.Message) {
	if err := w.b.Publish(bus.Control, subject, "", m); err != nil {
		w.t.Error(err)
	}
}

func (w *breaks) work(m *nats.Msg) {
	d := &inferv1.Dispatch{}
	if err := proto.Unmarshal(m.Data, d); err != nil {
		w.t.Error(err)
	}
	w.got.Add(1)
	s, cause := d.GetSubmit(), errs.Proto(errs.New(errs.Upstream, "engine_crashed", "The engine crashed."))
	end := &inferv1.End{Outcome: &inferv1.End_Error{Error: cause}, Elsewhere: w.elsewhere}
	w.publish(events.Frames.Name(s.GetGateway()), &inferv1.Frame{Worker: "breaks", Number: uint64(w.got.Load()), Deltas: []*inferv1.Delta{
		{Sequence: s.GetSequence(), Attempt: s.GetAttempt(), End: end},
	}})
	w.publish(events.Outcomes.Name(d.GetRouter()), &inferv1.Outcomes{Worker: "breaks", Outcomes: []*inferv1.Outcome{{
		Number: d.GetNumber(), Verdict: inferv1.Verdict_VERDICT_BROKEN, Error: cause,
	}}})
}

// A worker that fails an answer of which nobody has read anything costs the client nothing; what is the request's own
// fault it hears at once.
func TestAnErrorBeforeAnythingWasReadIsMadeGoodElsewhere(t *testing.T) {
	for _, c := range []struct {
		name      string
		elsewhere bool
	}{{"the worker's", true}, {"the request's", false}} {
		t.Run(c.name, func(t *testing.T) {
			f := start(t, pool.Timeouts{})
			w := f.breaking(t, c.elsewhere)
			failed := 0
			number := uint64(0)
			for end := time.Now().Add(10 * time.Second); w.got.Load() == 0; {
				number++
				w.report(number)
				f.all(8, 5, func(i int, text, end string) {
					if end != "length" {
						failed++
						t.Log(i, text, end)
					}
				})
				if time.Now().After(end) {
					t.Fatal("the worker that fails never got anything")
				}
			}
			if c.elsewhere == (failed > 0) {
				t.Errorf("%d streams failed, the worker got %d", failed, w.got.Load())
			}
		})
	}
}
