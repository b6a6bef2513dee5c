package dispatch

import "time"

const (
	// probeAfter is for how long a worker must have got nothing to be probed.
	probeAfter = 2 * time.Second
	// probeEvery is how many dispatches of the machine lie between two probes, so that probes move no percentile that
	// people look at, whatever the load.
	probeEvery = 200
	// probeSlower is how much slower than the pick a worker must seem to be probed: what is nearer gets requests anyway,
	// as soon as the pick has something to do.
	probeSlower = 1.1
)

// probe returns the snapshot of a worker that is passed over since it was slow once, and should get r to find out
// whether it still is; −1: none. below is the time in seconds to the first token that tells that it is not: nearer to the
// pick's than to what was expected of it. Nothing else tells: rates are learnt from answers, and old ones lose their say in
// half a minute only. pick is the policy's choice for r.
func (m *Machine) probe(r *request, pick int, now time.Time) (i int, below float64) {
	if !m.learns || len(r.avoid) > 0 || m.counts.Dispatched < m.probed+probeEvery {
		return -1, 0
	}
	best := m.unloaded(r, pick)
	for i, w := range m.snapOf {
		if slow := m.unloaded(r, i); i != pick && now.Sub(w.askedAt) >= probeAfter && slow > probeSlower*best {
			m.probed = m.counts.Dispatched
			return i, (slow + best) / 2
		}
	}
	return -1, 0
}

// unloaded is the time in seconds that a worker should take to the first token of r if it had nothing else to
// do, and nothing of it cached.
func (m *Machine) unloaded(r *request, i int) float64 {
	s := &m.snaps[i]
	return s.Base + float64(max(r.PromptTokens, 1))/max(s.Rate, 1)
}

// observe learns that r needed prefill for its uncached tokens. A worker that answered a probe fast is not what it was:
// what was learnt of it is forgotten, and what it had begun before the probe, and ends only now, says nothing of it any more.
func (w *worker) observe(r *request, uncached int, prefill time.Duration, now time.Time) {
	if r.number < w.changed {
		return
	}
	if prefill.Seconds() < r.probe {
		w.changed = r.number
		w.rates.Forget()
	}
	w.rates.Observe(uncached, prefill, now)
}
