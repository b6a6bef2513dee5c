package pool_test

import (
	"testing"
	"time"

	"github.com/leathq/leat/pkg/pool"
)

func TestHedgingIsOffUntilItIsAskedFor(t *testing.T) {
	s := pool.Set{"default": {Hedge: pool.Hedge{Budget: 5}}, "fast": {Hedge: pool.Hedge{Mode: pool.HedgeP95}}}
	if h := s.Of("other").Hedge; h.On() || h.Validate() != nil {
		t.Errorf("%+v", h)
	}
	if h := s.Of("fast").Hedge; !h.On() || h.Budget != 5 || h.Floor != 100*time.Millisecond || h.Validate() != nil {
		t.Errorf("%+v", h)
	}
	for _, h := range []pool.Hedge{
		{Mode: "p99", Budget: 5, Floor: time.Second}, {Mode: pool.HedgeP95, Budget: 101, Floor: time.Second}, {Mode: pool.HedgeP95, Budget: 5},
	} {
		if h.Validate() == nil {
			t.Errorf("%+v was accepted", h)
		}
	}
}
