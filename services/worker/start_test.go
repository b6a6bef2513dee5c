package worker_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker"
)

func TestAWorkerWhoseEngineLoadsIsSeenAndTakesNothing(t *testing.T) {
	loaded := make(chan struct{})
	f := start(t, setup{cfg: worker.Config{Names: []string{"a model"}}, engine: &scripted{run: say(1), slots: 2}, load: func(context.Context) error {
		<-loaded
		return nil
	}})
	f.await("two reports", func() bool { return len(f.reports) >= 2 })
	f.mu.Lock()
	r := f.last()
	f.mu.Unlock()
	if r.GetState() != inferv1.WorkerState_WORKER_STATE_STARTING || r.GetPool() != "a-model" || r.GetSlots() != 0 {
		t.Errorf("report %v", r)
	}
	if err := f.worker.Ready(); err == nil || !strings.Contains(err.Error(), "loading") {
		t.Errorf("ready: %v", err)
	}
	close(loaded)
	f.await("ready", func() bool { return f.last().GetState() == inferv1.WorkerState_WORKER_STATE_READY })
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, r := range f.reports {
		if r.GetNumber() != uint64(i+1) || r.GetStartedUnixNanos() != f.reports[0].GetStartedUnixNanos() {
			t.Errorf("report %d has number %d", i+1, r.GetNumber())
		}
	}
}

func TestAnEngineThatCannotStartEndsTheWorkerWithItsReason(t *testing.T) {
	fail := make(chan struct{})
	f := start(t, setup{cfg: worker.Config{Pool: "p"}, engine: &scripted{}, load: func(context.Context) error {
		<-fail
		return errors.New("model /m.gguf is corrupt")
	}})
	close(fail)
	select {
	case err := <-f.ended:
		if err == nil || err.Error() != "model /m.gguf is corrupt" {
			t.Errorf("run says %v", err)
		}
		f.ended <- nil
	case <-time.After(5 * time.Second):
		t.Fatal("the worker runs on")
	}
	f.await("gone", func() bool { return f.last().GetState() == inferv1.WorkerState_WORKER_STATE_GONE })
}
