package pool

import (
	"errors"
	"time"

	"github.com/leathq/leat/pkg/conf"
)

// The modes of Hedge.
const (
	HedgeOff = "off"
	HedgeP95 = "p95"
)

// Hedge says whether a request whose first token is late is run on a second worker as well; the first of the two to yield
// something is the answer.
type Hedge struct {
	Mode   string        `yaml:"mode" oneof:"off|p95" doc:"p95: run a request beside itself on a second worker where its first token takes longer than the pool's recent 95th percentile; off: never"`
	Budget int           `yaml:"budget" doc:"percent of the requests that may be run so"`
	Floor  time.Duration `yaml:"floor" doc:"shortest wait for the first token before that"`
}

// DefaultHedge runs nothing twice.
func DefaultHedge() Hedge { return Hedge{Mode: HedgeOff, Budget: 10, Floor: 100 * time.Millisecond} }

// On says whether anything is run twice.
func (h Hedge) On() bool { return h.Mode == HedgeP95 }

func (h Hedge) over(base Hedge) Hedge {
	pick(&h.Mode, base.Mode)
	pick(&h.Budget, base.Budget)
	pick(&h.Floor, base.Floor)
	return h
}

// Validate refuses what cannot work.
func (h Hedge) Validate() error {
	var bad []error
	if h.Mode != HedgeOff && h.Mode != HedgeP95 {
		bad = append(bad, conf.Refuse("mode", "is %q; it must be off or p95", h.Mode))
	}
	if h.Budget < 1 || h.Budget > 100 {
		bad = append(bad, conf.Refuse("budget", "is %d; it must be from 1 to 100 percent", h.Budget))
	}
	if h.Floor < time.Millisecond || h.Floor > time.Minute {
		bad = append(bad, conf.Refuse("floor", "is %s; it must be from 1ms to 1m", h.Floor))
	}
	return errors.Join(bad...)
}
