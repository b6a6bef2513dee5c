package openai

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// load counts what went through.
type load struct {
	progress atomic.Int64 // Engine.now of the last sign of life of any sequence
	steps    atomic.Uint64
	prompt   atomic.Uint64
	cached   atomic.Uint64
	output   atomic.Uint64

	mu        sync.Mutex
	sample    sample
	sampledAt time.Duration
	peak      time.Duration // of times to a first token, slowly forgotten
	prefill   rate
	decode    rate
}

// rate is a quotient of two sums that forget: the weight of what was added halves with every half-life of time added.
type rate struct{ tokens, seconds float64 }

func (r *rate) add(tokens int, d time.Duration, horizon float64) {
	s := d.Seconds()
	if tokens <= 0 || s <= 0 {
		return
	}
	keep := max(0, 1-s/horizon)
	r.tokens = r.tokens*keep + float64(tokens)
	r.seconds = r.seconds*keep + s
}

func (r *rate) value() float64 {
	if r.seconds == 0 {
		return 0
	}
	return r.tokens / r.seconds
}

// finished books a sequence that ended well.
func (l *load) finished(s *sequence, u *engine.Usage, t *engine.Timing, deltas int) {
	l.prompt.Add(uint64(u.UncachedInput + u.CacheRead))
	l.cached.Add(uint64(u.CacheRead))
	l.output.Add(uint64(u.Output + u.Reasoning))
	l.mu.Lock()
	defer l.mu.Unlock()
	const horizon = 30 // seconds of work that the rates remember
	l.prefill.add(u.UncachedInput, t.Prefill, horizon)
	if s.req.Stream && deltas > 1 {
		l.decode.add(u.Output+u.Reasoning, t.Decode, horizon)
	}
}

func (l *load) sampled(s sample, now time.Duration) {
	l.mu.Lock()
	l.sample, l.sampledAt = s, now
	l.mu.Unlock()
}

// generatedFirst books a sequence's first token.
func (s *sequence) generatedFirst() {
	took := s.e.now() - s.started
	s.ttft.Store(int64(took))
	s.first.Store(true)
	l := &s.e.load
	l.mu.Lock()
	l.peak = max(took, l.peak-l.peak/64)
	l.mu.Unlock()
}

// firstPeak is about the longest that first tokens have taken lately; 0 where there was none.
func (l *load) firstPeak() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.peak
}

// firstAfter is the time to the first token, 0 where there was none.
func (s *sequence) firstAfter() time.Duration { return time.Duration(s.ttft.Load()) }

// Stats implements engine.Engine. Running and Waiting count the upstream's sequences, other clients' included, where
// its /metrics was read within the last three intervals; else the sequences of this engine, all of them as running.
// QueuedTokens is estimated from the size of the prompts that have no first token yet.
func (e *Engine) Stats() engine.Stats {
	state, message, _ := e.health.get()
	l := &e.load
	stats := engine.Stats{
		PromptTokens: l.prompt.Load(), CachedTokens: l.cached.Load(), OutputTokens: l.output.Load(),
		Steps: l.steps.Load(), Healthy: state == healthy, HealthMessage: message,
	}
	if e.server != nil {
		stats.Restarts = e.server.Restarts()
	}
	own := 0
	e.calls.each(func(s *sequence) {
		own++
		if relaysStream(s.req) && !s.first.Load() {
			stats.QueuedTokens += s.prompt
		}
	})
	stats.Running = own
	l.mu.Lock()
	defer l.mu.Unlock()
	stats.PrefillRate = l.prefill.value()
	stats.DecodeRate = l.decode.value() * float64(max(1, own))
	if l.sample.known && e.now()-l.sampledAt < 3*e.cfg.MetricsInterval {
		stats.KVUse = l.sample.kv
		stats.Waiting = int(l.sample.waiting)
		stats.Running = max(int(l.sample.running), own-stats.Waiting)
	}
	return stats
}
