package dispatch

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leathq/leat/services/router/internal/breaker"
)

// sickWaits is how much longer than for a first worker requests wait for one to get well, in no-worker waits: an engine
// that crashed is back in a few seconds.
const sickWaits = 3

// well says whether some worker may take work soon: it starts, or it is ready and has not been taken out.
func (m *Machine) well() bool {
	return slices.ContainsFunc(m.order, (*worker).well)
}

func (w *worker) well() bool {
	return !w.lost && (w.report.State == Starting || w.report.State == Ready && !w.breaker.Tripped())
}

// alone says whether the pool has been without workers for too long.
func (m *Machine) alone(now time.Time) bool {
	return !m.aloneAt.IsZero() && now.Sub(m.aloneAt) >= m.cfg.NoWorkerWait
}

// hopeless says whether waiting has gone on for too long without a worker that is well.
func (m *Machine) hopeless(now time.Time) bool {
	return m.alone(now) || !m.sickAt.IsZero() && now.Sub(m.sickAt) >= sickWaits*m.cfg.NoWorkerWait && !m.well()
}

// trialFree says whether a worker with a model that was taken out may be tried: somebody must, or it never gets well.
func (m *Machine) trialFree(model string, now time.Time) bool {
	return slices.ContainsFunc(m.order, func(w *worker) bool {
		return w.standing(m, now) == "" && w.breaker.State(now) == breaker.HalfOpen && w.serves(model) && w.room(now)
	})
}

// giveUp refuses all that waits in a pool without hope, but for what waits for it to wake.
func (m *Machine) giveUp(now time.Time) {
	if m.Queued() == 0 || !m.hopeless(now) {
		return
	}
	why := m.noWorker(now)
	for _, r := range m.calls {
		if r.phase == running || m.wakes(r, now) {
			continue
		}
		key, phase := r.Key, r.phase
		if phase == waiting {
			m.queue.Remove(&r.Item)
		} else {
			m.retries = slices.DeleteFunc(m.retries, func(o *request) bool { return o == r })
		}
		delete(m.calls, key)
		m.refuse(r, why)
	}
}

// noWorker is the refusal of a pool without workers, or without one that is well.
func (m *Machine) noWorker(now time.Time) Refusal {
	f := Refusal{Code: NoWorker, RetryAfter: 5 * time.Second}
	if m.alone(now) {
		instead := "see why the known ones left"
		if slices.ContainsFunc(m.order, func(w *worker) bool { return !w.lost && w.report.State == Cordoned }) {
			instead = "have a cordoned one take work again with `leat uncordon`"
		}
		f.Message = fmt.Sprintf("pool %s has no worker (%s): start one with `leat worker` against the same NATS, or %s", m.pool, m.census(), instead)
		return f
	}
	f.Message = fmt.Sprintf("no worker of pool %s is well (%s): see `leat status` and their logs, or start another one with `leat worker`",
		m.pool, m.ailments(""))
	return f
}

// ailments says of the first few workers with a model what ails them.
func (m *Machine) ailments(model string) string {
	const most = 3
	var parts []string
	for _, w := range m.order {
		switch {
		case !w.stays() || !w.serves(model):
			continue
		case len(parts) == most:
			return strings.Join(append(parts, "and others"), "; ")
		case w.report.State == Ready:
			parts = append(parts, w.name+" failed its last requests")
		case w.report.Note != "":
			parts = append(parts, fmt.Sprintf("%s is %s: %s", w.name, w.report.State, w.report.Note))
		default:
			parts = append(parts, fmt.Sprintf("%s is %s", w.name, w.report.State))
		}
	}
	return strings.Join(parts, "; ")
}
