package dispatch

import (
	"fmt"
	"slices"
	"time"
)

// wakeRetry is after how long a client should ask again whose request found no worker in time: somebody may be on its way
// still.
const wakeRetry = 30 * time.Second

// Cold says whether the pool has no worker that is up: each starts, leaves, or is gone.
func (m *Machine) Cold() bool {
	return !slices.ContainsFunc(m.order, func(w *worker) bool {
		return !w.lost && (w.report.State == Ready || w.report.State == Unhealthy)
	})
}

// wakes says whether a request waits for the first worker of a pool that sleeps, whatever waits end else.
func (m *Machine) wakes(r *request, now time.Time) bool { return now.Before(r.Wake) && m.Cold() }

// waitForWake lets a request whose time in the queue is over wait on, where its pool has fallen asleep around it.
func (m *Machine) waitForWake(r *request, now time.Time) bool {
	if !m.wakes(r, now) || !r.Expire.Before(r.Wake) {
		return false
	}
	r.Expire = r.Wake
	return true
}

// notWoken is the refusal of a request whose pool did not wake in time.
func (m *Machine) notWoken(r *request, now time.Time) Refusal {
	return Refusal{Code: NoWorker, RetryAfter: wakeRetry, Message: fmt.Sprintf(
		"pool %s sleeps, and no worker came up within the %s that this request could wait (%s): try again in %.0f s, when one may be up; "+
			"operator: does KEDA, or whatever starts workers, follow the decision that `leat status` shows, and how long do they take to load? "+
			"pools.%s.scaling.wake_timeout and timeouts.total bound this wait",
		m.pool, now.Sub(r.at).Round(100*time.Millisecond), m.census(), wakeRetry.Seconds(), m.pool)}
}
