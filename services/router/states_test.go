package router_test

import (
	"testing"

	"github.com/leathq/leat/pkg/bus/bustest"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	routerv1 "github.com/leathq/leat/proto/gen/leat/router/v1"
)

// A worker that is cordoned, or in a state that only a later release knows, gets nothing; it stays in sight as what it says it
// is, and gets work again when it is ready.
func TestAWorkerThatTakesNothingStaysInSight(t *testing.T) {
	for name, state := range map[string]inferv1.WorkerState{"cordoned": inferv1.WorkerState_WORKER_STATE_CORDONED, "a later release's": 99} {
		t.Run(name, func(t *testing.T) {
			s := bustest.Start(t)
			r, _, _ := start(t, s, "rt-1")
			away, other := join(t, s, "w-1"), join(t, s, "w-2")
			away.become(state)
			seen := func() *routerv1.Worker {
				pools, err := client(t, r).ListPools(t.Context(), &routerv1.ListPoolsRequest{})
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range pools.GetPools() {
					for _, w := range p.GetWorkers() {
						if w.GetReport().GetWorker() == "w-1" {
							return w
						}
					}
				}
				return nil
			}
			eventually(t, "the state", func() bool { return seen().GetReport().GetState() == state })
			g := edge(t, s, "gw-1")
			g.takeover()
			for n := range uint64(6) { // two more than the other one has slots
				g.submit(n + 1)
			}
			for range 4 {
				other.next()
			}
			if w := seen(); w.GetBreaker() != "closed" {
				t.Errorf("seen as %v", w)
			}
			select {
			case d := <-away.got:
				t.Fatalf("dispatched to it: %v", d)
			default:
			}
			away.become(inferv1.WorkerState_WORKER_STATE_READY)
			away.next()
			away.next()
		})
	}
}
