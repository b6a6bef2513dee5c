// Package top shows a fleet in a terminal as it is now: pools, workers, queues, tokens per second and GPUs, from the
// reports that workers send. It changes nothing, and asks a router for no more than what is queued there and
// how many workers it wants.
package top

import (
	"cmp"
	"slices"
	"strings"
	"time"

	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

const (
	window = 2 * time.Second         // rates are over the reports of so long
	silent = 1500 * time.Millisecond // reports come four times a second: whoever said nothing for so long is lost
	forget = 30 * time.Second        // how long a worker that is lost or gone is still shown
)

// Fleet is what is known of all workers. It is not safe for concurrent use.
type Fleet struct {
	workers map[string]*worker
	told    map[string]Told // by pool; nil: no router was asked, or none answered
}

// worker is one of them.
type worker struct {
	last    *inferv1.Report
	samples []sample // oldest first; at least one
}

// sample is a report's counters and when it came.
type sample struct {
	at                         time.Time
	prompt, cached, out, steps uint64
}

// Report takes a worker's report that came at a time.
func (f *Fleet) Report(r *inferv1.Report, at time.Time) {
	if f.workers == nil {
		f.workers = map[string]*worker{}
	}
	key := r.GetPool() + "." + r.GetWorker()
	w := f.workers[key]
	if w == nil || w.last.GetStartedUnixNanos() != r.GetStartedUnixNanos() { // another life counts from 0
		w = &worker{}
		f.workers[key] = w
	}
	w.last = r
	w.samples = append(w.samples, sample{at, r.GetPromptTokens(), r.GetCachedTokens(), r.GetOutputTokens(), r.GetSteps()})
	for len(w.samples) > 2 && at.Sub(w.samples[1].at) >= window { // the first is the window's beginning
		w.samples = w.samples[1:]
	}
}

// Told takes what a router says, by pool; nil where there was no answer.
func (f *Fleet) Told(byPool map[string]Told) { f.told = byPool }

// Sweep forgets workers that have said nothing for long.
func (f *Fleet) Sweep(now time.Time) {
	for key, w := range f.workers {
		if now.Sub(w.seen()) > forget {
			delete(f.workers, key)
		}
	}
}

func (w *worker) seen() time.Time { return w.samples[len(w.samples)-1].at }

// state is what a worker said last, unless it has said nothing since.
func (w *worker) state(now time.Time) string {
	if w.last.GetState() != inferv1.WorkerState_WORKER_STATE_GONE && now.Sub(w.seen()) > silent {
		return "lost"
	}
	return strings.ToLower(strings.TrimPrefix(w.last.GetState().String(), "WORKER_STATE_"))
}

// here says whether what a worker reported still holds.
func (w *worker) here(now time.Time) bool {
	s := w.state(now)
	return s != "lost" && s != "gone"
}

// rates are per second; known needs two reports.
type rates struct {
	known                  bool
	in, cached, out, steps float64
}

func (w *worker) rates() rates {
	first, last := w.samples[0], w.samples[len(w.samples)-1]
	dt := last.at.Sub(first.at).Seconds()
	if dt <= 0 {
		return rates{}
	}
	per := func(a, b uint64) float64 { return max(0, float64(b)-float64(a)) / dt }
	return rates{true, per(first.prompt, last.prompt), per(first.cached, last.cached), per(first.out, last.out), per(first.steps, last.steps)}
}

func (r *rates) add(o rates) {
	r.known = r.known || o.known
	r.in, r.cached, r.out, r.steps = r.in+o.in, r.cached+o.cached, r.out+o.out, r.steps+o.steps
}

// Order is what workers are sorted by.
type Order int

// The orders. All but the first put the largest on top.
const (
	ByName Order = iota
	ByTokens
	ByWaiting
	ByKV
	orders
)

func (o Order) String() string { return [...]string{"name", "tokens/s", "waiting", "KV use"}[o] }

// Next is the order after this one, and the first after the last.
func (o Order) Next() Order { return (o + 1) % orders }

// sorted lists the workers; equal ones go by pool and name. The numbers of those that are not here count as 0.
func (f *Fleet) sorted(o Order, now time.Time) []*worker {
	list := make([]*worker, 0, len(f.workers))
	for _, w := range f.workers {
		list = append(list, w)
	}
	slices.SortFunc(list, func(a, b *worker) int {
		by := cmp.Compare(b.measure(o, now), a.measure(o, now))
		return cmp.Or(by, cmp.Compare(a.last.GetPool(), b.last.GetPool()), cmp.Compare(a.last.GetWorker(), b.last.GetWorker()))
	})
	return list
}

// measure is what an order goes by.
func (w *worker) measure(o Order, now time.Time) float64 {
	switch {
	case !w.here(now):
		return 0
	case o == ByTokens:
		return w.rates().out
	case o == ByWaiting:
		return float64(w.last.GetWaiting())
	case o == ByKV:
		return w.last.GetKvUse()
	}
	return 0
}

// pool sums its workers that are here.
type pool struct {
	name                    string
	workers, ready          int
	slots, running, waiting uint64
	rates                   rates
}

func (p *pool) add(w *worker, now time.Time) {
	p.workers++
	if !w.here(now) {
		return
	}
	if w.last.GetState() == inferv1.WorkerState_WORKER_STATE_READY {
		p.ready++
	}
	p.slots += uint64(w.last.GetSlots())
	p.running += uint64(w.last.GetRunning())
	p.waiting += uint64(w.last.GetWaiting())
	p.rates.add(w.rates())
}

// pools lists them by name, and all of them as one.
func (f *Fleet) pools(now time.Time) (list []*pool, all pool) {
	byName := map[string]*pool{}
	for _, w := range f.workers {
		name := w.last.GetPool()
		if byName[name] == nil {
			byName[name] = &pool{name: name}
			list = append(list, byName[name])
		}
		byName[name].add(w, now)
		all.add(w, now)
	}
	for name, t := range f.told {
		if byName[name] == nil && t.Scaling != nil { // it sleeps, or its workers do not come
			list = append(list, &pool{name: name})
		}
	}
	slices.SortFunc(list, func(a, b *pool) int { return cmp.Compare(a.name, b.name) })
	return list, all
}
