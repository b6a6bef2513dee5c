package bench

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// arrivals is when requests are meant to leave, as offsets from the start. It depends on rate, process and seed only.
type arrivals struct {
	gap    float64 // mean, in seconds
	random *rand.Rand
	at     float64
	n      int
}

func newArrivals(cfg *Config) *arrivals {
	a := &arrivals{gap: 1 / cfg.RPS}
	if cfg.Arrivals == ArrivalsPoisson {
		a.random = rand.New(rand.NewPCG(cfg.Workload.Seed, 0x6172726976616c73))
	}
	return a
}

func (a *arrivals) next() time.Duration {
	a.n++
	if a.random == nil {
		a.at = float64(a.n-1) * a.gap
	} else {
		a.at += a.random.ExpFloat64() * a.gap
	}
	return time.Duration(math.Min(a.at*1e9, math.MaxInt64/2))
}

// openLoop sends at the drawn times, whatever the answers do.
func (r *run) openLoop(ctx context.Context) {
	lanes := newCrew(ctx, r)
	defer lanes.finish()
	times := newArrivals(r.cfg)
	measured := 0
	for i := uint64(0); ; i++ {
		at := r.start.Add(times.next())
		if !at.Before(r.until) || (r.cfg.Requests > 0 && measured == r.cfg.Requests) {
			return
		}
		if !at.Before(r.from) {
			measured++
		}
		if !sleepUntil(ctx, at) {
			return
		}
		lanes.give(job{number: i, intended: at})
	}
}

type job struct {
	number   uint64
	intended time.Time
}

// crew hands jobs to callers: to the one that idled least (its connection is warm), to a new one, or, at the limit of
// connections, to a queue.
type crew struct {
	ctx   context.Context
	run   *run
	group sync.WaitGroup

	mu    sync.Mutex
	idle  []chan job
	queue []job
	size  int
	over  bool
}

func newCrew(ctx context.Context, r *run) *crew { return &crew{ctx: ctx, run: r} }

// give never blocks.
func (w *crew) give(j job) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch n := len(w.idle); {
	case n > 0:
		w.idle[n-1] <- j // has room for one, and its owner waits
		w.idle = w.idle[:n-1]
	case w.size < w.run.cfg.MaxConnections:
		w.size++
		w.group.Go(func() { w.work(j) })
	default:
		w.queue = append(w.queue, j)
	}
}

func (w *crew) work(j job) {
	c := newCaller(w.run.cfg, w.run.bodies, w.run.transport.lane(), w.run.record)
	defer c.lane.close()
	inbox := make(chan job, 1)
	for {
		c.send(w.ctx, j.number, j.intended)
		next, found, wait := w.after(inbox)
		if wait {
			next, found = <-inbox
		}
		if !found {
			return
		}
		j = next
	}
}

// after takes a queued job, or puts the caller among the idle ones.
func (w *crew) after(inbox chan job) (next job, found, wait bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) > 0 {
		next, w.queue = w.queue[0], w.queue[1:]
		return next, true, false
	}
	if w.over {
		return job{}, false, false
	}
	w.idle = append(w.idle, inbox)
	return job{}, false, true
}

// finish waits for the jobs in hand and ends all callers.
func (w *crew) finish() {
	w.mu.Lock()
	w.over = true
	for _, inbox := range w.idle {
		close(inbox)
	}
	w.idle = nil
	w.mu.Unlock()
	w.group.Wait()
}
