package dispatch

import (
	"slices"
	"time"
)

// Pick is one decision with the scores that led to it.
type Pick struct {
	At      time.Time
	Key     Key
	Policy  string
	Worker  string
	Reason  string
	Weighed []Weighed

	RequestID string
	Tokens    int // of the prompt
}

// Weighed is one worker at a pick.
type Weighed struct {
	Worker   string
	Score    float64 // in the policy's unit; lower is better
	Cached   int     // prompt tokens
	InFlight int
	Slots    int
	Pending  int // prompt tokens
	Rate     float64
	Base     float64 // seconds
	KVUse    float64
	Weight   int
	Latency  float64 // seconds
	Sessions int
	Excluded string // why it could not be picked; its score is then 0
}

// explain is a ring of the last picks; its slots are reused.
type explain struct {
	ring []Pick
	next int
}

func (e *explain) record(r *request, m *Machine, choice int, reason string, now time.Time) {
	p := &e.ring[e.next%len(e.ring)]
	e.next++
	p.At, p.Key, p.Policy, p.Reason = now, r.Key, m.cfg.Policy.Name(), reason
	p.Worker, p.RequestID, p.Tokens = m.snapOf[choice].name, r.RequestID, r.PromptTokens
	p.Weighed = p.Weighed[:0]
	for i := range m.snaps {
		s := &m.snaps[i]
		p.Weighed = append(p.Weighed, Weighed{
			Worker: m.snapOf[i].name, Score: m.scores[i], Cached: s.Cached,
			InFlight: s.InFlight, Slots: s.Slots, Pending: s.Pending, Rate: s.Rate, Base: s.Base, KVUse: s.KVUse,
			Weight: s.Weight, Latency: s.Latency, Sessions: s.Sessions,
		})
	}
	if len(m.snaps) == len(m.order) {
		return
	}
	for _, w := range m.order {
		if !slices.Contains(m.snapOf, w) {
			p.Weighed = append(p.Weighed, Weighed{
				Worker: w.name, InFlight: w.used(), Slots: w.report.Slots, Excluded: w.excluded(m, r, now),
			})
		}
	}
}

// excluded is why w gets no work, or not r where that is given; empty where it may.
func (w *worker) excluded(m *Machine, r *request, now time.Time) string {
	switch why := w.standing(m, now); {
	case why != "":
		return why
	case now.Before(w.limited):
		return "limited by its upstream"
	case !w.room(now):
		return "full"
	case w.stalled(m, now):
		return "engine stands still"
	case r != nil && !w.serves(r.Model):
		return "does not serve the model"
	case r != nil:
		return "failed it before"
	}
	return ""
}

// Explain returns up to n of the last picks, newest first. They are copies.
func (m *Machine) Explain(n int) []Pick {
	e := &m.picks
	n = min(n, e.next, len(e.ring))
	out := make([]Pick, n)
	for i := range out {
		out[i] = e.ring[(e.next-1-i)%len(e.ring)]
		out[i].Weighed = append([]Weighed(nil), out[i].Weighed...)
	}
	return out
}

// WorkerView is a worker as the machine sees it.
type WorkerView struct {
	Report   Report
	At       time.Time
	InFlight int // of this machine
	Others   int // of other routers
	Breaker  string
	Excluded string // why it gets no work; empty where it does
}

// Workers lists the known workers in order of arrival.
func (m *Machine) Workers(now time.Time) []WorkerView {
	out := make([]WorkerView, 0, len(m.order))
	for _, w := range m.order {
		v := WorkerView{
			Report: w.report, At: w.reportAt, InFlight: len(w.inflight), Others: w.others,
			Breaker: w.breaker.State(now).String(), Excluded: w.excluded(m, nil, now),
		}
		out = append(out, v)
	}
	return out
}
