package worker

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leathq/leat/pkg/obs"
	"github.com/leathq/leat/services/worker/internal/frames"
	"github.com/leathq/leat/services/worker/internal/held"
)

// vllm are the worker's numbers under vLLM's names, which routers, autoscalers and dashboards read. Labels are vLLM's
// model_name and engine; a worker has one engine, "0".
type vllm struct {
	member                                *atomic.Pointer[member]
	success                               *prometheus.CounterVec
	first, gap, total, queue, pre, decode *prometheus.HistogramVec
}

var vllmLabels = []string{"model_name", "engine"}

var (
	vllmRunning  = vllmDesc("num_requests_running", "Sequences that the engine runs.")
	vllmWaiting  = vllmDesc("num_requests_waiting", "Sequences that wait in the engine.")
	vllmKV       = vllmDesc("kv_cache_usage_perc", "Use of the KV cache, 0 to 1.")
	vllmQueries  = vllmDesc("prefix_cache_queries_total", "Prompt tokens looked up in the prefix cache.")
	vllmHits     = vllmDesc("prefix_cache_hits_total", "Prompt tokens found in the prefix cache.")
	vllmPrompt   = vllmDesc("prompt_tokens_total", "Prompt tokens.")
	vllmGenerate = vllmDesc("generation_tokens_total", "Generated tokens.")
)

func vllmDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("vllm:"+name, help, vllmLabels, nil)
}

func newVLLM(reg prometheus.Registerer, member *atomic.Pointer[member]) *vllm {
	histogram := func(name, help string, buckets []float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "vllm:" + name, Help: help, Buckets: buckets}, vllmLabels)
	}
	v := &vllm{
		member: member,
		success: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "vllm:request_success_total", Help: "Sequences that ended well, by finish reason.",
		}, append(vllmLabels[:2:2], "finished_reason")),
		first:  histogram("time_to_first_token_seconds", "Time from taking a sequence to its first token.", obs.FirstTokenBuckets()),
		gap:    histogram("inter_token_latency_seconds", "Mean time between a sequence's tokens.", obs.TokenGapBuckets()),
		total:  histogram("e2e_request_latency_seconds", "Time from taking a sequence to its end.", obs.RequestBuckets()),
		queue:  histogram("request_queue_time_seconds", "Time that a sequence waits in the engine.", obs.QueueBuckets()),
		pre:    histogram("request_prefill_time_seconds", "Time of a sequence's prefill.", obs.RequestBuckets()),
		decode: histogram("request_decode_time_seconds", "Time of a sequence's decode.", obs.RequestBuckets()),
	}
	reg.MustRegister(v, v.success, v.first, v.gap, v.total, v.queue, v.pre, v.decode)
	return v
}

// finish counts a sequence that ended well.
func (v *vllm) finish(model string, o held.Outcome, p frames.Progress) {
	if !p.Finished {
		return
	}
	v.success.WithLabelValues(model, "0", string(p.Finish)).Inc()
	v.first.WithLabelValues(model, "0").Observe(o.FirstToken.Seconds())
	v.total.WithLabelValues(model, "0").Observe(o.Total.Seconds())
	v.queue.WithLabelValues(model, "0").Observe(p.Timing.Queue.Seconds())
	v.pre.WithLabelValues(model, "0").Observe(p.Timing.Prefill.Seconds())
	v.decode.WithLabelValues(model, "0").Observe(p.Timing.Decode.Seconds())
	if n := p.Tokens - 1; n > 0 {
		v.gap.WithLabelValues(model, "0").Observe(p.Last.Sub(p.First).Seconds() / float64(n))
	}
}

// Describe implements prometheus.Collector.
func (v *vllm) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{vllmRunning, vllmWaiting, vllmKV, vllmQueries, vllmHits, vllmPrompt, vllmGenerate} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (v *vllm) Collect(ch chan<- prometheus.Metric) {
	m := v.member.Load()
	if m == nil {
		return
	}
	s, model := m.engine.Stats(), m.identity.get().names[0]
	send := func(d *prometheus.Desc, t prometheus.ValueType, x float64) {
		ch <- prometheus.MustNewConstMetric(d, t, x, model, "0")
	}
	send(vllmRunning, prometheus.GaugeValue, float64(s.Running))
	send(vllmWaiting, prometheus.GaugeValue, float64(s.Waiting))
	send(vllmKV, prometheus.GaugeValue, s.KVUse)
	send(vllmQueries, prometheus.CounterValue, float64(s.PromptTokens))
	send(vllmHits, prometheus.CounterValue, float64(s.CachedTokens))
	send(vllmPrompt, prometheus.CounterValue, float64(s.PromptTokens))
	send(vllmGenerate, prometheus.CounterValue, float64(s.OutputTokens))
}
