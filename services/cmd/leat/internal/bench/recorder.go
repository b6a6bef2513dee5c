package bench

import (
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// recorder adds up what the callers see. All methods are safe for concurrent use.
//
// Two views are kept apart. Latencies belong to the requests that were meant to leave inside the window, however late
// they end. Rates count what ended (or, for tokens, arrived) inside the window, whenever it began; otherwise long
// answers would make a steady server look slow.
type recorder struct {
	slo      SLO
	from     time.Time
	to       atomic.Pointer[time.Time] // nil while open
	latency  *Histogram                // intended → end
	service  *Histogram                // sent → end
	lag      *Histogram                // intended → sent
	ttft     *Histogram                // intended → first token
	tpot     *Histogram
	gaps     *Histogram
	series   *series
	measured struct{ sent, good, ok, failed, prompt, cached, completion atomic.Int64 }
	window   struct{ ended, tokens atomic.Int64 }

	interrupted              atomic.Int64
	refusals, withRetryAfter atomic.Int64

	mu       sync.Mutex
	failures map[string]*ErrorCount
	lastEnd  time.Time
	retryMax int64
}

func newRecorder(cfg *Config, from time.Time) *recorder {
	r := &recorder{slo: cfg.SLO, from: from, failures: map[string]*ErrorCount{}, series: newSeries(from, cfg.Duration)}
	for _, h := range []**Histogram{&r.latency, &r.service, &r.lag, &r.ttft, &r.tpot, &r.gaps} {
		*h = NewHistogram(7)
	}
	return r
}

// closeAt ends the window; the earliest call holds.
func (r *recorder) closeAt(t time.Time) {
	for {
		old := r.to.Load()
		if old != nil && !t.Before(*old) || r.to.CompareAndSwap(old, &t) {
			return
		}
	}
}

func (r *recorder) inWindow(t time.Time) bool {
	to := r.to.Load()
	return !t.Before(r.from) && (to == nil || t.Before(*to))
}

// tokens counts output tokens at their arrival.
func (r *recorder) tokens(at time.Time, n int64) {
	if r.inWindow(at) {
		r.window.tokens.Add(n)
		r.series.tokens(at, n)
	}
}

// gap counts the time between two pieces of one answer.
func (r *recorder) gap(o *outcome, d time.Duration) {
	if !o.intended.Before(r.from) {
		r.gaps.Record(d)
	}
}

// finished counts a request that ended well or badly.
func (r *recorder) finished(o *outcome) {
	if more := o.tokens() - o.pieces; more != 0 && o.failure == nil {
		r.tokens(o.end, more) // the server's own count; an answer that is not streamed has only that
	}
	if o.failure == nil && r.inWindow(o.end) {
		r.window.ended.Add(1)
	}
	r.series.ended(o, r.inWindow(o.end))
	r.mu.Lock()
	if o.end.After(r.lastEnd) {
		r.lastEnd = o.end
	}
	r.mu.Unlock()
	if o.intended.Before(r.from) {
		return
	}
	r.measured.sent.Add(1)
	r.lag.Record(o.sent.Sub(o.intended))
	if o.failure != nil {
		r.failed(o)
		return
	}
	r.succeeded(o)
}

func (r *recorder) succeeded(o *outcome) {
	r.measured.ok.Add(1)
	r.measured.prompt.Add(o.usage.prompt)
	r.measured.cached.Add(o.usage.cached)
	r.measured.completion.Add(o.tokens())
	latency := o.end.Sub(o.intended)
	r.latency.Record(latency)
	r.service.Record(o.end.Sub(o.sent))
	good := r.slo.E2E == 0 || latency <= r.slo.E2E
	if !o.first.IsZero() {
		ttft := o.first.Sub(o.intended)
		r.ttft.Record(ttft)
		good = good && (r.slo.TTFT == 0 || ttft <= r.slo.TTFT)
	}
	if n := o.tokens(); o.pieces > 1 && n > 1 {
		tpot := o.last.Sub(o.first) / time.Duration(n-1)
		r.tpot.Record(tpot)
		good = good && (r.slo.TPOT == 0 || tpot <= r.slo.TPOT)
	}
	if good {
		r.measured.good.Add(1)
	}
}

func (r *recorder) failed(o *outcome) {
	r.measured.failed.Add(1)
	seconds, err := strconv.ParseInt(o.retry, 10, 64)
	if o.refused {
		r.refusals.Add(1)
		if o.retry != "" {
			r.withRetryAfter.Add(1)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.retryMax = max(r.retryMax, seconds)
	}
	entry := r.failures[o.failure.key()]
	if entry == nil {
		const shown = 300
		message := o.failure.message
		if len(message) > shown {
			message = message[:shown] + "…"
		}
		entry = &ErrorCount{Class: o.failure.class, Status: o.failure.status, Code: o.failure.code, Example: message}
		r.failures[o.failure.key()] = entry
	}
	entry.Count++
}

// errors lists the failures, most frequent first.
func (r *recorder) errors() []ErrorCount {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]ErrorCount, 0, len(r.failures))
	for _, e := range r.failures {
		list = append(list, *e)
	}
	sort.Slice(list, func(i, j int) bool {
		if list[i].Count != list[j].Count {
			return list[i].Count > list[j].Count
		}
		return list[i].Class+list[i].Code < list[j].Class+list[j].Code
	})
	return list
}
