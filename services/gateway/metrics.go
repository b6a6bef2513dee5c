package gateway

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leathq/leat/pkg/obs"
)

// metrics of the edge, with the names that users know (design §10).
type metrics struct {
	requests    *prometheus.CounterVec
	duration    *prometheus.HistogramVec
	first       *prometheus.HistogramVec
	perToken    *prometheus.HistogramVec
	queue       *prometheus.HistogramVec
	tokens      *prometheus.CounterVec
	input       *prometheus.CounterVec
	active      *prometheus.GaugeVec
	timeouts    *prometheus.CounterVec
	fallbacks   *prometheus.CounterVec
	mirrored    *prometheus.CounterVec
	copied      *prometheus.CounterVec
	hedges      *prometheus.CounterVec
	hedgeTokens *prometheus.CounterVec
	gaps        prometheus.Counter
	lost        prometheus.Counter
	resubmitted prometheus.Counter
	undecodable prometheus.Counter
	models      sync.Map // model → *modelMetrics
}

// modelMetrics are a model's handles, looked up once.
type modelMetrics struct {
	first, perToken, queue   prometheus.Observer
	output, cached, uncached prometheus.Counter
	active                   prometheus.Gauge
	streamed, whole          prometheus.Observer
	ok                       prometheus.Counter
}

func newMetrics(r prometheus.Registerer, g *Gateway) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		r.MustRegister(v)
		return v
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
		r.MustRegister(v)
		return v
	}
	m := &metrics{
		requests:  counter("llm_requests_total", "Requests that ended, by model and HTTP status (200 with error: an in-band error).", "model", "status"),
		duration:  histogram("llm_request_duration_seconds", "From a request's arrival to its end.", obs.RequestBuckets(), "model", "stream"),
		first:     histogram("llm_time_to_first_token_seconds", "From a request's arrival to its first token.", obs.FirstTokenBuckets(), "model"),
		perToken:  histogram("llm_time_per_output_token_seconds", "Mean time of each token after the first (TPOT).", obs.TokenGapBuckets(), "model"),
		queue:     histogram("llm_request_queue_seconds", "From submission to a worker's acceptance.", obs.QueueBuckets(), "model"),
		tokens:    counter("llm_tokens_generated_total", "Generated tokens.", "model"),
		input:     counter("llm_tokens_prompt_total", "Prompt tokens, by where they came from.", "model", "source"),
		fallbacks: counter("llm_fallbacks_total", "Models that could not answer a request for a route, by the code of their error; fixed: the fixed answer was given.", "model", "code"),
		mirrored:  counter("llm_mirrored_requests_total", "Copies of a route's requests for its mirrors, by how they ended: ok, the code of the error, limit (not made: too many were under way) or stopped.", "model", "target", "outcome"),
		copied:    counter("llm_mirrored_tokens_total", "Tokens of such copies, prompt or output; they are part of the target's llm_tokens_…, too.", "model", "target", "type"),
		hedges:    counter("llm_hedges_total", "Sequences that were late with their first token, by what became of a second run: won, lost, refused (no room for it, or its worker failed it), cancelled (the client left) or budget (not tried).", "pool", "outcome"),
		timeouts:  counter("llm_timeouts_total", "Sequences ended by a time-out, by which.", "timeout"),
	}
	m.hedgeTokens = counter("llm_hedge_prompt_tokens_total", "Prompt tokens, as estimated, of the runs that were overtaken.", "pool")
	m.active = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "llm_active_requests", Help: "Requests in flight."}, []string{"model"})
	r.MustRegister(m.active)
	single := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		r.MustRegister(c)
		return c
	}
	m.gaps = single("leat_gateway_frame_gaps_total", "Gaps in a sequence's deltas that were asked for again.")
	m.lost = single("leat_gateway_streams_lost_total", "Streams ended because their worker was gone.")
	m.resubmitted = single("leat_gateway_resubmissions_total", "Sequences submitted again before their first token.")
	m.undecodable = single("leat_gateway_undecodable_total", "Messages from the bus that were not understood.")
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "leat_gateway_sequences", Help: "Sequences in flight.",
	}, func() float64 { return float64(g.table.Len()) }))
	return m
}

func (m *metrics) of(model string) *modelMetrics {
	if v, ok := m.models.Load(model); ok {
		return v.(*modelMetrics)
	}
	h := &modelMetrics{
		first: m.first.WithLabelValues(model), perToken: m.perToken.WithLabelValues(model), queue: m.queue.WithLabelValues(model),
		output: m.tokens.WithLabelValues(model), cached: m.input.WithLabelValues(model, "cache"), uncached: m.input.WithLabelValues(model, "prefill"),
		active: m.active.WithLabelValues(model), streamed: m.duration.WithLabelValues(model, "true"),
		whole: m.duration.WithLabelValues(model, "false"), ok: m.requests.WithLabelValues(model, "200"),
	}
	v, _ := m.models.LoadOrStore(model, h)
	return v.(*modelMetrics)
}

// ended books a call. model is empty where none was found, so that a client cannot invent labels.
func (m *metrics) ended(a *answer, status int, broken bool) {
	if a == nil {
		m.requests.WithLabelValues("", strconv.Itoa(status)).Inc()
		return
	}
	h := m.of(a.model.GetName())
	switch {
	case broken && status == 200:
		m.requests.WithLabelValues(a.model.GetName(), "200 with error").Inc()
	case status == 200:
		h.ok.Inc()
	default:
		m.requests.WithLabelValues(a.model.GetName(), strconv.Itoa(status)).Inc()
	}
	took := time.Since(a.call.began)
	if a.call.stream {
		h.streamed.Observe(took.Seconds())
	} else {
		h.whole.Observe(took.Seconds())
	}
	n := h.used(a)
	if a.start == nil {
		return
	}
	h.queue.Observe(float64(a.start.QueueNanos) / 1e9)
	if a.firstToken == 0 {
		return // refused by the engine: no token
	}
	h.first.Observe(a.firstToken.Seconds())
	if n > 1 && len(a.seqs) == 1 {
		h.perToken.Observe((took - a.firstToken).Seconds() / float64(n-1))
	}
}

// used books an answer's tokens and returns how many were generated.
func (h *modelMetrics) used(a *answer) int {
	n := a.made()
	h.output.Add(float64(n))
	h.cached.Add(float64(a.usage.CacheRead))
	h.uncached.Add(float64(a.usage.UncachedInput + a.usage.CacheWrite))
	return n
}

// mirrorEnded books a copy: its tokens are the target's as any others, but nobody has waited for it.
func (m *metrics) mirrorEnded(a *answer, model, target, outcome string) {
	m.mirrored.WithLabelValues(model, target, outcome).Inc()
	if a.model == nil {
		return
	}
	n := m.of(a.model.GetName()).used(a)
	m.copied.WithLabelValues(model, target, "prompt").Add(float64(a.usage.Prompt()))
	m.copied.WithLabelValues(model, target, "output").Add(float64(n))
}
