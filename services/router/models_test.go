package router_test

import (
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/bus/bustest"
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
	w.leave()
	g.submitOf(100, "base:a")
	st := g.status()
	for st.GetRefused() == nil {
		st = g.status()
	}
	if e := st.GetRefused(); e.GetKind() != "unavailable" || !strings.Contains(e.GetMessage(), `"base:a"`) {
		t.Fatalf("refused with %v, want the model named", e)
	}
}
