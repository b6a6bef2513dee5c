package worker_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/leathq/leat/pkg/host"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	workerv1 "github.com/leathq/leat/proto/gen/leat/worker/v1"
	"github.com/leathq/leat/services/worker"
	"github.com/leathq/leat/services/worker/internal/engine"
)

// twofold says nothing to requests of one token, and to others one delta, then the rest when it may.
func twofold(finish <-chan struct{}) func(context.Context, *engine.Request, engine.Output) error {
	return func(ctx context.Context, r *engine.Request, out engine.Output) error {
		if r.MaxTokens == 1 {
			return silent(ctx, r, out)
		}
		out.Emit(engine.Delta{Text: "a"})
		select {
		case <-finish:
			out.Emit(engine.Delta{Text: "b", Finish: engine.FinishStop})
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// holdsTwo has a worker of twofold hold two sequences: one that has not begun, and one that has said "a", which is the stream s.
func (f *fleet) holdsTwo() (waits, runs order, s uint64) {
	f.t.Helper()
	waits, runs = f.order(), f.order()
	waits.req.MaxTokens = 1
	f.send(waits)
	s = f.send(runs)
	f.await("a stream", func() bool { return len(f.deltas(s)) == 1 && f.last().GetHeld() == 2 })
	return waits, runs, s
}

func drainBySignal(f *fleet, _ time.Duration) { f.stop() }

func drainByControl(f *fleet, grace time.Duration) {
	pong := new(inferv1.Pong)
	f.ask(&inferv1.Control{Control: &inferv1.Control_Drain{Drain: &inferv1.Drain{GraceMs: grace.Milliseconds()}}}, pong)
	if pong.GetWorker() != "w1" {
		f.t.Errorf("pong %v", pong)
	}
}

func drainByGRPC(f *fleet, grace time.Duration) {
	if _, err := f.client().Drain(f.t.Context(), &workerv1.DrainRequest{GraceMs: grace.Milliseconds()}); err != nil {
		f.t.Errorf("drain: %v", err)
	}
}

// client speaks gRPC to the worker.
func (f *fleet) client() workerv1.WorkerServiceClient {
	l := bufconn.Listen(1 << 16)
	srv := grpc.NewServer()
	f.worker.Register(srv)
	served := make(chan struct{})
	go func() { defer close(served); _ = srv.Serve(l) }()
	conn, err := grpc.NewClient("passthrough:worker", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		_ = conn.Close()
		srv.Stop()
		<-served
	})
	return workerv1.NewWorkerServiceClient(conn)
}

func TestDrainingFinishesWhatRunsAndHandsBackTheRest(t *testing.T) {
	for name, drain := range map[string]func(*fleet, time.Duration){"signal": drainBySignal, "control": drainByControl, "gRPC": drainByGRPC} {
		t.Run(name, func(t *testing.T) {
			finish := make(chan struct{})
			f := start(t, setup{cfg: worker.Config{Grace: 10 * time.Second}, engine: &scripted{slots: 4, run: twofold(finish)}})
			waits, runs, s := f.holdsTwo()
			drain(f, 10*time.Second)
			f.verdict(waits.Number, inferv1.Verdict_VERDICT_HANDED_BACK)
			f.await("the report", func() bool { return f.last().GetState() == inferv1.WorkerState_WORKER_STATE_DRAINING })
			late := f.order()
			f.send(late)
			f.verdict(late.Number, inferv1.Verdict_VERDICT_HANDED_BACK)
			close(finish)
			if text, _ := f.answer(s); text != "ab" {
				t.Errorf("got %q", text)
			}
			f.verdict(runs.Number, inferv1.Verdict_VERDICT_DONE)
			f.await("the last report", func() bool { return f.last().GetState() == inferv1.WorkerState_WORKER_STATE_GONE })
			f.await("a worker that has left", func() bool {
				err := f.worker.Ready()
				return err != nil && strings.Contains(err.Error(), "left")
			})
			f.mu.Lock()
			if ds := f.deltas(waits.Submit.Sequence); len(ds) > 0 {
				t.Errorf("a sequence that was handed back said %v", ds)
			}
			f.mu.Unlock()
			if after := f.order(); f.send(after) > 0 {
				f.await("NATS to say that nobody is there", func() bool { return len(f.stray) > 0 })
			}
		})
	}
}

func TestTheGracePeriodEnds(t *testing.T) {
	for name, c := range map[string]struct {
		cfg   worker.Config
		drain func(*fleet, time.Duration)
		deps  func(*host.Deps)
	}{
		"configured": {cfg: worker.Config{Grace: 200 * time.Millisecond}, drain: drainBySignal},
		"asked for":  {cfg: worker.Config{Grace: time.Hour}, drain: drainByControl},
		"asked for, then a signal": {cfg: worker.Config{Grace: time.Hour}, deps: func(d *host.Deps) { d.DrainTimeout = 3200 * time.Millisecond },
			drain: func(f *fleet, _ time.Duration) { drainByControl(f, time.Hour); f.stop() }},
		"the host's is less": {cfg: worker.Config{Grace: time.Hour}, drain: drainBySignal, deps: func(d *host.Deps) { d.DrainTimeout = 3200 * time.Millisecond }},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, setup{cfg: c.cfg, deps: c.deps, engine: &scripted{slots: 1, run: block}})
			o := f.order()
			s := f.send(o)
			f.await("a stream", func() bool { return len(f.deltas(s)) == 1 })
			at := time.Now()
			c.drain(f, 200*time.Millisecond)
			_, end := f.answer(s)
			if e := end.GetError(); e.GetKind() != "unavailable" || e.GetCode() != "worker_draining" {
				t.Errorf("ended with %v", end)
			}
			if d := time.Since(at); d < 190*time.Millisecond {
				t.Errorf("ended after %s of a grace of 200 ms", d)
			}
			f.verdict(o.Number, inferv1.Verdict_VERDICT_BROKEN)
			f.await("the last report", func() bool { return f.last().GetState() == inferv1.WorkerState_WORKER_STATE_GONE })
		})
	}
}

func TestStatusOverGRPC(t *testing.T) {
	f := start(t, setup{engine: &scripted{slots: 2, run: block}})
	c := f.client()
	st, err := c.GetStatus(t.Context(), &workerv1.GetStatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if st.GetReport().GetSlots() != 2 || st.GetReport().GetWorker() != "w1" || st.GetDescription().GetModels()[0].GetName() != "m/1" {
		t.Errorf("status %v", st)
	}
	if _, err := c.Drain(t.Context(), &workerv1.DrainRequest{GraceMs: -1}); status.Code(err) == codes.OK {
		t.Error("took a negative grace")
	}
	if err := f.worker.Ready(); err != nil {
		t.Errorf("not ready: %v", err)
	}
}
