package router

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leathq/leat/pkg/obs"
	"github.com/leathq/leat/services/router/internal/dispatch"
)

// metrics are the router's numbers. What a pool's machine counts is read when it is scraped.
type metrics struct {
	r           *Router
	queue       *prometheus.HistogramVec
	refusals    *prometheus.CounterVec
	claims      prometheus.Counter
	stepDowns   prometheus.Counter
	undecodable prometheus.Counter

	queued, tokens, running, workers, owned, index *prometheus.Desc
	totals                                         *prometheus.Desc
}

func newMetrics(reg prometheus.Registerer, r *Router) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, append([]string{"pool"}, labels...), nil)
	}
	m := &metrics{
		r: r,
		queue: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "llm_queue_seconds", Help: "Time from a sequence's arrival at its router to each dispatch.", Buckets: obs.QueueBuckets(),
		}, []string{"pool"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "leat_router_refused_total", Help: "Sequences refused, by code: queue_full, queue_timeout, no_worker, worker_failed.",
		}, []string{"pool", "code"}),
		claims:      counter("leat_router_claims_total", "Partitions claimed."),
		stepDowns:   counter("leat_router_step_downs_total", "Partitions lost to another router, or given up because the leases were out of reach."),
		undecodable: counter("leat_router_undecodable_total", "Messages that could not be decoded."),
		queued:      desc("llm_queue_depth", "Sequences that wait for a worker."),
		tokens:      desc("leat_router_queued_tokens", "Prompt and output tokens that wait for a worker."),
		running:     desc("leat_router_dispatched", "Sequences that workers hold for this router."),
		workers:     desc("leat_router_workers", "Workers, by state and by what keeps work from them (none, breaker open, stale, full, …).", "state", "excluded"),
		owned:       desc("leat_router_partitions_owned", "Partitions that this router owns."),
		index:       desc("leat_router_prefix_index_bytes", "Memory of the index of prompt prefixes that workers have cached."),
		totals:      desc("leat_router_sequences_total", "Sequences by what happened: submitted, dispatched, retried, withdrawn, lost, trial.", "event"),
	}
	reg.MustRegister(m.queue, m.refusals, m.claims, m.stepDowns, m.undecodable, m)
	return m
}

func (m *metrics) refused(pool string, code dispatch.Code) {
	m.refusals.WithLabelValues(pool, string(code)).Inc()
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.queued, m.tokens, m.running, m.workers, m.owned, m.index, m.totals} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	for _, p := range m.r.allPools() {
		p.collect(m, ch)
	}
}

func (p *pool) collect(m *metrics, ch chan<- prometheus.Metric) {
	p.mu.Lock()
	defer p.mu.Unlock()
	gauge := func(d *prometheus.Desc, v int, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), append([]string{p.name}, labels...)...)
	}
	gauge(m.queued, p.m.Queued())
	gauge(m.tokens, p.m.QueuedTokens())
	gauge(m.running, p.m.Dispatched())
	gauge(m.owned, len(p.owned))
	gauge(m.index, p.m.IndexBytes())
	type group struct{ state, excluded string }
	groups := map[group]int{}
	for _, w := range p.m.Workers(time.Now()) {
		g := group{w.Report.State.String(), w.Excluded}
		if g.excluded == "" {
			g.excluded = "none"
		}
		groups[g]++
	}
	for g, n := range groups {
		gauge(m.workers, n, g.state, g.excluded)
	}
	c := p.m.Counts()
	for event, n := range map[string]uint64{
		"submitted": c.Submitted, "dispatched": c.Dispatched, "retried": c.Retried,
		"withdrawn": c.Withdrawn, "lost": c.Lost, "trial": c.Trials,
	} {
		ch <- prometheus.MustNewConstMetric(m.totals, prometheus.CounterValue, float64(n), p.name, event)
	}
}
