package dispatch

import "time"

const (
	// probeAfter is for how long a worker must have got nothing to be probed.
	probeAfter = 2 * time.Second
	// probeEvery is how many dispatches of the machine lie between two probes, so that probes move no percentile that
	// people look at, whatever the load.
	probeEvery = 200
)

// probe returns the snapshot of a worker that is passed over since it was slow once, and should get r to find out
// whether it still is; −1: none. Nothing else tells: rates are learnt from answers, and old ones lose their say in half a
// minute only. pick is the policy's choice for r.
func (m *Machine) probe(r *request, pick int, now time.Time) int {
	if !m.learns || len(r.avoid) > 0 || m.counts.Dispatched < m.probed+probeEvery {
		return -1
	}
	best := m.unloaded(r, pick)
	for i, w := range m.snapOf {
		if i != pick && now.Sub(w.askedAt) >= probeAfter && m.unloaded(r, i) > 2*best {
			m.probed = m.counts.Dispatched
			return i
		}
	}
	return -1
}

// unloaded is the time in seconds that a worker should take to the first token of r if it had nothing else to
// do, and nothing of it cached.
func (m *Machine) unloaded(r *request, i int) float64 {
	s := &m.snaps[i]
	return s.Base + float64(max(r.PromptTokens, 1))/max(s.Rate, 1)
}

// recovered forgets what was learnt of a worker that answered a probe in less than half the time that was expected of
// it: it is not what it was.
func (w *worker) recovered(r *request, prefill time.Duration) {
	if r.probe && prefill.Seconds() < (w.base+float64(r.uncached)/max(w.rate, 1))/2 {
		w.rates.Forget()
	}
}
