package router

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	routerv1 "github.com/leathq/leat/proto/gen/leat/router/v1"
)

// sizeMetrics shows the decisions of this router; one that does not own a pool's first partition says nothing of it, so
// that no pool is counted twice.
type sizeMetrics struct {
	r                                  *Router
	desired, replicas, verdict, signal *prometheus.Desc
}

func newSizeMetrics(r *Router) *sizeMetrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("leat_router_scaling_"+name, help, append([]string{"pool"}, labels...), nil)
	}
	return &sizeMetrics{
		r:        r,
		desired:  desc("desired_replicas", "Workers that the pool should have."),
		replicas: desc("replicas", "Workers that it has: those that start, are ready or unhealthy."),
		verdict:  desc("verdict", "1 for what should become of its size: hold, up, down or batching_suboptimal.", "verdict"),
		signal: desc("signal", "What that was decided by: queued, running, ready, max_batch, gpu_use, gpu_memory, ttft_seconds, "+
			"ttft_usual_seconds, tokens_per_second, tokens_usual, load, load_usual.", "signal"),
	}
}

// Describe implements prometheus.Collector.
func (m *sizeMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.desired, m.replicas, m.verdict, m.signal} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *sizeMetrics) Collect(ch chan<- prometheus.Metric) {
	for _, p := range m.r.allPools() {
		if d := p.decision(time.Now()); d.GetRouter() == m.r.id {
			m.send(ch, d)
		}
	}
}

func (m *sizeMetrics) send(ch chan<- prometheus.Metric, d *routerv1.ScalingDecided) {
	gauge := func(desc *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v, append([]string{d.GetPool()}, labels...)...)
	}
	gauge(m.desired, float64(d.GetDesired()))
	gauge(m.replicas, float64(d.GetReplicas()))
	for _, v := range verdictsOf {
		is := 0.0
		if d.GetVerdict() == v {
			is = 1
		}
		gauge(m.verdict, is, strings.ReplaceAll(verdictName(v), " ", "_"))
	}
	s := d.GetSignals()
	for name, v := range map[string]float64{
		"queued": float64(s.GetQueued()), "running": float64(s.GetRunning()), "ready": float64(s.GetReady()), "max_batch": float64(s.GetMaxBatch()),
		"ttft_seconds": s.GetTtftSeconds(), "ttft_usual_seconds": s.GetTtftUsualSeconds(), "tokens_per_second": s.GetTokensPerSecond(),
		"tokens_usual": s.GetTokensUsual(), "load": s.GetLoad(), "load_usual": s.GetLoadUsual(),
	} {
		gauge(m.signal, v, name)
	}
	if s.GpuUse != nil {
		gauge(m.signal, s.GetGpuUse(), "gpu_use")
	}
	if s.GpuMemory != nil {
		gauge(m.signal, s.GetGpuMemory(), "gpu_memory")
	}
}
