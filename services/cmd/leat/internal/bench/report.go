package bench

import (
	"time"
)

// Report is one measurement. Times in its JSON are milliseconds where the name ends in _ms, sizes are bytes.
type Report struct {
	Started time.Time `json:"started"`
	// Loop is "open" or "closed".
	Loop   string `json:"loop"`
	Config Config `json:"config"`
	// Interrupted says that the run was ended early by its user.
	Interrupted bool `json:"interrupted"`
	// Window is the time over which rates were counted, in seconds.
	Window float64 `json:"window_seconds"`

	// Sent, OK and Failed count the requests that were meant to leave inside the window and were not interrupted.
	Sent   int64 `json:"sent"`
	OK     int64 `json:"ok"`
	Failed int64 `json:"failed"`
	// Unfinished counts requests that the end of the run interrupted.
	Unfinished int64 `json:"unfinished"`
	// Truncated counts 200 answers that ended without a finish reason or [DONE], cut connections included.
	Truncated int64 `json:"truncated"`
	// ErrorEvents counts 200 answers with an error object inside.
	ErrorEvents int64        `json:"error_events"`
	Errors      []ErrorCount `json:"errors"`
	Refusals    Refusals     `json:"refusals"`

	// RequestsPerSecond counts good answers that ended in the window.
	RequestsPerSecond float64 `json:"requests_per_second"`
	// OutputTokensPerSecond counts tokens that arrived in the window.
	OutputTokensPerSecond float64 `json:"output_tokens_per_second"`
	Tokens                Tokens  `json:"tokens"`
	Goodput               Goodput `json:"goodput"`

	Latency     Quantiles `json:"latency"`      // from the intended time of sending to the end of the answer
	ServiceTime Quantiles `json:"service_time"` // from the actual time of sending
	SendLag     Quantiles `json:"send_lag"`     // how late requests left: the bench itself, or MaxConnections
	TTFT        Quantiles `json:"ttft"`         // from the intended time of sending to the first text
	TPOT        Quantiles `json:"tpot"`         // per answer: the mean time per token after the first
	Gaps        Quantiles `json:"gaps"`         // between consecutive pieces of a stream

	Processes []ProcessUse `json:"processes,omitempty"`
	// CPUPerRequest and CPUPerToken are the CPU of all Processes over what ended, or arrived, in the window.
	CPUPerRequest float64 `json:"cpu_ms_per_request,omitempty"`
	CPUPerToken   float64 `json:"cpu_us_per_token,omitempty"`
	// Own is what the bench itself used.
	Own ProcessUse `json:"own"`

	Series []Point `json:"series"`
}

// ErrorCount is one kind of failure.
type ErrorCount struct {
	Class   string `json:"class"` // one of the Class constants
	Status  int    `json:"status,omitempty"`
	Code    string `json:"code,omitempty"`
	Count   int64  `json:"count"`
	Example string `json:"example"` // the first one's message
}

// Refusals are answers with status 429.
type Refusals struct {
	Count          int64 `json:"count"`
	WithRetryAfter int64 `json:"with_retry_after"`
	MaxRetryAfter  int64 `json:"max_retry_after_seconds"`
}

// Tokens are sums over the good answers, by the server's own count where it gives one.
type Tokens struct {
	Prompt int64 `json:"prompt"`
	Cached int64 `json:"cached"` // part of Prompt
	Output int64 `json:"output"`
}

// Goodput is what met every bound of the SLO.
type Goodput struct {
	RequestsPerSecond float64 `json:"requests_per_second"`
	Share             float64 `json:"share"` // of Sent
}

// Quantiles sums up a histogram, in milliseconds.
type Quantiles struct {
	Count int64   `json:"count"`
	Mean  float64 `json:"mean_ms"`
	P50   float64 `json:"p50_ms"`
	P90   float64 `json:"p90_ms"`
	P95   float64 `json:"p95_ms"`
	P99   float64 `json:"p99_ms"`
	P999  float64 `json:"p999_ms"`
	Max   float64 `json:"max_ms"`
	// Curve is the value at rising quantiles, for plots.
	Curve []QuantilePoint `json:"curve,omitempty"`
}

// QuantilePoint is one point of a distribution.
type QuantilePoint struct {
	Q     float64 `json:"q"`
	Value float64 `json:"ms"`
}

// Point is one bin of the run's course.
type Point struct {
	Second            float64 `json:"second"` // start of the bin
	RequestsPerSecond float64 `json:"requests_per_second"`
	ErrorsPerSecond   float64 `json:"errors_per_second"`
	TokensPerSecond   float64 `json:"tokens_per_second"`
	LatencyP50        float64 `json:"latency_p50_ms"`
	LatencyP99        float64 `json:"latency_p99_ms"`
	TTFTP50           float64 `json:"ttft_p50_ms"`
	TTFTP99           float64 `json:"ttft_p99_ms"`
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

func quantiles(h *Histogram) Quantiles {
	at := func(q float64) float64 { return milliseconds(h.Quantile(q)) }
	s := Quantiles{
		Count: h.Count(), Mean: milliseconds(h.Mean()), Max: milliseconds(h.Max()),
		P50: at(.5), P90: at(.9), P95: at(.95), P99: at(.99), P999: at(.999),
	}
	if s.Count == 0 {
		return s
	}
	for _, q := range []float64{
		.01, .05, .1, .2, .3, .4, .5, .6, .7, .75, .8, .85, .9, .925, .95, .97, .98, .99, .995, .998, .999, .9995, .9999,
	} {
		s.Curve = append(s.Curve, QuantilePoint{Q: q, Value: at(q)})
	}
	return s
}

// report is called once, after all callers have ended.
func (r *run) report(processes []ProcessUse, interrupted bool) *Report {
	rec, m := r.record, &r.record.measured
	window := max(rec.to.Load().Sub(r.from).Seconds(), 0)
	rep := &Report{
		Started: r.start, Loop: "closed", Config: *r.cfg, Interrupted: interrupted, Window: window,
		Sent: m.sent.Load(), OK: m.ok.Load(), Failed: m.failed.Load(), Unfinished: rec.interrupted.Load(),
		Errors:   rec.errors(),
		Refusals: Refusals{Count: rec.refusals.Load(), WithRetryAfter: rec.withRetryAfter.Load(), MaxRetryAfter: rec.retryMax},
		Tokens:   Tokens{Prompt: m.prompt.Load(), Cached: m.cached.Load(), Output: m.completion.Load()},
		Latency:  quantiles(rec.latency), ServiceTime: quantiles(rec.service), SendLag: quantiles(rec.lag),
		TTFT: quantiles(rec.ttft), TPOT: quantiles(rec.tpot), Gaps: quantiles(rec.gaps),
		Series: rec.series.points(window),
	}
	if r.cfg.RPS > 0 {
		rep.Loop = "open"
	}
	rep.count()
	if window > 0 {
		rep.RequestsPerSecond = float64(rec.window.ended.Load()) / window
		rep.OutputTokensPerSecond = float64(rec.window.tokens.Load()) / window
		rep.Goodput.RequestsPerSecond = float64(m.good.Load()) / window
	}
	if rep.Sent > 0 {
		rep.Goodput.Share = float64(m.good.Load()) / float64(rep.Sent)
	}
	rep.Own, rep.Processes = processes[0], processes[1:]
	rep.cost()
	return rep
}

// count derives the sums over the error classes.
func (rep *Report) count() {
	for _, e := range rep.Errors {
		switch e.Class {
		case ClassTruncated, ClassCut:
			rep.Truncated += e.Count
		case ClassEvent:
			rep.ErrorEvents += e.Count
		}
	}
}

// cost divides the processes' CPU by the work. Rates are used on both sides, because the samples of /proc do not fall
// exactly on the ends of the window.
func (rep *Report) cost() {
	cores := 0.0
	for _, p := range rep.Processes {
		cores += p.Cores
	}
	if rep.RequestsPerSecond > 0 {
		rep.CPUPerRequest = cores / rep.RequestsPerSecond * 1e3
	}
	if rep.OutputTokensPerSecond > 0 {
		rep.CPUPerToken = cores / rep.OutputTokensPerSecond * 1e6
	}
}
