package worker_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	workerv1 "github.com/leathq/leat/proto/gen/leat/worker/v1"
	"github.com/leathq/leat/services/worker"
	"github.com/leathq/leat/services/worker/internal/engine"
)

func cordonByControl(f *fleet, on bool) {
	c := &inferv1.Control{Control: &inferv1.Control_Uncordon{Uncordon: &inferv1.Uncordon{}}}
	if on {
		c = &inferv1.Control{Control: &inferv1.Control_Cordon{Cordon: &inferv1.Cordon{}}}
	}
	pong := new(inferv1.Pong)
	f.ask(c, pong)
	if on != (pong.GetState() == inferv1.WorkerState_WORKER_STATE_CORDONED) {
		f.t.Errorf("pong %v", pong)
	}
}

func cordonByGRPC(f *fleet, on bool) {
	var err error
	if on {
		_, err = f.client().Cordon(f.t.Context(), &workerv1.CordonRequest{})
	} else {
		_, err = f.client().Uncordon(f.t.Context(), &workerv1.UncordonRequest{})
	}
	if err != nil {
		f.t.Error(err)
	}
}

// awaitState waits for a report of a state, and returns its note.
func (f *fleet) awaitState(s inferv1.WorkerState) (note string) {
	f.t.Helper()
	f.await("report of "+s.String(), func() bool { note = f.last().GetStateNote(); return f.last().GetState() == s })
	return note
}

// A cordoned worker takes nothing new and goes on with all it holds, begun or not, until it is told otherwise.
func TestACordonedWorkerGoesOnAndTakesNothingNew(t *testing.T) {
	for name, cordon := range map[string]func(*fleet, bool){"control": cordonByControl, "gRPC": cordonByGRPC} {
		t.Run(name, func(t *testing.T) {
			finish := make(chan struct{})
			f := start(t, setup{cfg: worker.Config{Grace: time.Second}, engine: &scripted{slots: 4, run: twofold(finish)}})
			waits, runs, s := f.holdsTwo()
			cordon(f, true)
			cordon(f, true) // once more changes nothing
			if note := f.awaitState(inferv1.WorkerState_WORKER_STATE_CORDONED); !strings.Contains(note, "told to take nothing new at ") {
				t.Errorf("note %q", note)
			}
			late := f.order()
			f.send(late)
			f.verdict(late.Number, inferv1.Verdict_VERDICT_HANDED_BACK)
			if err := f.worker.Ready(); err == nil || !strings.Contains(err.Error(), "cordoned") {
				t.Errorf("ready: %v", err)
			}
			f.await("more looks at the engine", func() bool {
				return f.last().GetState() == inferv1.WorkerState_WORKER_STATE_CORDONED && f.last().GetHeld() == 2
			})
			close(finish)
			if text, _ := f.answer(s); text != "ab" {
				t.Errorf("got %q", text)
			}
			f.verdict(runs.Number, inferv1.Verdict_VERDICT_DONE)
			f.mu.Lock()
			if len(f.outcomes[waits.Number]) > 0 {
				t.Errorf("what waited came to %v", f.outcomes[waits.Number])
			}
			f.mu.Unlock()
			cordon(f, false)
			if note := f.awaitState(inferv1.WorkerState_WORKER_STATE_READY); note != "" {
				t.Errorf("note %q", note)
			}
			again := f.order()
			if text, _ := f.answer(f.send(again)); text != "ab" {
				t.Errorf("got %q", text)
			}
		})
	}
}

// An engine that fails says so over a cordon, hands back as ever, and leaves the cordon in place.
func TestACordonOutlastsAnEngineThatFails(t *testing.T) {
	f := start(t, setup{engine: &scripted{slots: 4, run: silent}})
	o := f.order()
	f.send(o)
	f.await("what it holds", func() bool { return f.last().GetHeld() == 1 })
	cordonByControl(f, true)
	f.engine.set(func(s *engine.Stats) { s.Healthy, s.HealthMessage = false, "out of memory" })
	if note := f.awaitState(inferv1.WorkerState_WORKER_STATE_UNHEALTHY); !strings.Contains(note, "out of memory") || !strings.Contains(note, "told to take nothing new") {
		t.Errorf("note %q", note)
	}
	f.verdict(o.Number, inferv1.Verdict_VERDICT_HANDED_BACK)
	f.engine.set(func(s *engine.Stats) { s.Healthy = true })
	f.awaitState(inferv1.WorkerState_WORKER_STATE_CORDONED)
	f.engine.set(func(s *engine.Stats) { s.Healthy = false })
	f.awaitState(inferv1.WorkerState_WORKER_STATE_UNHEALTHY)
	pong := new(inferv1.Pong)
	f.ask(&inferv1.Control{Control: &inferv1.Control_Uncordon{Uncordon: &inferv1.Uncordon{}}}, pong)
	if pong.GetState() != inferv1.WorkerState_WORKER_STATE_UNHEALTHY {
		t.Errorf("pong %v: nobody but the engine makes it well", pong)
	}
	f.engine.set(func(s *engine.Stats) { s.Healthy = true })
	f.awaitState(inferv1.WorkerState_WORKER_STATE_READY)
}

// A cordoned worker leaves like any other, and nothing calls it back from there.
func TestACordonedWorkerLeaves(t *testing.T) {
	finish := make(chan struct{})
	f := start(t, setup{cfg: worker.Config{Grace: 10 * time.Second}, engine: &scripted{slots: 4, run: twofold(finish)}})
	waits, _, s := f.holdsTwo()
	c := f.client()
	cordonByControl(f, true)
	drainByControl(f, 10*time.Second)
	f.verdict(waits.Number, inferv1.Verdict_VERDICT_HANDED_BACK)
	f.awaitState(inferv1.WorkerState_WORKER_STATE_DRAINING)
	for name, err := range map[string]error{
		"cordon":   second(c.Cordon(t.Context(), &workerv1.CordonRequest{})),
		"uncordon": second(c.Uncordon(t.Context(), &workerv1.UncordonRequest{})),
	} {
		if status.Code(err) != codes.Unknown && status.Code(err) != codes.Unavailable || err == nil || !strings.Contains(err.Error(), "leaving") {
			t.Errorf("%s: %v", name, err)
		}
	}
	f.mu.Lock()
	draining := len(f.reports)
	f.mu.Unlock()
	f.await("looks at the engine meanwhile", func() bool { return len(f.reports) >= draining+3 })
	f.mu.Lock()
	for _, r := range f.reports[draining:] {
		if r.GetState() != inferv1.WorkerState_WORKER_STATE_DRAINING {
			t.Errorf("called back: %v", r.GetState())
		}
	}
	f.mu.Unlock()
	close(finish)
	if text, _ := f.answer(s); text != "ab" {
		t.Errorf("got %q", text)
	}
	f.awaitState(inferv1.WorkerState_WORKER_STATE_GONE)
}

func second[A any](_ A, err error) error { return err }
