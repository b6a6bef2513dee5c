package enginesim

import "time"

// Stats is a snapshot of an engine's load, with vLLM's meaning of running and waiting.
type Stats struct {
	Running      int
	Waiting      int
	QueuedTokens int     // prompt tokens that are not computed yet, of waiting and of running sequences
	KVUse        float64 // blocks that sequences hold, 0..1; idle cached blocks are free
	PrefillRate  float64 // tokens/s; 0 before the first prefill
	DecodeRate   float64 // tokens/s over all sequences, moving average over about a second of decoding; 0 before
	PromptTokens uint64  // since the start, counted when a sequence is admitted
	CachedTokens uint64  // of PromptTokens
	OutputTokens uint64
	Steps        uint64
	Preemptions  uint64
}

// counters collects what Stats reports.
type counters struct {
	Stats
	prefillSeen bool
	decoded     int     // tokens that the step in hand decoded
	tokens      float64 // decayed sums over decode steps
	seconds     float64
}

func (c *counters) prefilled(n int) { c.prefillSeen = c.prefillSeen || n > 0 }

func (c *counters) sampled(prefill bool) {
	c.OutputTokens++
	if !prefill {
		c.decoded++
	}
}

// step folds in one ended step.
func (c *counters) step(took time.Duration) {
	c.Steps++
	if c.decoded > 0 {
		const horizon = 1.0 // seconds of decoding that the average remembers
		keep := max(0, 1-took.Seconds()/horizon)
		c.tokens = c.tokens*keep + float64(c.decoded)
		c.seconds = c.seconds*keep + took.Seconds()
		c.decoded = 0
	}
}

// Stats returns the load as of the last call that took a time.
func (m *Machine) Stats() Stats {
	s := m.stats.Stats
	s.Running, s.Waiting = len(m.running), len(m.waiting)
	s.KVUse = float64(m.kv.used) / float64(m.kv.total)
	if m.stats.prefillSeen {
		s.PrefillRate = m.cfg.PrefillRate
	}
	if m.stats.seconds > 0 {
		s.DecodeRate = m.stats.tokens / m.stats.seconds
	}
	for _, q := range m.waiting {
		s.QueuedTokens += len(q.tokens)
	}
	for _, q := range m.running {
		if q.Output == 0 {
			s.QueuedTokens += len(q.tokens) - q.computed
		}
	}
	return s
}
