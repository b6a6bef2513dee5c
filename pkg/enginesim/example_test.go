package enginesim_test

import (
	"fmt"
	"time"

	"github.com/leathq/leat/pkg/enginesim"
)

// A routing experiment: many machines in virtual time. The next thing to happen is the earliest end of a step or the
// next arrival, whichever comes first.
func ExampleMachine() {
	fleet := make([]*enginesim.Machine, 2)
	for i := range fleet {
		cfg := enginesim.DefaultConfig()
		if i == 1 {
			cfg = cfg.Slower(5)
		}
		fleet[i], _ = enginesim.New(cfg)
	}
	start := time.Unix(0, 0)
	prefix := make([]int32, 1000)
	for arrival := range 4 {
		now := start.Add(time.Duration(arrival) * time.Second)
		advance(fleet, now)
		seq := &enginesim.Seq{Prompt: append(prefix[:1000:1000], int32(arrival)), MaxTokens: 10}
		_ = fleet[arrival%2].Add(seq, now)
		advance(fleet, now.Add(time.Second))
		fmt.Printf("engine %d: %d tokens cached, first token after %v\n", arrival%2, seq.Cached, seq.First.Sub(seq.Arrived).Round(time.Microsecond))
	}
	// Output:
	// engine 0: 0 tokens cached, first token after 137.125ms
	// engine 1: 0 tokens cached, first token after 685.625ms
	// engine 0: 992 tokens cached, first token after 13.125ms
	// engine 1: 992 tokens cached, first token after 65.625ms
}

// advance runs a fleet until a moment, in the order of events.
func advance(fleet []*enginesim.Machine, until time.Time) {
	for {
		var next *enginesim.Machine
		at := until
		for _, m := range fleet {
			if t, ok := m.Next(); ok && t.Before(at) {
				next, at = m, t
			}
		}
		if next == nil {
			return
		}
		next.Step(at)
	}
}
