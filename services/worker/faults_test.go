package worker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/bus/embed"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker"
	"github.com/leathq/leat/services/worker/internal/engine"
)

func TestLostDeltasAreSentAgain(t *testing.T) {
	f := start(t, setup{engine: &scripted{run: say(20), slots: 4}})
	s := f.send(f.order())
	f.answer(s)
	f.control(resendOf(s, 15))
	f.await("six more", func() bool { return len(f.deltas(s)) == 21+6 })
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, d := range f.deltas(s)[21:] {
		if d.GetIndex() != uint32(15+i) {
			t.Errorf("resent delta %d has index %d", i, d.GetIndex())
		}
	}
}

func TestWhatIsGoneForGoodEndsTheStreamWithATypedError(t *testing.T) {
	e := &scripted{slots: 4}
	e.run = func(ctx context.Context, r *engine.Request, out engine.Output) error {
		for range 300 {
			out.Emit(engine.Delta{Text: "x"})
		}
		<-ctx.Done()
		return ctx.Err()
	}
	f := start(t, setup{engine: e})
	o := f.order()
	o.Submit.Credit = 1000
	s := f.send(o)
	f.await("300 deltas", func() bool { return len(f.deltas(s)) == 300 })
	gap := func(seq uint64, next uint32) func() bool {
		return func() bool {
			return slices.ContainsFunc(f.deltas(seq), func(d *inferv1.Delta) bool {
				return d.GetIndex() == next && d.GetEnd().GetError().GetCode() == "stream_gap" && d.GetEnd().GetElsewhere()
			})
		}
	}
	f.control(resendOf(s, 2))
	f.await("the error", gap(s, 2))
	f.verdict(o.Number, inferv1.Verdict_VERDICT_BROKEN)
	f.control(resendOf(999, 5)) // never heard of
	f.await("the error of an unknown sequence", gap(999, 5))
}

// A gateway that behaves (pings what is silent, asks for gaps, ignores repetitions) gets every answer whole, and a
// router every outcome that its reports say it lacks, on a network that loses, doubles, delays and reorders.
func TestABadNetworkCostsNoAnswer(t *testing.T) {
	for _, c := range []struct {
		name   string
		faults *bustest.Faults
	}{
		{"loss", &bustest.Faults{Loss: .2}},
		{"doubling", &bustest.Faults{Double: .3}},
		{"delay", &bustest.Faults{Delay: .3}},
		{"reordering", &bustest.Faults{Reorder: .3}},
		{"everything", &bustest.Faults{Loss: .1, Double: .1, Delay: .1, Reorder: .1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.faults.Seed = 42
			frames := &bustest.Faults{Prefix: "tok.", Seed: 43}
			frames.Set(c.faults.Loss, c.faults.Double, c.faults.Delay, c.faults.Reorder)
			f := start(t, setup{engine: &scripted{run: say(40), slots: 16}, bus: bus.Options{Faults: c.faults}, fleet: bus.Options{Faults: frames}})
			var orders []order
			for range 16 {
				o := f.order()
				o.Submit.Credit = 8
				orders = append(orders, o)
				f.send(o)
			}
			f.nurse(orders)
			for _, o := range orders {
				text, end := f.answer(o.Submit.Sequence)
				if want := said(40); text != want || end.GetFinishReason() != "stop" {
					t.Errorf("sequence %d: %q %v", o.Submit.Sequence, text, end)
				}
			}
			c.faults.Set(0, 0, 0, 0)
			f.await("an idle worker", func() bool {
				return f.last().GetHeld() == 0 && len(f.last().GetHoldings()) == 1 && len(f.last().GetHoldings()[0].GetNumbers()) == 0
			})
			for _, o := range orders {
				f.verdict(o.Number, inferv1.Verdict_VERDICT_DONE)
			}
		})
	}
}

func said(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d ", i)
	}
	return b.String()
}

// nurse does for some sequences what gateways and routers do, until all are whole.
func (f *fleet) nurse(orders []order) {
	f.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(20 * time.Second)
	for round := 0; ; round++ {
		missing := 0
		for _, o := range orders {
			f.mu.Lock()
			ds := f.deltas(o.Submit.Sequence)
			_, end := assemble(ds)
			f.mu.Unlock()
			if end != nil {
				continue
			}
			missing++
			next := uint32(0)
			for has(ds, next) {
				next++
			}
			f.control(grantTo(o.Submit.Sequence, next+8))
			if round%5 == 4 {
				f.control(pingFor(o.Submit.Sequence, next))
				if len(ds) == 0 {
					f.send(o) // as a router does that finds the number in no report
				}
			}
		}
		if missing == 0 {
			return
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("%d answers are not whole", missing)
		}
		<-tick.C
	}
}

func has(ds []*inferv1.Delta, index uint32) bool {
	return slices.ContainsFunc(ds, func(d *inferv1.Delta) bool { return d.GetIndex() == index })
}

func TestACancelFreesTheSlotAtEveryStage(t *testing.T) {
	for _, c := range []struct {
		name string
		run  func(context.Context, *engine.Request, engine.Output) error
		when func(f *fleet, s uint64) bool
	}{
		{"before the first delta", silent, func(f *fleet, _ uint64) bool { return f.last().GetHeld() == 1 }},
		{"while it streams", block, func(f *fleet, s uint64) bool { return len(f.deltas(s)) == 1 }},
		{"while it waits for credit", say(1000), func(f *fleet, s uint64) bool { return len(f.deltas(s)) == 2 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := start(t, setup{engine: &scripted{run: c.run, slots: 1}})
			var took []time.Duration
			for i := range 10 {
				ref := &inferv1.Ref{Attempt: uint32(i % 2)}
				o := f.order()
				o.Submit.Credit = 2
				s := f.send(o)
				f.await("the stage", func() bool { return c.when(f, s) })
				ref.Sequence = s
				at := time.Now()
				f.control(&inferv1.Control{Control: &inferv1.Control_Cancel{Cancel: &inferv1.Cancel{Gateway: "gw", Refs: []*inferv1.Ref{ref}}}})
				f.verdict(o.Number, inferv1.Verdict_VERDICT_CANCELLED)
				took = append(took, time.Since(at))
				f.mu.Lock()
				if ds := f.deltas(s); len(ds) > 0 && ds[len(ds)-1].GetEnd() != nil {
					t.Errorf("a cancelled sequence ended with %v", ds[len(ds)-1].GetEnd())
				}
				f.mu.Unlock()
				f.await("an idle worker", func() bool { return f.last().GetHeld() == 0 })
			}
			slices.Sort(took)
			if took[5] > 50*time.Millisecond { // a stalled machine may own the others; the p99 is another test's
				t.Errorf("the slot was free after %s", took)
			}
		})
	}
}

func TestNothingComesAfterACancel(t *testing.T) {
	f := start(t, setup{engine: &scripted{slots: 1, run: func(ctx context.Context, r *engine.Request, out engine.Output) error {
		err := block(ctx, r, out)
		out.Emit(engine.Delta{Text: "late"})
		return err
	}}})
	o := f.order()
	s := f.send(o)
	f.await("the first delta", func() bool { return len(f.deltas(s)) == 1 })
	f.control(cancelOf(s))
	f.verdict(o.Number, inferv1.Verdict_VERDICT_CANCELLED)
	next := f.order()
	f.send(next)
	f.await("another sequence's delta", func() bool { return len(f.deltas(next.Submit.Sequence)) == 1 })
	f.mu.Lock()
	defer f.mu.Unlock()
	if ds := f.deltas(s); len(ds) != 1 {
		t.Errorf("after the cancel came %v", ds[1:])
	}
}

func TestACancelThatOvertookItsDispatchStillCounts(t *testing.T) {
	f := start(t, setup{engine: &scripted{run: say(1), slots: 1}})
	o := f.order()
	f.control(cancelOf(o.Submit.Sequence))
	f.send(o)
	f.verdict(o.Number, inferv1.Verdict_VERDICT_CANCELLED)
}

func TestSequencesOfASilentGatewayStop(t *testing.T) {
	f := start(t, setup{engine: &scripted{run: block, slots: 2}})
	f.mu.Lock()
	f.quiet = true
	f.mu.Unlock()
	at := time.Now()
	o := f.order()
	f.send(o)
	f.verdict(o.Number, inferv1.Verdict_VERDICT_CANCELLED)
	if d := time.Since(at); d < 2500*time.Millisecond || d > 6*time.Second {
		t.Errorf("given up after %s, want 3 s", d)
	}
	pong := new(inferv1.Pong)
	f.ask(pingFor(o.Submit.Sequence, 1), pong) // it was only cut off, and is back
	if len(pong.GetUnknown()) != 1 {
		t.Error("the gateway is left to wait for a sequence that was stopped")
	}
}

// A server that stands still makes the worker deaf, not its gateways silent.
func TestAFrozenServerOrphansNothing(t *testing.T) {
	frozen := new(bustest.Frozen)
	f := start(t, setup{engine: &scripted{run: block, slots: 2}, frozen: frozen})
	defer frozen.Thaw()
	o := f.order()
	s := f.send(o)
	f.await("the first delta", func() bool { return len(f.deltas(s)) == 1 })
	frozen.Freeze()
	thaw := time.NewTimer(4500 * time.Millisecond) // the silence that counts is 3 s
	defer thaw.Stop()
	<-thaw.C
	frozen.Thaw()
	pong := new(inferv1.Pong)
	f.ask(pingFor(s, 1), pong)
	if len(pong.GetUnknown()) != 0 || len(f.outcomes[o.Number]) != 0 {
		t.Errorf("the sequence was stopped: %v", f.outcomes[o.Number])
	}
	f.control(cancelOf(s))
	f.verdict(o.Number, inferv1.Verdict_VERDICT_CANCELLED)
}

func TestADeadlineEndsASequenceWithATypedError(t *testing.T) {
	for _, c := range []struct {
		name string
		run  func(context.Context, *engine.Request, engine.Output) error
		in   time.Duration
	}{{"running", block, 100 * time.Millisecond}, {"silent", silent, 100 * time.Millisecond}, {"over when it came", say(1), -time.Second}} {
		t.Run(c.name, func(t *testing.T) {
			f := start(t, setup{engine: &scripted{run: c.run, slots: 1}})
			o := f.order()
			o.Submit.DeadlineUnixMs = time.Now().Add(c.in).UnixMilli()
			_, end := f.answer(f.send(o))
			if e := end.GetError(); e.GetKind() != "timeout" || e.GetCode() != "total_timeout" {
				t.Errorf("ended with %v", end)
			}
			if e := f.verdict(o.Number, inferv1.Verdict_VERDICT_DONE).GetError(); e.GetCode() != "total_timeout" {
				t.Errorf("the router hears %v", e)
			}
		})
	}
}

// stubborn emits a delta and then heeds nothing until it is let go.
func stubborn(letGo <-chan struct{}) func(context.Context, *engine.Request, engine.Output) error {
	return func(ctx context.Context, _ *engine.Request, out engine.Output) error {
		out.Emit(engine.Delta{Text: "x"})
		<-letGo
		return ctx.Err()
	}
}

func TestAClientNeedNotWaitForAStubbornEngine(t *testing.T) {
	for name, c := range map[string]struct {
		code  string
		start func(f *fleet, o *order)
	}{
		"deadline": {"total_timeout", func(f *fleet, o *order) {
			o.Submit.DeadlineUnixMs = time.Now().Add(time.Second).UnixMilli()
			f.send(*o)
		}},
		"drain": {"worker_draining", func(f *fleet, o *order) {
			seq := f.send(*o)
			f.await("its first delta", func() bool { return len(f.deltas(seq)) > 0 }) // else it is handed back
			drainByControl(f, time.Millisecond)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			letGo := make(chan struct{})
			f := start(t, setup{engine: &scripted{slots: 1, run: stubborn(letGo)}})
			o := f.order()
			c.start(f, &o)
			_, end := f.answer(o.Submit.Sequence)
			if end.GetError().GetCode() != c.code || end.GetElsewhere() != (name == "drain") {
				t.Errorf("ended with %v", end)
			}
			f.mu.Lock()
			if len(f.outcomes[o.Number]) > 0 {
				t.Error("the router thinks that the slot is free")
			}
			f.mu.Unlock()
			close(letGo)
			f.outcome(o.Number)
		})
	}
}

func TestHowAnEngineFailsDecidesWhoHears(t *testing.T) {
	fail := func(err error) func(context.Context, *engine.Request, engine.Output) error {
		return func(context.Context, *engine.Request, engine.Output) error { return err }
	}
	after := func(err error) func(context.Context, *engine.Request, engine.Output) error {
		return func(_ context.Context, _ *engine.Request, out engine.Output) error {
			out.Emit(engine.Delta{Text: "x", Tokens: []int32{1}})
			return err
		}
	}
	boom := func(context.Context, *engine.Request, engine.Output) error { panic("hunter2") }
	const retry, broken, done = inferv1.Verdict_VERDICT_RETRY, inferv1.Verdict_VERDICT_BROKEN, inferv1.Verdict_VERDICT_DONE
	for _, c := range []struct {
		name    string
		run     func(context.Context, *engine.Request, engine.Output) error
		verdict inferv1.Verdict
		kind    string // what the gateway is told; empty: nothing
		code    string
		other   bool // the gateway is told that another worker may not have it
	}{
		{"retry before the first delta", fail(&engine.Error{Code: "engine_crashed", Retry: true}), retry, "", "engine_crashed", false},
		{"retry after it", after(&engine.Error{Code: "engine_crashed", Retry: true}), broken, "upstream", "engine_crashed", true},
		{"the client's fault", fail(&engine.Error{Code: "context_length_exceeded", Param: "prompt", Client: true}), done, "invalid", "context_length_exceeded", false},
		{"no such model upstream", fail(&engine.Error{Code: "model_not_found", Client: true, Status: 404}), done, "not_found", "model_not_found", false},
		{"the operator's wrong model", fail(&engine.Error{Code: "upstream_error", Status: 404}), broken, "upstream", "upstream_error", false},
		{"no retry would help", fail(&engine.Error{Code: "upstream_error", Status: 500}), broken, "upstream", "upstream_error", false},
		{"idle time-out", after(&engine.Error{Code: "idle_timeout"}), broken, "timeout", "idle_timeout", false},
		{"an unknown error", fail(errors.New("hunter2")), retry, "", "internal_error", false},
		{"an unknown error after it", after(errors.New("hunter2")), broken, "internal", "internal_error", true},
		{"closed", fail(engine.ErrClosed), retry, "", "engine_unavailable", false},
		{"no end", after(nil), broken, "upstream", "engine_truncated", true},
		{"nothing at all", fail(nil), retry, "", "engine_truncated", false},
		{"panic", boom, retry, "", "internal_error", false},
	} {
		t.Run(c.name+" (Panic allowed)", func(t *testing.T) {
			f := start(t, setup{engine: &scripted{run: c.run, slots: 1}})
			o := f.order()
			s := f.send(o)
			out := f.verdict(o.Number, c.verdict)
			if out.GetError().GetCode() != c.code || strings.Contains(out.GetError().GetMessage(), "hunter2") {
				t.Errorf("the router hears %v", out.GetError())
			}
			if c.kind == "" {
				f.mu.Lock()
				defer f.mu.Unlock()
				if ds := f.deltas(s); len(ds) > 0 {
					t.Errorf("the gateway hears %v", ds)
				}
				return
			}
			_, end := f.answer(s)
			if e := end.GetError(); e.GetKind() != c.kind || e.GetCode() != c.code || strings.Contains(e.GetMessage(), "hunter2") {
				t.Errorf("the gateway hears %v", end)
			}
			if end.GetElsewhere() != c.other {
				t.Errorf("another worker may do it: %v", end.GetElsewhere())
			}
			if c.name == "retry after it" && end.GetUsage().GetOutput() != 1 {
				t.Errorf("what was produced is not counted: %v", end.GetUsage())
			}
		})
	}
}

func TestBadRequestsAreTheClientsFault(t *testing.T) {
	f := start(t, setup{engine: &scripted{run: say(1), slots: 1}})
	for name, change := range map[string]func(*order){
		"no prompt":     func(o *order) { o.req.Prompt = nil },
		"unknown model": func(o *order) { o.req.Model = "other" },
		"garbage":       func(o *order) { o.Submit.Body = []byte{0xff, 0xff, 0xff} },
	} {
		o := f.order()
		change(&o)
		_, end := f.answer(f.send(o))
		if k := end.GetError().GetKind(); k != "invalid" && k != "not_found" {
			t.Errorf("%s ends with %v", name, end)
		}
		f.verdict(o.Number, inferv1.Verdict_VERDICT_DONE)
	}
}

func TestAnUnhealthyEngineTakesNoWorkUntilItIsBack(t *testing.T) {
	e := &scripted{slots: 4}
	e.run = func(ctx context.Context, r *engine.Request, out engine.Output) error {
		if r.MaxTokens == 1 {
			return silent(ctx, r, out)
		}
		return block(ctx, r, out)
	}
	f := start(t, setup{engine: e})
	waits, runs, _ := f.holdsTwo()
	e.set(func(st *engine.Stats) { st.Healthy, st.HealthMessage = false, "the child died" })
	f.verdict(waits.Number, inferv1.Verdict_VERDICT_HANDED_BACK)
	f.await("the report", func() bool {
		return f.last().GetState() == inferv1.WorkerState_WORKER_STATE_UNHEALTHY && f.last().GetStateNote() == "the child died"
	})
	if f.worker.Ready() == nil {
		t.Error("says that it is ready")
	}
	late := f.order()
	f.send(late)
	f.verdict(late.Number, inferv1.Verdict_VERDICT_HANDED_BACK)
	f.mu.Lock()
	if n := len(f.outcomes[runs.Number]); n != 0 {
		t.Error("the running sequence was ended")
	}
	f.mu.Unlock()
	e.set(func(st *engine.Stats) { st.Healthy = true })
	f.await("the report", func() bool { return f.last().GetState() == inferv1.WorkerState_WORKER_STATE_READY })
	again := f.order()
	again.Submit.Sequence = waits.Submit.Sequence
	f.send(again)
	f.await("a slot", func() bool { return len(f.deltas(again.Submit.Sequence)) == 1 })
}

func TestAnEngineThatDoesNotLetGoMakesTheWorkerUnhealthy(t *testing.T) {
	letGo := make(chan struct{})
	f := start(t, setup{engine: &scripted{slots: 4, run: func(context.Context, *engine.Request, engine.Output) error {
		<-letGo
		return engine.ErrClosed
	}}})
	o := f.order()
	f.send(o)
	f.control(cancelOf(o.Submit.Sequence))
	f.await("the report", func() bool { return f.last().GetState() == inferv1.WorkerState_WORKER_STATE_UNHEALTHY })
	close(letGo)
	f.verdict(o.Number, inferv1.Verdict_VERDICT_CANCELLED)
	f.await("the report", func() bool { return f.last().GetState() == inferv1.WorkerState_WORKER_STATE_READY })
}

// When NATS dies under running streams and comes back, the worker joins again by itself, the gateway's ping brings what
// was lost meanwhile, and nothing is leaked. That no gateway was heard for more than 3 s means nothing then.
func TestNATSDiesAndComesBack(t *testing.T) {
	hold := make(chan struct{})
	f := start(t, setup{engine: &scripted{slots: 4, run: func(ctx context.Context, _ *engine.Request, out engine.Output) error {
		out.Emit(engine.Delta{Text: "before "})
		<-hold
		out.Emit(engine.Delta{Text: "during "})
		out.Emit(engine.Delta{Text: "after", Finish: engine.FinishStop})
		return nil
	}}})
	o := f.order()
	s := f.send(o)
	f.await("the first delta", func() bool { return len(f.deltas(s)) == 1 })
	addr := strings.TrimPrefix(f.srv.URL(), "nats://")
	f.srv.Stop()
	down := time.Now()
	f.await("the loss to be noticed", func() bool { return strings.Contains(f.log.String(), "connection is") || f.bus.Up() != nil })
	f.await("3.3 seconds of silence", func() bool { return time.Since(down) > 3300*time.Millisecond })
	close(hold)
	srv, err := embed.Start(embed.Config{Listen: addr, Dir: t.TempDir(), Sync: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Stop)
	f.mu.Lock()
	seen := f.last().GetNumber()
	f.mu.Unlock()
	f.await("reports again", func() bool { return f.last().GetNumber() > seen+1 })
	f.nurse([]order{o})
	if text, _ := f.answer(s); text != "before during after" {
		t.Errorf("got %q", text)
	}
	f.await("an idle worker", func() bool { return f.last().GetHeld() == 0 })
}

func TestNothingThatIsSaidIsLogged(t *testing.T) {
	const canary = "canary-7f3a"
	f := start(t, setup{cfg: worker.Config{}, engine: &scripted{slots: 4, run: func(ctx context.Context, r *engine.Request, out engine.Output) error {
		out.Emit(engine.Delta{Text: r.Prompt.Text})
		if r.MaxTokens == 1 {
			return &engine.Error{Code: "upstream_error", Message: "failed", Retry: true}
		}
		out.Emit(engine.Delta{Text: r.Prompt.Text, Finish: engine.FinishStop})
		return nil
	}}})
	for tokens := range uint32(2) {
		o := f.order()
		o.req.Prompt, o.req.MaxTokens = &inferv1.Request_Text{Text: canary}, tokens
		f.answer(f.send(o))
	}
	f.stop()
	f.left()
	if !strings.Contains(f.log.String(), "sequence failed") || strings.Contains(f.log.String(), canary) {
		t.Errorf("log:\n%s", f.log.String())
	}
}
