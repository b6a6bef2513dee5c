package worker_test

import (
	"testing"

	"github.com/leathq/leat/pkg/bus/bustest"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

var _ = bustest.Start

func TestASequenceArrivesWholeAndItsRouterHearsOfIt(t *testing.T) {
	f := start(t, setup{engine: &scripted{run: say(5), slots: 4}})
	o := f.order()
	seq := f.send(o)
	text, end := f.answer(seq)
	if text != "0 1 2 3 4 " || end.GetFinishReason() != "stop" || end.GetUsage().GetOutput() != 5 {
		t.Fatalf("got %q %v", text, end)
	}
	f.mu.Lock()
	first := f.deltas(seq)[0]
	f.mu.Unlock()
	if s := first.GetStart(); s.GetFingerprint() != "f1" || s.GetModelVersion() != "v1" || s.GetQueueNanos() <= 0 {
		t.Errorf("start %v", s)
	}
	out := f.verdict(o.Number, inferv1.Verdict_VERDICT_DONE)
	if out.GetUsage().GetUncachedInput() != 3 || out.GetPrefillNanos() != 1e6 || out.GetFirstTokenNanos() <= 0 || out.GetTotalNanos() < out.GetFirstTokenNanos() {
		t.Errorf("outcome %v", out)
	}
	f.await("a report without it", func() bool {
		h := f.last().GetHoldings()
		return len(h) == 1 && h[0].GetRouter() == "r1" && h[0].GetHighest() == o.Number && len(h[0].GetNumbers()) == 0
	})
}

func TestTheSimEngineAnswersOverTheBus(t *testing.T) {
	f := start(t, setup{})
	o := f.order()
	o.req.Model = "sim"
	o.req.IgnoreEos = true
	text, end := f.answer(f.send(o))
	if end.GetUsage().GetOutput() != 20 || text == "" {
		t.Fatalf("got %q %v", text, end)
	}
	f.verdict(o.Number, inferv1.Verdict_VERDICT_DONE)
}
