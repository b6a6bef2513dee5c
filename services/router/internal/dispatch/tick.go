package dispatch

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// tombstone is how long a lost worker's name is remembered.
const tombstone = 10 * time.Minute

// doubtAfter is how long a worker is silent when two of its reports are missing.
const doubtAfter = 600 * time.Millisecond

// Idle says whether Tick has nothing to do for a while, so that it may be called less often: nothing waits, every worker
// that is not lost has reported lately, and all that has happened is in the books. Any input may end it.
func (m *Machine) Idle(now time.Time) bool {
	if m.Queued() > 0 || m.alive() != m.aloneAt.IsZero() || m.well() != m.sickAt.IsZero() {
		return false
	}
	return !slices.ContainsFunc(m.order, func(w *worker) bool { return !w.lost && now.Sub(w.reportAt) > doubtAfter })
}

// alive says whether the pool has a worker that takes work, or will by itself.
func (m *Machine) alive() bool { return slices.ContainsFunc(m.order, (*worker).stays) }

// stays says whether a worker is one to count on: one that drains leaves, and one that is cordoned waits for a person.
func (w *worker) stays() bool {
	return !w.lost && w.report.State != Draining && w.report.State != Cordoned
}

// Tick lets time pass: waiting requests expire, silent workers are lost, broken ones get a trial. Call it about every
// 50 ms, less often while Idle.
func (m *Machine) Tick(now time.Time) {
	for _, w := range m.order {
		if !w.lost && now.Sub(w.reportAt) > m.cfg.LostAfter {
			w.lost = true
			m.forget(w)
		}
	}
	m.bury(now)
	switch {
	case m.alive():
		m.aloneAt = time.Time{}
	case m.aloneAt.IsZero():
		m.aloneAt = now
	}
	switch {
	case m.well():
		m.sickAt = time.Time{}
	case m.sickAt.IsZero():
		m.sickAt = now
	}
	m.expire(now)
	m.changed(now)
	m.giveUp(now)
	m.giveUpModels(now)
}

func (m *Machine) bury(now time.Time) {
	known := len(m.order)
	m.order = slices.DeleteFunc(m.order, func(w *worker) bool {
		if !w.lost || now.Sub(w.reportAt) < tombstone {
			return false
		}
		m.index.Leave(w.index)
		delete(m.workers, w.name)
		return true
	})
	if len(m.order) < known {
		m.compare()
	}
}

// expire refuses what has waited too long.
func (m *Machine) expire(now time.Time) {
	for it := m.queue.Expired(now); it != nil; it = m.queue.Expired(now) {
		if r := it.Value; !m.waitForWake(r, now) || m.queue.Push(it) != nil {
			m.timeout(r, now)
		}
	}
	for _, r := range slices.Clone(m.retries) {
		if !r.Expire.After(now) && !m.waitForWake(r, now) {
			m.retries = slices.DeleteFunc(m.retries, func(o *request) bool { return o == r })
			m.timeout(r, now)
		}
	}
}

func (m *Machine) timeout(r *request, now time.Time) {
	delete(m.calls, r.Key)
	if !r.Wake.IsZero() && !now.Before(r.Wake) && m.Cold() {
		m.refuse(r, m.notWoken(r, now))
		return
	}
	m.refuse(r, m.late(r))
}

// late says which wait ran out in the queue, and whose it was.
func (m *Machine) late(r *request) Refusal {
	f := Refusal{Code: QueueTimeout}
	switch {
	case !r.Deadline.IsZero() && !r.Expire.Before(r.Deadline):
		f.Code = TotalTimeout
		f.Message = fmt.Sprintf("the request's total time-out ran out in the queue: no worker of pool %s had room until then (%s): "+
			"allow more by x-leat-timeout, try again later, or add workers; operator: pools.%s.timeouts.total bounds it",
			m.pool, m.census(), m.pool)
	case !r.Wake.IsZero() && !r.Expire.Before(r.Wake):
		f.Message = fmt.Sprintf("pool %s was woken, but no worker had room until the request's wake time-out (%s): try again later, or add workers; "+
			"operator: pools.%s.scaling.wake_timeout", m.pool, m.census(), m.pool)
	case r.QueueTimeout > 0 && r.QueueTimeout < m.cfg.QueueTimeout:
		f.Message = fmt.Sprintf("no worker of pool %s had room within the request's own queue time-out of %s (%s): "+
			"allow more by x-leat-timeout, try again later, or add workers", m.pool, r.QueueTimeout, m.census())
	default:
		f.Message = fmt.Sprintf("no worker of pool %s had room within the queue time-out of %s (%s): try again later, or add workers; "+
			"operator: pools.%s.timeouts.queue", m.pool, m.cfg.QueueTimeout, m.census(), m.pool)
	}
	return f
}

// census counts the known workers by what they do.
func (m *Machine) census() string {
	counts := map[string]int{}
	for _, w := range m.order {
		state := w.report.State.String()
		if w.lost {
			state = "lost"
		}
		counts[state]++
	}
	if len(counts) == 0 {
		return "none has reported"
	}
	var parts []string
	for state, n := range counts {
		parts = append(parts, fmt.Sprintf("%d %s", n, state))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
