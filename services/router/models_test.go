package router_test

import (
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// A model that one of two workers serves gets its requests there, and an error with its name once that one is gone.
func TestAModelsRequestsGoToTheWorkerThatServesIt(t *testing.T) {
	s := bustest.Start(t)
	start(t, s, "rt-1", 200*time.Millisecond)
	join(t, s, "w-1", "base")
	w, g := join(t, s, "w-2", "base", "base:a"), edge(t, s, "gw-1")
	g.takeover()
	for seq := range uint64(20) {
		g.submitOf(seq, "base:a")
		d := w.next()
		if d.GetSubmit().GetSequence() != seq || d.GetRetry() != 0 || d.GetSubmit().GetModel() != "" {
			t.Fatalf("dispatch %v of sequence %d", d, seq)
		}
		w.end(d, done)
	}
	w.must(w.sub.Unsubscribe())
	w.must(w.b.Conn(bus.Control).Flush())
	w.leave()
	var e *inferv1.Error
	for seq := uint64(100); e == nil; seq++ { // what is on its way to the worker as it goes is lost with it
		g.submitOf(seq, "base:a")
		for st := g.probe(seq); e == nil && !st.GetUnknown(); st = g.probe(seq) {
			e = st.GetRefused()
		}
	}
	if e.GetKind() != "unavailable" || !strings.Contains(e.GetMessage(), `"base:a"`) {
		t.Fatalf("refused with %v, want the model named", e)
	}
}
