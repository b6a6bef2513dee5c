package dispatch

import (
	"slices"
	"time"

	"github.com/leathq/leat/services/router/internal/queue"
)

// hedge runs a second sequence beside one that is slow to begin, as "The Tail at Scale" (Dean, Barroso 2013) has it: on
// another worker that has room, while nothing waits but bulk work. Where that cannot be now it is refused: a hedge that waits helps nobody,
// and under load it would only add to it.
func (m *Machine) hedge(r *request, now time.Time) {
	first := m.calls[Key{Gateway: r.Gateway, Sequence: r.Overtakes}]
	switch {
	case first == nil || first.phase != running:
		m.noHedge(r, "the other sequence does not run")
		return
	case m.waited() > 0:
		m.noHedge(r, "requests wait")
		return
	}
	if !slices.Contains(r.avoid, first.worker.name) {
		r.avoid = append(r.avoid, first.worker.name)
	}
	w, _ := m.pick(r, now)
	if w == nil || slices.Contains(r.avoid, w.name) || w.stalled(m, now) {
		m.noHedge(r, "no other worker has room")
		return
	}
	m.calls[r.Key] = r
	m.send(r, w, now)
}

// waited is how many requests wait that are no bulk work, which may wait for long though all is well.
func (m *Machine) waited() (n int) {
	for _, r := range m.retries {
		if r.Submit.Class != queue.Bulk {
			n++
		}
	}
	return n + m.queue.ClassLen(queue.High) + m.queue.ClassLen(queue.Normal)
}

func (m *Machine) noHedge(r *request, why string) {
	delete(m.calls, r.Key)
	m.refuse(r, Refusal{Code: NoHedge, Message: "not run beside the other: " + why})
}
