package dispatch

import (
	"slices"
	"time"

	"github.com/leathq/leat/services/router/internal/breaker"
	"github.com/leathq/leat/services/router/internal/policy"
	"github.com/leathq/leat/services/router/internal/queue"
)

// fullFor is how long a worker that said "full" gets nothing, unless a report comes first.
const fullFor = 250 * time.Millisecond

// changed notes that workers may have room now.
func (m *Machine) changed(now time.Time) {
	m.full = false
	m.pump(now)
}

// pump dispatches what waits as far as workers have room: what failed before first, then the queue.
func (m *Machine) pump(now time.Time) {
	if m.full || m.Queued() == 0 {
		return
	}
	m.pumpRetries(now)
	m.queue.Unblock()
	for !m.full {
		it := m.queue.Next()
		if it == nil {
			return
		}
		r := it.Value
		if m.queue.Blocked(r.Model, it.Class) { // one before it has found no worker with room
			m.queue.Aside(it, r.Model)
			continue
		}
		if w, why := m.pick(r, now); w != nil {
			m.queue.Take(it, now)
			m.send(r, w, now)
		} else {
			m.hold(r, why)
		}
	}
}

// held is why a request that is next got no worker.
type held uint8

const (
	byNothing held = iota
	byRoom         // no worker has room for anybody
	byReserve      // only slots that bulk work leaves free are free; nothing else waits in its lane
	byAvoid        // only workers that it avoids have room
	byModel        // only workers that do not serve its model have room
)

// hold lets a request wait that is next in its lane, so that it holds up no other that has a worker.
func (m *Machine) hold(r *request, why held) {
	switch it := &r.Item; why {
	case byRoom:
		m.full = true
	case byAvoid:
		m.queue.Remove(it)
		r.phase = again
		m.retries = append(m.retries, r)
	case byModel:
		m.queue.Aside(it, r.Model)
		m.queue.Block(it)
	default:
		m.queue.Block(it)
	}
}

func (m *Machine) pumpRetries(now time.Time) {
	for class := queue.High; class <= queue.Bulk; class++ {
		for i := 0; i < len(m.retries) && !m.full; {
			r := m.retries[i]
			if r.Submit.Class != class {
				i++
				continue
			}
			w, why := m.pick(r, now)
			if w == nil {
				m.full = why == byRoom
				i++
				continue
			}
			m.retries = slices.Delete(m.retries, i, i+1)
			m.send(r, w, now)
		}
	}
}

// pick chooses a worker for r, or says why there is none.
func (m *Machine) pick(r *request, now time.Time) (*worker, held) {
	c := m.candidates(r, now)
	if len(m.snaps) == 0 {
		return nil, c.why()
	}
	for len(m.scores) < len(m.snaps) {
		m.scores = append(m.scores, 0)
	}
	i := policy.Pick(m.cfg.Policy, policy.Request{Tokens: r.PromptTokens, Session: r.Session}, m.snaps, m.scores, m.cfg.Rand)
	r.probe = 0
	if c.trial >= 0 {
		i, c.reason = c.trial, "trial of a worker that failed"
	} else if p, below := m.probe(r, i, now); p >= 0 {
		i, r.probe, c.reason = p, below, "probe of a worker that was slow"
	}
	r.expected, r.uncached = 0, r.PromptTokens
	if cached := m.snaps[i].Cached; cached > 0 {
		r.expected, r.uncached = int(float64(cached)/r.tokensPerBlock()+0.5), max(r.PromptTokens-cached, 0)
	}
	m.picks.record(r, m, i, c.reason, now)
	m.took(r, c, i, now)
	return m.snapOf[i], byNothing
}

// took notes what a policy remembers of a pick. A session whose worker is only full, or failed this one request, comes
// back to it; one whose worker gets no work at all moves for good. A trial of a worker that failed places nothing.
func (m *Machine) took(r *request, c choice, i int, now time.Time) {
	if m.turns {
		policy.RoundRobin{}.Took(m.snaps, i)
		for j, w := range m.snapOf {
			w.turn = m.snaps[j].Turn
		}
	}
	if m.sessions == nil || r.Session == 0 || c.trial >= 0 {
		return
	}
	if w := m.workers[c.home]; w == nil || w.why != "" && w.why != "stale" {
		m.sessions.Place(r.Session, m.snapOf[i].name, now)
	}
}

// choice is what candidates found beside the snapshots.
type choice struct {
	trial       int    // the snapshot of a half-open worker that is free for a trial; −1: none
	avoidedRoom bool   // a worker that r avoids would have room
	reserved    bool   // a worker has room, which r leaves free for others
	otherRoom   bool   // a worker that does not serve r's model would have room
	home        string // the worker at which r's session is placed; empty: none
	reason      string
}

// why is why there is no worker, where there is none.
func (c *choice) why() held {
	switch {
	case c.avoidedRoom:
		return byAvoid
	case c.otherRoom:
		return byModel
	case c.reserved:
		return byReserve
	}
	return byRoom
}

// candidates fills the snapshots with the workers that r may go to, all of which serve its model, in this order of
// preference: fresh ones that have not failed it; where there is no such worker even without room, those that have; where no worker's report is fresh,
// stale ones. A stale report is unknown, not idle. Workers whose engine stands still are left out while another one has
// room: it may hang, and its worker will find out later.
func (m *Machine) candidates(r *request, now time.Time) choice {
	c := choice{trial: -1}
	fresh, unavoided := false, false
	some := m.onlySome(r.Model)
	for _, w := range m.order {
		if w.why = w.standing(m, now); w.why == "" && (!some || w.serves(r.Model)) {
			fresh = true
			unavoided = unavoided || !slices.Contains(r.avoid, w.name)
		}
	}
	c.reason = "best score"
	if !fresh {
		c.reason = "no fresh report: last known load"
	} else if !unavoided {
		c.reason = "every other worker failed it"
	}
	moving := false
	if m.sessions != nil && r.Session != 0 {
		c.home = m.sessions.Home(r.Session, now)
	}
	m.snaps, m.snapOf = m.snaps[:0], m.snapOf[:0]
	reserves := m.reserves(r, now)
	for _, w := range m.order {
		if w.why != "" && (fresh || w.why != "stale") || !w.room(now) {
			c.otherRoom = c.otherRoom || m.mixed && w.why == "stale" && w.room(now) // for a model of which no fresh worker is known
			continue
		}
		if reserves && !w.bulkRoom(m.cfg.BulkReserve) {
			c.reserved = true
			continue
		}
		if some && !w.serves(r.Model) {
			c.otherRoom = true
			continue
		}
		if unavoided && slices.Contains(r.avoid, w.name) {
			c.avoidedRoom = true
			continue
		}
		switch stalled := w.stalled(m, now); {
		case stalled && moving:
			continue
		case !stalled && !moving: // the first that moves: forget those that stand still
			moving, c.trial = true, -1
			m.snaps, m.snapOf = m.snaps[:0], m.snapOf[:0]
		}
		if c.trial < 0 && len(r.avoid) == 0 && w.breaker.State(now) == breaker.HalfOpen {
			c.trial = len(m.snaps)
		}
		m.snap(r, w, c.home, now)
	}
	return c
}

// standing is why a worker may get no work at all, or empty.
func (w *worker) standing(m *Machine, now time.Time) string {
	switch {
	case w.lost:
		return "lost"
	case w.report.State != Ready:
		return w.report.State.String()
	case !w.breaker.Allows(now):
		return "breaker open"
	case now.Sub(w.reportAt) > m.cfg.StaleAfter:
		return "stale"
	}
	return ""
}

// stalled says whether the engine has something to run and does not.
func (w *worker) stalled(m *Machine, now time.Time) bool {
	return now.Sub(w.movedAt) > m.cfg.StallAfter
}

func (w *worker) room(now time.Time) bool {
	return w.used() < max(w.report.Slots, 1) && now.Sub(w.fullAt) >= fullFor && !now.Before(w.limited)
}

// snap appends what the policy sees of w for r.
func (m *Machine) snap(r *request, w *worker, home string, now time.Time) {
	s := policy.Worker{
		Name: w.name, InFlight: w.used() + w.breaker.RecentFails(now), Slots: w.report.Slots, Weight: w.report.Weight,
		KVUse: w.report.KVUse, Latency: w.latency.Seconds(len(w.inflight) > 0, now), Turn: w.turn, Home: w.name == home,
	}
	if m.sessions != nil {
		s.Sessions = m.sessions.Count(w.name)
	}
	if m.usesTree {
		s.Rate, s.Base = w.rate, w.base
		s.Pending = w.pending(s.Rate, now)
		if n := m.index.Longest(w.index, r.Prefix); n > 0 {
			s.Cached = min(int(float64(n)*r.tokensPerBlock()), r.PromptTokens)
		}
	}
	m.snaps, m.snapOf = append(m.snaps, s), append(m.snapOf, w)
}

// tokensPerBlock is how many prompt tokens one hash of the prefix stands for.
func (r *request) tokensPerBlock() float64 {
	const whole = 1024 // pkg/prefix hashes no more blocks; a shorter chain covers the prompt
	if n := len(r.Prefix); n > 0 && n < whole && r.PromptTokens > 0 {
		return float64(r.PromptTokens) / float64(n)
	}
	return 16
}

// send dispatches r to w.
func (m *Machine) send(r *request, w *worker, now time.Time) {
	w.number++
	w.askedAt = now
	m.counts.Dispatched++
	r.phase, r.worker, r.number, r.sentAt, r.left = running, w, w.number, now, r.Expire.Sub(now)
	w.inflight[w.number] = r
	w.prompt += r.PromptTokens
	w.uncached += r.uncached
	w.since = append(w.since, sent{w.number, r.uncached})
	if w.breaker.Sent(now) {
		m.counts.Trials++
		w.trial = trial{number: w.number, output: w.report.OutputTokens, at: now}
	}
	if m.usesTree {
		r.oldPrefix = m.index.Add(w.index, r.Prefix)
	}
	m.act(Action{Kind: Send, Worker: w.name, Number: w.number, Retry: uint32(r.retries), Call: r.call()})
}
