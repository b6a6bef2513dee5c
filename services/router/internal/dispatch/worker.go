package dispatch

import (
	"slices"
	"time"

	"github.com/leathq/leat/services/router/internal/breaker"
	"github.com/leathq/leat/services/router/internal/policy"
)

// worker is what the machine knows of one worker.
type worker struct {
	name     string
	report   Report
	reportAt time.Time
	movedAt  time.Time // when its engine last did a step, or had nothing to do, by its reports
	lost     bool      // silent too long, gone, or nobody listens on its subject

	inflight map[uint64]*request // by dispatch number
	number   uint64              // of the last dispatch; it survives the worker's lives
	since    []sent              // dispatches that no report has covered yet
	prompt   int                 // prompt tokens of inflight
	uncached int                 // of these, tokens that should not be cached
	missing  map[uint64]int      // dispatches that reports do not mention, with how many reports
	others   int                 // sequences that it holds for other routers
	fullAt   time.Time           // when it last said that it is full
	limited  time.Time           // until when its upstream takes nothing
	limits   int                 // how often that was said since its last good answer

	askedAt time.Time // when it last got a request
	breaker *breaker.Breaker
	rates   policy.Rates
	changed uint64  // the dispatch that showed it faster than what had been learnt: rates knows of no earlier one
	rate    float64 // of rates, as of the last report or outcome: tokens/s
	base    float64 // likewise: seconds
	why     string  // its standing in the pick at hand
	index   int     // handle in the prefix index
	offer   *offer  // nil: it does not say what it serves
	latency policy.Latency
	turn    int // of round robin
	trial   trial
}

// sent is a dispatch with the prompt tokens that it should make the worker prefill.
type sent struct {
	number uint64
	tokens int
}

// trial is the request on which a half-open worker's fate depends.
type trial struct {
	number uint64 // 0: none
	output uint64 // the worker's output tokens by its last report when the trial began
	at     time.Time
}

func (m *Machine) newWorker(name string) *worker {
	w := &worker{
		name: name, inflight: map[uint64]*request{}, missing: map[uint64]int{},
		breaker: breaker.New(m.cfg.Breaker), index: m.index.Join(), lost: true,
	}
	m.workers[name] = w
	m.order = append(m.order, w)
	return w
}

// used is how many of the worker's slots are taken.
func (w *worker) used() int { return len(w.inflight) + w.others }

// pending is the prompt tokens that wait at the worker: those of its last report, without the share that it should
// find cached, less what it has prefilled since at its rate, and those dispatched since.
func (w *worker) pending(rate float64, now time.Time) int {
	reported := float64(w.report.QueuedTokens)
	if w.prompt > 0 {
		reported *= float64(w.uncached) / float64(w.prompt)
	}
	since := 0
	for _, s := range w.since {
		since += s.tokens
	}
	return int(max(reported-rate*now.Sub(w.reportAt).Seconds(), 0)) + since
}

// Report takes in a worker's report.
func (m *Machine) Report(r Report, now time.Time) {
	w := m.workers[r.Worker]
	if w == nil {
		if r.State == Gone {
			return
		}
		w = m.newWorker(r.Worker)
	}
	// A life that began earlier counts again once the newer one is lost: a clock that was set back, or a second worker
	// that took the name for a moment, must not hide a worker that is there.
	if r.Started < w.report.Started && !w.lost || r.Started == w.report.Started && r.Number <= w.report.Number {
		return // late or repeated
	}
	if r.Started != w.report.Started && w.report.Started != 0 {
		m.reborn(w)
	}
	if r.Steps != w.report.Steps || r.Running == 0 {
		w.movedAt = now
	}
	if !slices.Equal(r.Models, w.report.Models) {
		m.offers(w, r.Models)
	}
	w.report, w.reportAt = r, now
	w.report.Numbers = nil
	w.rates.Report(r.PrefillRate)
	w.rate, w.base = w.rates.Estimate(m.prior, now)
	w.others = max(r.Held-len(r.Numbers), 0)
	w.lost = r.State == Gone
	w.fullAt = time.Time{}
	if w.stays() {
		m.aloneAt = time.Time{}
	}
	if w.lost {
		m.forget(w)
	} else {
		m.reconcile(w, r, now)
		m.judgeTrial(w, now)
	}
	m.changed(now)
}

// reborn is a new life of a worker's name: nothing of the old one is left.
func (m *Machine) reborn(w *worker) {
	m.forget(w)
	m.index.Reset(w.index)
	w.breaker, w.rates, w.latency = breaker.New(m.cfg.Breaker), policy.Rates{}, policy.Latency{}
}

// forget drops what a worker holds from the books. Whether an answer had begun only the gateways know; they find the
// worker silent and submit again, or end the stream.
func (m *Machine) forget(w *worker) {
	for n, r := range w.inflight {
		m.counts.Lost++
		m.release(w, n, r)
		if m.attached(r) {
			delete(m.calls, r.Key)
		}
		m.recycle(r)
	}
	w.since = w.since[:0]
	clear(w.missing)
}

// missingFor is how long a dispatch must be out, and not be mentioned in three reports, to count as lost.
const missingFor = 600 * time.Millisecond

// reconcile compares the books with what the worker says that it holds.
func (m *Machine) reconcile(w *worker, r Report, now time.Time) {
	w.since = slices.DeleteFunc(w.since, func(s sent) bool { return s.number <= r.Highest })
	for n, req := range w.inflight {
		if slices.Contains(r.Numbers, n) {
			delete(w.missing, n)
			continue
		}
		if w.missing[n]++; w.missing[n] < 3 || now.Sub(req.sentAt) < missingFor {
			continue // still on its way, or its outcome is
		}
		m.counts.Lost++
		m.release(w, n, req)
		switch {
		case !m.attached(req):
			m.recycle(req)
		case r.Known && n > r.Highest: // it never arrived
			m.again(req, now)
		default: // its outcome was lost, or the worker knows nothing of it: its gateway will find out
			m.finish(req, w)
		}
	}
}

// judgeTrial closes a half-open breaker once a report shows that the worker still holds the trial, and has produced
// tokens since it began: a long answer should not keep the worker out to its end.
func (m *Machine) judgeTrial(w *worker, now time.Time) {
	t := w.trial
	if t.number == 0 || w.missing[t.number] > 0 || now.Sub(t.at) < 500*time.Millisecond {
		return
	}
	if w.report.OutputTokens > t.output {
		w.breaker.Succeeded(true)
		w.trial = trial{}
	}
}

// release takes a dispatch out of its worker's books.
func (m *Machine) release(w *worker, number uint64, r *request) {
	delete(w.inflight, number)
	delete(w.missing, number)
	w.prompt -= r.PromptTokens
	w.uncached -= r.uncached
	w.since = slices.DeleteFunc(w.since, func(s sent) bool { return s.number == number })
	if w.trial.number == number {
		w.trial = trial{}
		w.breaker.Abandoned(true)
	}
	m.full = false
}

// NoResponder notes that nobody listens on a worker's subject: the dispatch never arrived.
func (m *Machine) NoResponder(name string, number uint64, now time.Time) {
	w := m.workers[name]
	if w == nil {
		return
	}
	if r := w.inflight[number]; r != nil {
		m.release(w, number, r)
		if m.attached(r) {
			r.avoid = append(r.avoid, name)
			m.again(r, now)
		} else {
			m.recycle(r)
		}
	}
	if !w.lost && number == w.number { // no dispatch after it, so no newer word from the worker's subject
		w.lost = true
		m.forget(w)
	}
	m.changed(now)
}
