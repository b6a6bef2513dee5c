package chaos_test

import (
	"flag"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/leathq/leat/e2e/bench/upstream"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// wallPage makes the wall the large one, with nginx beside Leat.
var wallPage = flag.String("wall", "", "`FILE` whose section of the fault wall is written anew, such as docs/faults.md; the load is the large one, and nginx stands beside Leat")

// The fault wall: six engines under load, one of which is bad for a while.
const (
	engines     = 6
	bad         = "w0"
	idleTimeout = time.Second
)

// evil is a way for an engine to be bad.
type evil struct {
	name  string
	fault upstream.Fault
	flaps bool // it comes and goes every half second
	in    bool // the router may go on giving it work
	held  bool // streams that it had begun end in an error event: nobody else can finish them
}

var evils = []evil{
	{name: "refuses connections", fault: upstream.FaultRefuse},
	{name: "answers 500", fault: upstream.FaultError},
	{name: "hangs in mid-stream", fault: upstream.FaultHangStream, held: true},
	{name: "ten times slower", fault: upstream.FaultSlow, in: true},
	{name: "flaps", fault: upstream.FaultRefuse, flaps: true, in: true},
	{name: "talks garbage", fault: upstream.FaultGarbage},
	{name: "answers 500 in 10 MiB", fault: upstream.FaultBigError},
	{name: "truncates answers", fault: upstream.FaultTruncate, held: true},
}

// begin makes the engine bad, until the returned function makes it well again.
func (e evil) begin(t *testing.T, s *upstream.Server) (heal func()) {
	set := func(f upstream.Fault) {
		if err := s.Fail(f); err != nil {
			t.Error(err)
		}
	}
	set(e.fault)
	if !e.flaps {
		return func() { set(upstream.FaultNone) }
	}
	healed, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for ill := true; ; ill = !ill {
			select {
			case <-healed:
				set(upstream.FaultNone)
				return
			case <-tick.C:
				set(map[bool]upstream.Fault{true: upstream.FaultNone, false: e.fault}[ill])
			}
		}
	}()
	return func() { close(healed); <-ended }
}

// size of a wall.
type size struct {
	streams               int           // clients that stream, each way: 20 ms to the first token, 20 ms a token, 64 tokens
	whole                 int           // clients that ask for whole answers, 20 a second at most
	before, during, after time.Duration // after: from the end of the first stream of the engine that was bad
}

func wallSize() size {
	if *wallPage == "" {
		return size{streams: 30, whole: 6, before: time.Second, during: 3 * time.Second, after: time.Second}
	}
	return size{streams: 50, whole: 10, before: 4 * time.Second, during: 10 * time.Second, after: 4 * time.Second}
}

// A bad engine costs no answer that another one can give. What it had begun and breaks off ends in one error event.
func TestFaultWall(t *testing.T) {
	for _, e := range evils {
		t.Run(e.name, func(t *testing.T) {
			if *wallPage == "" {
				beside(t)
			}
			wall(t, e)
		})
	}
}

func wall(t *testing.T, e evil) {
	n := wallSize()
	f := newFleet(t, 1, 1, "pools: {default: {timeouts: {idle: 3s}}}\n")
	all := f.engines()
	fronts := []*front{{name: leat, address: f.gateways[0].HTTP}}
	if *wallPage != "" {
		fronts = append(fronts, startNginx(t, all)...)
	}
	w := &watch{}
	stopped := make(chan struct{})
	watching := w.follow(f, stopped)
	for _, at := range fronts {
		at.begin(n)
	}
	on(n.before)
	began := time.Now()
	heal := e.begin(t, all[0])
	on(n.during)
	heal()
	healed := time.Now()
	for fronts[0].load.back(healed) == 0 && time.Since(healed) < 14*time.Second {
		on(10 * time.Millisecond)
	}
	on(n.after)
	var ended sync.WaitGroup
	for _, at := range fronts {
		ended.Go(func() { at.end(all) })
	}
	ended.Wait()
	close(stopped)
	<-watching
	for _, at := range fronts {
		r := result{evil: e, front: at.name, back: back(at.got, healed)}
		if at.name == leat {
			r.out = w.out(began)
		}
		r.count(at.got, began, healed)
		if at.name == leat {
			r.judge(t, began)
		}
		writeWall(r.row())
		t.Log(r.row())
		t.Logf("%s, %s: %s; %d streams began on it while it was bad", e.name, at.name, tally(at.got), r.given)
	}
}

// engines starts the six upstreams with a worker each; the first one will be bad.
func (f *fleet) engines() (all []*upstream.Server) {
	f.t.Helper()
	for i := range engines {
		s, err := upstream.Start(upstream.Config{
			Address: "127.0.0.1:0", Model: "wall", Profile: upstream.Profile{TTFT: 20 * time.Millisecond, TPOT: 20 * time.Millisecond, Tokens: 64},
		})
		if err != nil {
			f.t.Fatal(err)
		}
		f.t.Cleanup(s.Close)
		all = append(all, s)
		f.worker(fmt.Sprintf("w%d", i), "wall", "--engine", "openai", "--model", "wall", "--upstream", "http://"+s.Address(), "--idle-timeout", idleTimeout.String())
	}
	f.serving("wall", engines)
	return all
}

// watch follows whether the router gives work to the bad worker.
type watch struct{ changes []change }

type change struct {
	at    time.Time
	taken bool
}

// follow looks every 10 ms until stop is closed; what it returns is closed when it has ended.
func (w *watch) follow(f *fleet, stop <-chan struct{}) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			for _, p := range f.pool(f.routers[0], "wall").GetWorkers() {
				if p.GetReport().GetWorker() != bad {
					continue
				}
				taken := p.GetReport().GetState() == inferv1.WorkerState_WORKER_STATE_READY && p.GetBreaker() == "closed"
				if len(w.changes) == 0 || w.changes[len(w.changes)-1].taken != taken {
					w.changes = append(w.changes, change{time.Now(), taken})
				}
			}
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	}()
	return done
}

// out is how long after the fault the worker was taken out; 0: never.
func (w *watch) out(fault time.Time) time.Duration {
	for _, c := range w.changes {
		if c.at.After(fault) && !c.taken {
			return c.at.Sub(fault)
		}
	}
	return 0
}

// back is how long after the engine was healthy a new request had its first token from it; 0: never.
func back(got []*outcome, healed time.Time) (d time.Duration) {
	for _, o := range got {
		if o.worker == bad && o.began.After(healed) && !o.first.IsZero() && (d == 0 || o.first.Sub(healed) < d) {
			d = o.first.Sub(healed)
		}
	}
	return d
}
