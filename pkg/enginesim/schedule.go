package enginesim

import (
	"slices"
	"time"
)

// begin composes and starts a step, where none runs and there is something to compute.
func (m *Machine) begin(now time.Time) {
	if m.stepping {
		return
	}
	m.batch = m.batch[:0]
	budget := m.cfg.ChunkTokens
	preemptions := m.stats.Preemptions
	budget = m.continueRunning(budget)
	if m.stats.Preemptions == preemptions {
		m.admit(budget, now) // not in the same step, or what was just preempted would come straight back
	}
	if len(m.batch) == 0 {
		return
	}
	m.stepTime = m.cost()
	m.stepEnd, m.stepping = now.Add(m.stepTime), true
}

// cost is how long the composed step takes.
func (m *Machine) cost() time.Duration {
	decodes, prefill := 0, 0
	for _, s := range m.batch {
		if s.prefill {
			prefill += s.batch
		} else {
			decodes++
		}
	}
	return m.cfg.StepBase + time.Duration(decodes)*m.cfg.StepPerSeq +
		time.Duration(float64(prefill)/m.cfg.PrefillRate*float64(time.Second))
}

// continueRunning puts the running sequences into the batch, oldest first, and returns the budget that is left.
func (m *Machine) continueRunning(budget int) int {
	for i := 0; i < len(m.running) && budget > 0; i++ {
		s := m.running[i]
		if s.held {
			continue
		}
		n := min(len(s.tokens)-s.computed, budget)
		if !m.grow(s, s.computed+n) {
			continue // it was preempted itself
		}
		m.put(s, n)
		budget -= n
	}
	return budget
}

// grow gives a sequence the blocks that n tokens need, taking them from the youngest running ones. It returns false
// where the sequence itself was the youngest.
func (m *Machine) grow(s *Seq, n int) bool {
	for {
		need := m.blocks(n) - len(s.shared) - s.private
		if need <= 0 {
			return true
		}
		if m.kv.reserve(need) {
			s.private += need
			return true
		}
		victim := m.running[len(m.running)-1]
		m.preempt(victim)
		if victim == s {
			return false
		}
	}
}

// preempt takes a sequence's blocks and puts it back to the head of the queue; it computes its KV again later.
func (m *Machine) preempt(s *Seq) {
	m.free(s)
	m.running = m.running[:len(m.running)-1]
	m.batch = slices.DeleteFunc(m.batch, func(o *Seq) bool { return o == s })
	s.state, s.batch = waiting, 0
	s.Preempted++
	m.stats.Preemptions++
	m.waiting = slices.Insert(m.waiting, 0, s)
}

// admit takes sequences from the queue while there is a slot, budget and room in the KV cache.
func (m *Machine) admit(budget int, now time.Time) {
	taken := 0
	for taken < len(m.waiting) && budget > 0 && len(m.running) < m.cfg.Slots {
		s := m.waiting[taken]
		if !m.place(s) {
			break
		}
		taken++
		s.state = running
		m.running = append(m.running, s)
		if s.Started.IsZero() {
			s.Started, s.Cached = now, s.computed
			m.stats.PromptTokens += uint64(len(s.Prompt))
			m.stats.CachedTokens += uint64(s.computed)
		}
		if s.held {
			continue
		}
		n := min(len(s.tokens)-s.computed, budget)
		m.put(s, n)
		budget -= n
	}
	if taken > 0 {
		m.waiting = slices.Delete(m.waiting, 0, taken)
	}
}

// place gives a sequence the cached blocks of its prefix and private ones for the rest, or nothing.
func (m *Machine) place(s *Seq) bool {
	s.shared, s.computed = s.shared[:0], 0
	if !m.cfg.NoCache {
		usable := (len(s.tokens) - 1) / m.cfg.BlockSize // one token at least is computed, to sample from
		s.blockHashes(usable*m.cfg.BlockSize, m.cfg.BlockSize)
		for _, h := range s.hashes[:usable] {
			b := m.kv.share(h)
			if b == nil {
				break
			}
			s.shared = append(s.shared, b)
		}
	}
	need := m.blocks(len(s.tokens)) - len(s.shared)
	if !m.kv.reserve(need) {
		m.free(s)
		return false
	}
	s.private, s.computed = need, len(s.shared)*m.cfg.BlockSize
	return true
}

func (m *Machine) put(s *Seq, n int) {
	s.batch = n
	s.prefill = s.Output == 0 || n > 1
	m.batch = append(m.batch, s)
}

func (m *Machine) blocks(tokens int) int { return (tokens + m.cfg.BlockSize - 1) / m.cfg.BlockSize }
