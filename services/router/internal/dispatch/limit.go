package dispatch

import (
	"fmt"
	"time"
)

const (
	// limitFor is how long a worker whose upstream is overloaded gets nothing where the upstream names no time; it
	// doubles until there is a good answer.
	limitFor = time.Second
	// limitDoublings bounds that.
	limitDoublings = 3
	// limitMost bounds what an upstream may ask for.
	limitMost = time.Minute
)

// limit keeps a worker out because its upstream takes no more: it is well, so nothing counts against it.
func (w *worker) limit(after time.Duration, now time.Time) {
	if now.Before(w.limited) && after <= 0 {
		return // sent before the upstream's first word
	}
	if after <= 0 {
		after = limitFor << min(w.limits, limitDoublings)
	}
	w.limits++
	if until := now.Add(min(after, limitMost)); until.After(w.limited) {
		w.limited = until
	}
}

// overloaded moves a request that an overloaded upstream refused to another worker, though that may be full at the
// moment. Where there is none the client hears at once when to come back.
func (m *Machine) overloaded(r *request, o Outcome, now time.Time) {
	wait := m.limited(r, now)
	if wait == 0 {
		m.again(r, now)
		return
	}
	delete(m.calls, r.Key)
	m.refuse(r, m.limitedAll(wait, o.Cause))
}

// limited is how long the upstreams of all workers that could take r will take none; 0 where one does, or where
// there is no such worker at all.
func (m *Machine) limited(r *request, now time.Time) (wait time.Duration) {
	for _, w := range m.order {
		if w.standing(m, now) != "" || !w.serves(r.Model) {
			continue
		}
		left := w.limited.Sub(now)
		if left <= 0 {
			return 0
		}
		if wait == 0 || left < wait {
			wait = left
		}
	}
	return wait
}

func (m *Machine) limitedAll(wait time.Duration, cause any) Refusal {
	return Refusal{Code: Overloaded, RetryAfter: wait, Cause: cause, Message: fmt.Sprintf(
		"the upstreams of pool %s take no more requests now: try again in %.0f s, or add workers with another upstream",
		m.pool, max(wait.Seconds(), 1))}
}
