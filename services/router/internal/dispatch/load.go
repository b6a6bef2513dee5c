package dispatch

import "time"

// load is what a pool's size is judged by, beside what Workers and Queued say.
type load struct {
	first   uint64
	seconds float64
}

// answered notes how long a sequence that got an answer waited for its first token, from its arrival here.
func (l *load) answered(r *request, o Outcome) {
	if o.FirstToken <= 0 || r.at.IsZero() {
		return
	}
	l.first++
	l.seconds += (r.sentAt.Sub(r.at) + o.FirstToken).Seconds()
}

// FirstTokens is how many sequences got a first token since New, and the seconds that these took together, the time in the
// queue included.
func (m *Machine) FirstTokens() (n uint64, seconds float64) { return m.load.first, m.load.seconds }

// failed counts a failure against a worker. It is taken out only while fewer than MaxEjected of the workers are: where many
// fail, the requests may be to blame, and those that are left would have to carry everything. One may always be taken out.
func (m *Machine) failed(w *worker, trial bool, now time.Time) {
	if trial || w.breaker.Tripped() || m.mayEject() {
		w.breaker.Failed(trial, now)
		return
	}
	w.breaker.Spared(now)
}

// mayEject says whether one more worker may be taken out.
func (m *Machine) mayEject() bool {
	all, out := 0, 0
	for _, w := range m.order {
		if w.lost || w.report.State != Ready {
			continue
		}
		all++
		if w.breaker.Tripped() {
			out++
		}
	}
	return out == 0 || 100*(out+1) <= m.cfg.MaxEjected*all
}
