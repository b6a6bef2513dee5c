package chaos_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/leathq/leat/e2e/driver/procs"
)

const (
	streams  = 200 // clients of a party
	simSlots = 48  // of each of its three workers: fewer than clients, so that some always wait in the router
)

// party is a fleet of simulated workers under 200 streams: some are queued, some in prefill, most in decode.
type party struct {
	*fleet
	t     *testing.T
	pages []ask
	book  book
	idle  map[string]int // goroutines by kind of process before the load

	mu    sync.Mutex
	alive []*procs.Process // gateways that clients may use
}

// beside lets a test run while another one does: both mostly wait. Figures that are published are measured alone.
func beside(t *testing.T) {
	if *report == "" {
		t.Parallel()
	}
}

// newParty starts two routers, two gateways and three workers, and learns what the model says undisturbed. The window
// is small, so that every stream lives on credits.
func newParty(t *testing.T) *party {
	t.Helper()
	p := &party{fleet: newFleet(t, 2, 2, "gateway: {window: 16}\n"), t: t, idle: map[string]int{}}
	for i := range 3 {
		p.simulator(fmt.Sprintf("w%d", i))
	}
	p.serving("sim", 3)
	p.alive = slices.Clone(p.gateways)
	for i := range 40 {
		p.pages = append(p.pages, ask{
			Model: "sim", Prompt: fmt.Sprintf("Guest %d tells of his journey.", i), MaxTokens: 30 + i%5*10, Seed: int64(i), Temperature: 0.9, IgnoreEOS: true, Stream: true,
		})
	}
	p.book = learn(t, p.gateways[0].HTTP, len(p.pages), p.pages)
	p.full()
	for kind, of := range p.processes() {
		p.idle[kind] = goroutines(of[0])
	}
	return p
}

func (p *party) simulator(name string) {
	p.t.Helper()
	p.worker(name, "sim", "--engine", "sim", "--slots", fmt.Sprint(simSlots), "--sim-step-base", "25ms")
}

func (p *party) processes() map[string][]*procs.Process {
	out := map[string][]*procs.Process{"router": p.routers, "gateway": p.gateways}
	for _, w := range p.workers {
		out["worker"] = append(out["worker"], w)
	}
	return out
}

// use says which gateways clients may use from now on.
func (p *party) use(gateways ...*procs.Process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.alive = gateways
}

func (p *party) address(client int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.alive[client%len(p.alive)].HTTP
}

// dance begins the load and returns when it is in full swing: every slot taken, and requests waiting.
func (p *party) dance() *load {
	p.t.Helper()
	l := begin(streams, p.address, func(client, i int) ask { return p.pages[(client*7+i)%len(p.pages)] })
	procs.Within(p.t, 20*time.Second, "the party is in full swing", func() bool { return l.seen() > streams && p.held() > 2*simSlots })
	return l
}

// held is how many sequences the workers hold.
func (p *party) held() (n int) {
	for name := range p.workers {
		n += int(p.status(name).GetHeld())
	}
	return n
}

// full shows that every slot of the fleet can be used at once, on credits, and that all of them are free afterwards.
func (p *party) full() {
	p.t.Helper()
	slots, most := simSlots*len(p.workers), 0
	ended := make(chan struct{})
	got := make([]*outcome, slots)
	go func() {
		defer close(ended)
		l := begin(0, nil, nil)
		defer l.client.CloseIdleConnections()
		for i := range slots {
			l.group.Go(func() { got[i] = sendPatiently(l.client, p.address(i), p.pages[i%len(p.pages)]) })
		}
		l.group.Wait()
	}()
	for busy := true; busy; {
		most = max(most, p.held())
		select {
		case <-ended:
			busy = false
		case <-time.After(5 * time.Millisecond):
		}
	}
	p.book.honest(p.t, got, nil)
	if most < slots*9/10 { // the reading of three workers takes a moment
		p.t.Errorf("at most %d of %d slots were used at once", most, slots)
	}
}

// settled waits until nothing of the load is left anywhere: slots, queues, books, goroutines.
func (p *party) settled() {
	p.t.Helper()
	limit := 15 * time.Second
	procs.Within(p.t, limit, "workers hold nothing", func() bool { return p.held() == 0 })
	procs.Within(p.t, limit, "gateways hold no sequence", func() bool { return p.sum(p.gateways, "leat_gateway_sequences") == 0 })
	procs.Within(p.t, limit, "routers have nothing queued or dispatched", func() bool {
		return p.sum(p.routers, "llm_queue_depth") == 0 && p.sum(p.routers, "leat_router_dispatched") == 0
	})
	for kind, of := range p.processes() {
		for _, proc := range of {
			now := 0
			defer func() { p.t.Logf("goroutines of a %s: %d before, %d after", kind, p.idle[kind], now) }()
			procs.Within(p.t, limit, fmt.Sprintf("a %s runs no more goroutines than before (%d)", kind, p.idle[kind]), func() bool {
				now = goroutines(proc)
				return now >= 0 && now <= p.idle[kind]+8 // connections of this test come and go
			})
		}
	}
}

func (p *party) sum(of []*procs.Process, name string) (sum float64) {
	for _, proc := range of {
		sum += max(metric(proc, name), 0)
	}
	return sum
}

// oneOwner waits until all routers name the same living owner, and returns its epoch.
func (f *fleet) oneOwner(pool string) (id string, epoch uint64) {
	f.t.Helper()
	procs.Within(f.t, 10*time.Second, "all routers name the same owner", func() bool {
		owners, alive := map[string]bool{}, map[string]bool{}
		for _, r := range f.routers {
			var e uint64
			id, e = f.owner(r, pool)
			owners[fmt.Sprint(id, e)], epoch = true, e
			alive[f.idOf(r)] = true
		}
		return len(owners) == 1 && alive[id]
	})
	return id, epoch
}
