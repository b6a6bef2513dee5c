package worker

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leathq/leat/pkg/obs"
	"github.com/leathq/leat/services/worker/internal/held"
)

// metrics are the worker's own numbers. What the engine counts is read when somebody scrapes.
type metrics struct {
	accepted, refused, panics, gaps, orphans prometheus.Counter
	outcomes                                 [held.Cancelled + 1]prometheus.Counter
	steps                                    *prometheus.HistogramVec
	notices                                  *prometheus.CounterVec
	vllm                                     *vllm
}

var verdictNames = [held.Cancelled + 1]string{"none", "done", "broken", "retry", "full", "handed_back", "fenced", "cancelled"}

func newMetrics(reg prometheus.Registerer, member *atomic.Pointer[member]) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	m := &metrics{
		accepted: counter("leat_worker_sequences_accepted_total", "Dispatches that this worker took."),
		refused:  counter("leat_worker_messages_refused_total", "Messages from the bus that could not be understood."),
		panics:   counter("leat_worker_panics_total", "Panics in sequences and handlers that the worker stopped."),
		gaps:     counter("leat_worker_stream_gaps_total", "Sequences ended because lost deltas were not in the resend ring any more."),
		orphans:  counter("leat_worker_orphans_total", "Sequences stopped because their gateway was silent."),
	}
	m.steps = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "leat_worker_step_seconds", Help: "Steps of the engine llama, by what was computed: prefill, decode or both (mixed).",
		Buckets: obs.TokenGapBuckets(),
	}, []string{"kind"})
	outcomes := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leat_worker_outcomes_total", Help: "Dispatches that ended, by what the router was told.",
	}, []string{"verdict"})
	for v, name := range verdictNames {
		m.outcomes[v] = outcomes.WithLabelValues(name)
	}
	m.notices = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leat_worker_spot_notices_total", Help: "Notices of a cloud that the machine will be taken away, and its recommendations to leave.",
	}, []string{"provider", "kind"})
	reg.MustRegister(m.accepted, m.refused, m.panics, m.gaps, m.orphans, m.steps, m.notices, outcomes, gauges{member})
	m.vllm = newVLLM(reg, member)
	return m
}

// step books a step of the engine.
func (m *metrics) step(kind string, d time.Duration) {
	m.steps.WithLabelValues(kind).Observe(d.Seconds())
}

func (m *metrics) ended(v held.Verdict) { m.outcomes[v].Inc() }

// gauges reads the worker's state when it is scraped.
type gauges struct{ member *atomic.Pointer[member] }

var (
	descHeld   = prometheus.NewDesc("leat_worker_sequences_held", "Sequences accepted and not finished.", nil, nil)
	descSlots  = prometheus.NewDesc("leat_worker_slots", "Sequences that run at once.", nil, nil)
	descState  = prometheus.NewDesc("leat_worker_state", "1 for the state that the worker is in.", []string{"state"}, nil)
	descFrames = prometheus.NewDesc("leat_worker_frames_total", "Frames sent to gateways.", nil, nil)
	descDeltas = prometheus.NewDesc("leat_worker_deltas_total", "Deltas sent to gateways, resent ones too.", nil, nil)
	descBytes  = prometheus.NewDesc("leat_worker_frame_bytes_total", "Bytes of frames sent to gateways.", nil, nil)
	descResent = prometheus.NewDesc("leat_worker_deltas_resent_total", "Deltas sent again because a gateway lacked them.", nil, nil)
	descFailed = prometheus.NewDesc("leat_worker_frames_failed_total", "Frames that the bus did not take.", nil, nil)
	descAgain  = prometheus.NewDesc("leat_worker_engine_restarts_total", "Times that the engine's process was started again.", nil, nil)
)

// Describe implements prometheus.Collector.
func (g gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descHeld, descSlots, descState, descFrames, descDeltas, descBytes, descResent, descFailed, descAgain} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (g gauges) Collect(ch chan<- prometheus.Metric) {
	m := g.member.Load()
	if m == nil {
		return
	}
	send := func(d *prometheus.Desc, t prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, t, v, labels...)
	}
	n, _ := m.table.Held()
	state, _ := m.state()
	c := m.sender.Counts()
	send(descHeld, prometheus.GaugeValue, float64(n))
	send(descSlots, prometheus.GaugeValue, float64(m.slots.Load()))
	send(descState, prometheus.GaugeValue, 1, stateName(state))
	send(descFrames, prometheus.CounterValue, float64(c.Frames))
	send(descDeltas, prometheus.CounterValue, float64(c.Deltas))
	send(descBytes, prometheus.CounterValue, float64(c.Bytes))
	send(descResent, prometheus.CounterValue, float64(c.Resent))
	send(descFailed, prometheus.CounterValue, float64(c.Failed))
	send(descAgain, prometheus.CounterValue, float64(m.engine.Stats().Restarts))
}
