package router_test

import (
	"testing"
	"time"

	"github.com/leathq/leat/pkg/bus/bustest"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// A router that has had nothing to do for long is as exact as a busy one: a request whose queue time-out is short gets its
// refusal in time.
func TestARouterThatRestsKeepsItsTimes(t *testing.T) {
	bustest.Bubble(t, func(t *testing.T) {
		s := bustest.StartInProcess(t)
		start(t, s, "rt-1")
		w, g := join(t, s, "w-1"), edge(t, s, "gw-1")
		g.takeover()
		for n := range uint64(5) {
			time.Sleep(10*time.Second + time.Duration(n)*37*time.Millisecond)
			for slot := range uint64(4) {
				g.submit(100*n + slot)
				w.next()
			}
			if n%2 == 1 {
				time.Sleep(5 * time.Second) // it rests while the worker is full
			}
			begin := time.Now()
			g.call(100*n+50, &inferv1.Call{Call: &inferv1.Call_Submit{Submit: &inferv1.Submit{
				Gateway: g.id, Sequence: 100*n + 50, Attempt: 1, Tenant: "t", QueueTimeoutMs: 100,
			}}})
			for st := g.status(); st.GetRefused() == nil; st = g.status() {
				if st.GetQueued() == nil {
					t.Fatalf("status %v", st)
				}
			}
			if took := time.Since(begin); took < 100*time.Millisecond || took > 151*time.Millisecond {
				t.Errorf("refused after %v, its queue time-out is 100 ms", took)
			}
			w.mu.Lock()
			w.holds = map[string]*inferv1.Holding{}
			w.mu.Unlock()
			w.report()
		}
	})
}
