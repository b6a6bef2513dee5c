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
	cache     lookups
	peak      time.Duration // of times to a first token, slowly forgotten
	prefill   rate
	decode    rate
}

// minPrefill is how many uncached tokens a prompt must have to tell the prefill rate: shorter ones take as long as the way
// there and one step of the engine, which would be read as a handful of tokens a second.
const minPrefill = 128

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

// lookups are prompt tokens that a server looked up in its prefix cache of late, and found there.
type lookups struct {
	queries, hits float64
	known         bool
}

// add takes in an interval; what lies further back counts less and less.
func (c *lookups) add(queries, hits float64) {
	const keep = 0.9
	c.known = true
	if queries > 0 {
		c.queries, c.hits = c.queries*keep+queries, c.hits*keep+min(hits, queries)
	}
}

func (c *lookups) share() float64 {
	if c.queries == 0 {
		return 0
	}
	return c.hits / c.queries
}

// finished books a sequence that ended well; told says that the upstream said how much of its prompt was cached. Tokens that
// the upstream's own counters count are not counted again.
func (l *load) finished(s *sequence, u *engine.Usage, t *engine.Timing, deltas int, told bool) {
	now := s.e.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	prompt, cached := u.UncachedInput+u.CacheRead, u.CacheRead
	counts := l.sample.counters
	if !l.fresh(now, s.e.cfg.MetricsInterval) {
		counts = noCounters
	}
	if counts.output < 0 {
		l.output.Add(uint64(u.Output + u.Reasoning))
	}
	if counts.prompt < 0 {
		l.prompt.Add(uint64(prompt))
		if !told && l.cache.known {
			cached = int(float64(prompt) * l.cache.share())
		}
	}
	if counts.prompt < 0 || !l.cache.known {
		l.cached.Add(uint64(cached))
	}
	const horizon = 30 // seconds of work that the rates remember
	if u.UncachedInput >= minPrefill {
		l.prefill.add(u.UncachedInput, t.Prefill, horizon)
	}
	if s.req.Stream && deltas > 1 {
		l.decode.add(u.Output+u.Reasoning, t.Decode, horizon)
	}
}

// noCounters is a server that counts nothing.
var noCounters = counters{prompt: -1, output: -1, queries: -1, hits: -1, hitRate: -1, started: -1}

// fresh says that the last sample holds; the caller has mu.
func (l *load) fresh(now, interval time.Duration) bool {
	return l.sample.known && now-l.sampledAt < 3*interval
}

// sampled takes in a read of the upstream's metrics, and what was counted since the one before.
func (l *load) sampled(s sample, now, interval time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, fresh := l.sample.counters, l.fresh(now, interval)
	l.sample, l.sampledAt = s, now
	if fresh && before.started == s.counters.started {
		l.count(before, s.counters)
	}
}

// count adds what a server counted between two reads. The first read of a server adds nothing, whatever it says: that was
// before, or another server's. So does one that fell: the server has begun anew.
func (l *load) count(before, now counters) {
	if now.hits >= 0 && now.queries >= 0 {
		if hits := rise(before.hits, now.hits); now.hits >= before.hits {
			l.cache.add(rise(before.queries, now.queries), hits)
		}
	} else if now.hitRate >= 0 {
		l.cache = lookups{queries: 1, hits: now.hitRate, known: true}
	}
	prompt := rise(before.prompt, now.prompt)
	l.prompt.Add(uint64(prompt))
	l.output.Add(uint64(rise(before.output, now.output)))
	if l.cache.known {
		l.cached.Add(uint64(prompt * l.cache.share()))
	}
}

// rise is how much a counter went up; a counter that is new, gone or fell did not.
func rise(before, now float64) float64 {
	if before < 0 || now < before {
		return 0
	}
	return now - before
}

// forget drops what was read of an upstream that may come back as another one.
func (l *load) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sample, l.cache = sample{}, lookups{}
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
// Tokens are those that the upstream counts, while its /metrics has counters for them, else those of this engine's sequences;
// of cached ones its prefix cache's hits go before what the answers' usage says.
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
	if l.fresh(e.now(), e.cfg.MetricsInterval) {
		stats.KVUse = l.sample.kv
		stats.Waiting = int(l.sample.waiting)
		stats.Running = max(int(l.sample.running), own-stats.Waiting)
	}
	return stats
}
