package dispatch

import (
	"fmt"
	"slices"
	"time"
)

// Outcome takes in a worker's word on a dispatch.
func (m *Machine) Outcome(o Outcome, now time.Time) {
	w := m.workers[o.Worker]
	if w == nil {
		return
	}
	r := w.inflight[o.Number]
	if r == nil {
		return // reconciled already, or repeated
	}
	trial := w.trial.number == o.Number
	m.judge(w, r, o, trial, now)
	if trial && (o.Verdict == Done || o.Verdict == Broken || o.Verdict == Retry) {
		w.trial.number = 0 // judged
	}
	m.release(w, o.Number, r)
	switch {
	case !m.attached(r):
		m.recycle(r)
	case o.Verdict == Retry:
		m.retry(r, w, o, trial, now)
	case o.Verdict == Limited:
		m.overloaded(r, o, now)
	case o.Verdict == Full || o.Verdict == HandedBack:
		m.again(r, now)
	case o.Verdict == Fenced:
		m.act(Action{Kind: StepDown, Call: r.call(), Epoch: o.Epoch})
		delete(m.calls, r.Key)
		m.recycle(r)
	default:
		m.finish(r, w)
	}
	m.changed(now)
}

// judge learns what an outcome tells of the worker.
func (m *Machine) judge(w *worker, r *request, o Outcome, trial bool, now time.Time) {
	switch o.Verdict {
	case Done:
		w.breaker.Succeeded(trial)
		if now.After(w.limited) {
			w.limits = 0
		}
		m.learn(w, r, o, now)
	case Broken, Retry:
		if trial || !slices.Contains(r.avoid, w.name) { // a request counts once against a worker
			m.failed(w, trial, now)
		}
	case Full:
		w.fullAt = now
	case Limited:
		w.limit(o.RetryAfter, now)
	case HandedBack:
		w.report.State = Draining
	}
}

// learn adapts the worker's rates, its latency and the size of its cache.
func (m *Machine) learn(w *worker, r *request, o Outcome, now time.Time) {
	w.latency.Observe(o.FirstToken, now)
	m.load.answered(r, o)
	prefill := o.Prefill
	if prefill == 0 {
		prefill = o.FirstToken
	}
	if o.Uncached+o.Cached > 0 {
		w.observe(r, o.Uncached, prefill, now)
		m.rates.Observe(o.Uncached, prefill, now)
		m.prior, _ = m.rates.Estimate(0, now)
		w.rate, w.base = w.rates.Estimate(m.prior, now)
	}
	if w.report.CachedTokens > 0 && r.Prefix != nil { // the engine tells what it finds cached
		m.index.Learn(w.index, r.expected, int(float64(o.Cached)/r.tokensPerBlock()+0.5), r.oldPrefix)
	}
}

// finish ends a request that its gateway knows the end of.
func (m *Machine) finish(r *request, w *worker) {
	delete(m.calls, r.Key)
	m.recent.add(Ref{Key: r.Key, Attempt: r.Attempt}, w.name)
	m.recycle(r)
}

// retry moves a request that failed before its first delta, within the budget. Where every other worker has failed it
// as well, one of them gets it once more: what was a mishap is over, and what was not would only fail again.
func (m *Machine) retry(r *request, w *worker, o Outcome, trial bool, now time.Time) {
	if r.Overtakes != 0 {
		m.noHedge(r, "its worker failed it")
		return
	}
	r.retries++
	repeated := trial || slices.Contains(r.avoid, w.name)
	if !slices.Contains(r.avoid, w.name) {
		r.avoid = append(r.avoid, w.name)
	}
	if r.retries <= m.cfg.MaxRetries && (!repeated || m.another(r, now)) && m.budget.Retry(now) {
		m.counts.Retried++
		m.again(r, now)
		return
	}
	delete(m.calls, r.Key)
	m.refuse(r, Refusal{Code: WorkerFailed, Cause: o.Cause, Message: fmt.Sprintf(
		"workers of pool %s failed this request %d times, %s last: try again, and see that worker's log", m.pool, r.retries, w.name)})
}

// another says whether some worker that takes work, be it full at the moment, has not failed the request yet.
func (m *Machine) another(r *request, now time.Time) bool {
	return slices.ContainsFunc(m.order, func(w *worker) bool {
		return w.standing(m, now) == "" && !now.Before(w.limited) && w.serves(r.Model) && !slices.Contains(r.avoid, w.name)
	})
}

// again lets a request wait for a worker before all that have not been dispatched yet, for what is left of its wait.
func (m *Machine) again(r *request, now time.Time) {
	if r.Overtakes != 0 {
		m.noHedge(r, "its worker did not take it")
		return
	}
	r.phase, r.worker, r.number = again, nil, 0
	r.Expire = now.Add(r.left)
	if !r.Deadline.IsZero() && r.Expire.After(r.Deadline) {
		r.Expire = r.Deadline
	}
	m.retries = append(m.retries, r)
}
