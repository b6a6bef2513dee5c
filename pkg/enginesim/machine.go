package enginesim

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrTooLong says that a prompt does not fit into the context.
var ErrTooLong = errors.New("prompt does not fit into the context")

// Delta is one token of one sequence.
type Delta struct {
	Seq    *Seq
	Token  int32
	First  bool
	Finish Finish // set on the last one
}

// Machine is one engine. It is not safe for concurrent use. The times given to its methods must not go backwards.
type Machine struct {
	cfg      Config
	kv       *cache
	running  []*Seq
	waiting  []*Seq
	batch    []*Seq
	deltas   []Delta
	stepEnd  time.Time
	stepping bool
	stepTime time.Duration
	stats    counters
}

// New returns an idle engine.
func New(cfg Config) (*Machine, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("simulated engine: %w", err)
	}
	return &Machine{cfg: cfg, kv: newCache(cfg.KVBlocks)}, nil
}

// Add queues a sequence, and begins a step where the engine was idle. A Seq must not be added again before it ended.
func (m *Machine) Add(s *Seq, now time.Time) error {
	if len(s.Prompt) == 0 {
		return errors.New("the prompt is empty: at least one token is needed")
	}
	if limit := m.cfg.ContextLen(); len(s.Prompt) >= limit {
		return fmt.Errorf("%w: %d tokens, and the context holds %d with at least one for the answer",
			ErrTooLong, len(s.Prompt), limit)
	}
	s.tokens = append(make([]int32, 0, len(s.Prompt)+64), s.Prompt...)
	s.Arrived, s.state = now, waiting
	m.waiting = append(m.waiting, s)
	m.begin(now)
	return nil
}

// Cancel takes a sequence out wherever it is; its slot and its blocks are free at once, the step that runs keeps its
// length. It does nothing for a sequence that has ended.
func (m *Machine) Cancel(s *Seq, now time.Time) {
	if s.state == outside {
		return
	}
	m.remove(s)
	s.Ended = now
	m.begin(now)
}

// Hold leaves a sequence out of the coming steps, the one that runs included; it keeps its slot and its blocks.
func (m *Machine) Hold(s *Seq) { s.held = true }

// Resume takes a held sequence back into the steps.
func (m *Machine) Resume(s *Seq, now time.Time) {
	s.held = false
	m.begin(now)
}

// Next is when the step that runs ends. ok is false while there is nothing to do.
func (m *Machine) Next() (at time.Time, ok bool) { return m.stepEnd, m.stepping }

// Step ends the step that runs, where its time has come, begins the next one, and returns what the ended one produced.
// The slice is valid until the next call. A driver that is late by less than one step keeps the engine's pace: the next
// step begins when the last one ended; one that is later than that loses the time.
func (m *Machine) Step(now time.Time) []Delta {
	m.deltas = m.deltas[:0]
	if !m.stepping || now.Before(m.stepEnd) {
		return nil
	}
	start := m.stepEnd
	if now.Sub(start) > m.stepTime {
		start = now
	}
	m.stepping = false
	for _, s := range m.batch {
		if s.state == running && s.batch > 0 && !s.held {
			m.advance(s, m.stepEnd)
		}
		s.batch = 0
	}
	m.stats.step(m.stepTime)
	m.begin(start)
	return m.deltas
}

// advance books what one step computed for a sequence, and samples where its prompt is done.
func (m *Machine) advance(s *Seq, now time.Time) {
	if s.prefill {
		m.stats.prefilled(s.batch)
	}
	s.computed += s.batch
	m.publish(s)
	if s.computed < len(s.tokens) {
		return
	}
	token, last := int32(s.Output), false
	if s.Sample != nil {
		token, last = s.Sample()
	}
	s.tokens = append(s.tokens, token)
	s.Output++
	m.stats.sampled(s.prefill)
	d := Delta{Seq: s, Token: token, First: s.Output == 1}
	if d.First {
		s.First = now
	}
	switch {
	case last:
		d.Finish = FinishStop
	case s.Output == s.MaxTokens || len(s.tokens) >= m.cfg.ContextLen():
		d.Finish = FinishLength
	}
	if d.Finish != FinishNone {
		m.remove(s)
		s.Ended = now
	}
	m.deltas = append(m.deltas, d)
}

// publish makes the full blocks up to computed findable for other sequences.
func (m *Machine) publish(s *Seq) {
	if m.cfg.NoCache {
		return
	}
	s.blockHashes(s.computed, m.cfg.BlockSize)
	for len(s.shared) < s.computed/m.cfg.BlockSize {
		s.shared = append(s.shared, m.kv.publish(s.hashes[len(s.shared)]))
		s.private--
	}
}

// remove frees what a sequence holds and takes it from its list.
func (m *Machine) remove(s *Seq) {
	m.free(s)
	is := func(o *Seq) bool { return o == s }
	if s.state == running {
		m.running = slices.DeleteFunc(m.running, is)
	} else {
		m.waiting = slices.DeleteFunc(m.waiting, is)
	}
	s.state = outside
}

// free gives the blocks back, the tail first so that it is evicted first.
func (m *Machine) free(s *Seq) {
	m.kv.used -= s.private
	s.private = 0
	for _, b := range slices.Backward(s.shared) {
		m.kv.release(b)
	}
	s.shared = s.shared[:0]
	s.computed = 0
}

// ContextLen is the number of tokens that a sequence may hold, prompt and output.
func (m *Machine) ContextLen() int { return m.cfg.ContextLen() }
