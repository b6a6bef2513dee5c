package chaos_test

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/leathq/leat/e2e/driver/procs"
)

// company is the other sequences: long streams that run while victims come and go.
type company struct {
	size  int
	began time.Time
	stop  context.CancelFunc
	done  sync.WaitGroup
	got   []*outcome
}

// meet starts company on all slots but one, or on all.
func (r *rig) meet(all bool) *company {
	r.t.Helper()
	c := &company{size: r.slots - 1, began: time.Now()}
	if all {
		c.size = r.slots
	}
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	r.t.Cleanup(stop)
	c.got = make([]*outcome, c.size)
	var begun sync.WaitGroup
	for i := range c.size {
		begun.Add(1)
		c.done.Go(func() {
			first := sync.OnceFunc(begun.Done)
			c.got[i] = send(ctx, newClient(), r.gateways[0].HTTP, r.company(i), first)
			first()
		})
	}
	begun.Wait()
	procs.Within(r.t, 20*time.Second, "only company runs", func() bool { return r.running() == c.size })
	return c
}

// running reports whether nobody of the company has ended yet.
func (c *company) running() bool {
	for _, o := range c.got {
		if o != nil {
			return false
		}
	}
	return true
}

// keep ends the company and keeps the longest that each has said.
func (c *company) keep(said []string) {
	c.stop()
	c.done.Wait()
	for i, o := range c.got {
		if len(o.text) > len(said[i]) {
			said[i] = o.text
		}
	}
}

// step is the mean time between two tokens of the company.
func (c *company) step() time.Duration {
	var sum time.Duration
	n := 0
	for _, o := range c.got {
		if o.chunks > 1 {
			sum += o.ended.Sub(o.first) / time.Duration(o.chunks-1)
			n++
		}
	}
	return sum / time.Duration(max(n, 1))
}

// undisturbed asks for the company's stories once more, with nobody coming or going.
func (r *rig) undisturbed(said []string) {
	var all sync.WaitGroup
	alone := make([]*outcome, len(said))
	for i := range said {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
			defer cancel()
			alone[i] = send(ctx, newClient(), r.gateways[0].HTTP, r.company(i), nil)
		})
	}
	all.Wait()
	for i, text := range said {
		if alone[i].verdict() != complete {
			r.t.Fatalf("undisturbed run of company %d: %v", i, alone[i])
		}
		if text == "" || !strings.HasPrefix(alone[i].text, text) {
			r.t.Errorf("company %d was disturbed: %d bytes said in company are not the beginning of the %d said alone", i, len(text), len(alone[i].text))
		}
	}
}
