package routing_test

import (
	"testing"
	"time"

	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/pool"
	"github.com/leathq/leat/services/worker"
)

// One engine in six is twenty times as slow, and gets one request in forty: too few to move the 95th percentile, enough to
// be the 99th. Hedging cuts that off, for few requests more.
func TestHedgingCutsTheTail(t *testing.T) {
	var p99 [2]time.Duration
	for i, mode := range []string{pool.HedgeOff, pool.HedgeP95} {
		bustest.Bubble(t, func(t *testing.T) {
			cfg := pool.Config{Policy: "round_robin", Hedge: pool.Hedge{Mode: mode}}
			f := startPool(t, inMemory(t), cfg, 20, func(i int, cfg *worker.Config) {
				if cfg.Weight = 8; i == engines-1 {
					cfg.Weight = 1
				}
			})
			r := f.run(t, cold(.2, 11)).check(t)
			p99[i] = r.quantile(.99)
			t.Logf("hedging %s: %v", mode, r)
		})
	}
	if p99[1] > p99[0]/2 {
		t.Errorf("p99 %v with hedging, want at most half of %v", p99[1], p99[0])
	}
}
