package frames_test

import (
	"testing"
	"time"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/frames"
)

// A connection that takes nothing holds up who emits. What arrives meanwhile (cancels, pings, grants) must not wait for it:
// it comes by another connection, one after the other.
func TestWhatArrivesDoesNotWaitForAStalledConnection(t *testing.T) {
	stalled, resume := make(chan struct{}, 100), make(chan struct{})
	out := frames.NewSender("w", func(string, []byte) error {
		stalled <- struct{}{}
		<-resume
		return nil
	}, frames.Options{})
	defer out.Close()
	defer close(resume)
	a := out.Open(frames.Spec{Gateway: "g", Sequence: 1, Attempt: 1, Credit: 100, Stream: true})
	b := out.Open(frames.Spec{Gateway: "g", Sequence: 2, Attempt: 1, Credit: 100, Stream: true})
	emitted := make(chan struct{})
	go func() {
		defer close(emitted)
		a.Emit(engine.Delta{Text: "x"})
	}()
	<-stalled
	b.Emit(engine.Delta{Text: "y"}) // somebody is sending already
	arrived := make(chan struct{})
	gone := frames.Failure{Error: errs.New(errs.Upstream, "stream_gap", "gone")}
	go func() {
		defer close(arrived)
		a.Grant(200)
		if !a.Resend(0, gone) || !b.Resend(0, gone) {
			t.Error("a delta is gone")
		}
		out.Refuse("g", 3, 1, 0, gone)
		out.Refuse("another", 4, 1, 0, gone)
		a.Seal()
		a.Progress()
	}()
	select {
	case <-arrived:
	case <-emitted:
		t.Error("the connection was not stalled")
	case <-time.After(10 * time.Second):
		t.Error("what arrived waits for the connection")
	}
}
