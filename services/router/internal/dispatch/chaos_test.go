package dispatch_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/leathq/leat/services/router/internal/dispatch"
	"github.com/leathq/leat/services/router/internal/queue"
)

// chaos is a fleet on a bus that loses messages, with gateways that follow the protocol: probe what is silent, submit
// again what is unknown, withdraw at times.
type chaos struct {
	*world
	r    *rand.Rand
	open map[dispatch.Key]*flight // the gateways' books
	ends map[dispatch.Key]int     // answers that the client saw
}

type flight struct {
	dispatch.Submit
	at time.Time
}

func (c *chaos) lost() bool { return c.r.IntN(50) == 0 }

func (c *chaos) end(k dispatch.Key) {
	if c.open[k] != nil {
		delete(c.open, k)
		c.ends[k]++
	}
}

// drain carries out the machine's actions, some of which the bus loses.
func (c *chaos) drain() {
	for _, a := range c.m.Actions() {
		switch f := c.fleet[a.Worker]; a.Kind {
		case dispatch.Send:
			if len(f.holds) > f.report.Slots+2 {
				c.t.Fatalf("%s holds %d sequences in %d slots", a.Worker, len(f.holds), f.report.Slots)
			}
			if !c.lost() {
				f.holds[a.Number] = a
				f.report.Highest = max(f.report.Highest, a.Number)
			}
		case dispatch.Refuse:
			if !c.lost() {
				c.end(a.Call.Key)
			}
		case dispatch.Cancel:
			for n, h := range f.holds {
				if h.Call.Key == a.Call.Key && h.Call.Attempt == a.Call.Attempt {
					c.finish(f, n, dispatch.Cancelled)
				}
			}
		}
	}
}

func (c *chaos) finish(f *fake, n uint64, v dispatch.Verdict) {
	a := f.holds[n]
	delete(f.holds, n)
	if v == dispatch.Done || v == dispatch.Broken {
		if o := c.open[a.Call.Key]; o != nil && o.Attempt == a.Call.Attempt {
			c.end(a.Call.Key)
		}
	}
	if !c.lost() {
		c.m.Outcome(dispatch.Outcome{Worker: a.Worker, Number: n, Verdict: v}, c.now)
	}
}

func (c *chaos) step() {
	c.now = c.now.Add(time.Duration(c.r.IntN(20)) * time.Millisecond)
	switch x := c.r.IntN(10); {
	case x < 3 && c.next < 2000:
		c.next++
		s := dispatch.Submit{
			Key: dispatch.Key{Gateway: fmt.Sprint("g", c.r.IntN(3)), Sequence: c.next}, Attempt: 1,
			Tenant: fmt.Sprint(c.r.IntN(4)), Class: queue.Class(c.r.IntN(3)), PromptTokens: 1 + c.r.IntN(500),
		}
		c.open[s.Key] = &flight{s, c.now}
		if !c.lost() {
			c.m.Submit(s, c.now)
		}
	case x < 8:
		f := c.fleet[fmt.Sprint("w", c.r.IntN(len(c.fleet)))]
		for n := range f.holds {
			v := dispatch.Done
			if c.r.IntN(4) == 0 {
				v = []dispatch.Verdict{dispatch.Broken, dispatch.Retry, dispatch.Full, dispatch.HandedBack}[c.r.IntN(4)]
			}
			c.finish(f, n, v)
			break
		}
	case x == 8:
		for k, o := range c.open { // a client leaves
			delete(c.open, k)
			c.m.Withdraw(dispatch.Ref{Key: k, Attempt: o.Attempt}, c.now)
			break
		}
	case c.r.IntN(200) == 0: // a worker dies and comes back
		f := c.fleet[fmt.Sprint("w", c.r.IntN(len(c.fleet)))]
		clear(f.holds)
		f.report.Started, f.report.Number, f.report.Highest = f.report.Started+1, 0, 0
	}
	c.drain()
}

// beat is what happens four times a second: reports, ticks, probes.
func (c *chaos) beat() {
	for name, f := range c.fleet {
		if c.lost() {
			continue
		}
		f.report.Number++
		r := f.report
		r.Held, r.Numbers = len(f.holds), nil
		for n := range f.holds {
			r.Numbers = append(r.Numbers, n)
		}
		r.Worker = name
		c.m.Report(r, c.now)
		c.drain()
	}
	c.m.Tick(c.now)
	c.drain()
	for _, o := range c.open {
		if c.now.Sub(o.at) < 250*time.Millisecond {
			continue
		}
		st := c.m.Probe(dispatch.Ref{Key: o.Key, Attempt: o.Attempt})
		held := false // what the worker would say to a ping
		if f := c.fleet[st.Worker]; f != nil {
			for _, a := range f.holds {
				held = held || a.Call.Key == o.Key && a.Call.Attempt == o.Attempt
			}
		}
		if !st.Queued && !held {
			o.Attempt++
			o.at = c.now
			c.m.Submit(o.Submit, c.now)
			c.drain()
		}
	}
}

func TestEverySequenceEndsOnceAndNothingLeaksWhateverIsLost(t *testing.T) {
	for seed := range uint64(10) {
		c := &chaos{
			world: newWorld(t, dispatch.Config{Queue: queue.Config{MaxItems: 100}}, 0), r: rand.New(rand.NewPCG(seed, 9)),
			open: map[dispatch.Key]*flight{}, ends: map[dispatch.Key]int{},
		}
		for i := range 5 {
			c.join(fmt.Sprint("w", i), 4)
		}
		beat := c.now
		for steps := 0; c.next < 2000 || len(c.open) > 0; steps++ {
			c.step()
			if c.now.Sub(beat) >= 250*time.Millisecond {
				beat = c.now
				c.beat()
			}
			if steps > 200_000 {
				t.Fatalf("seed %d: %d sequences never end", seed, len(c.open))
			}
		}
		for k, n := range c.ends {
			if n != 1 {
				t.Fatalf("seed %d: %v ended %d times", seed, k, n)
			}
		}
		for range 40 { // what was given up ends too, and the reports clear the rest
			for _, f := range c.fleet {
				for n := range f.holds {
					c.finish(f, n, dispatch.Done)
				}
			}
			c.now = c.now.Add(250 * time.Millisecond)
			c.beat()
		}
		if c.m.Queued() != 0 || c.m.Dispatched() != 0 {
			t.Fatalf("seed %d: %d queued and %d dispatched are left", seed, c.m.Queued(), c.m.Dispatched())
		}
	}
}
