package policy

// Adaptive picks the worker with the lowest estimated time to first token. Since a cached prefix lowers the estimate,
// requests stay with the worker that has their longest prefix until its estimate exceeds the best other worker's.
type Adaptive struct{}

// Name is adaptive.
func (Adaptive) Name() string { return "adaptive" }

// kvPenalty scales the time that a full KV cache costs (SMG's least_load: 0.15 s).
const kvPenalty = 0.15

// Score is the estimated seconds to the first token:
//
//	(pending tokens + uncached prompt tokens) / prefill rate + base + 0.15 s · k/(1−k), k = KV use.
//
// Pending holds the tokens dispatched since the worker's last report, so that picks between two reports see each
// other and do not herd. Rate and base are learnt per worker (Rates).
func (Adaptive) Score(r Request, w *Worker) float64 {
	uncached := max(r.Tokens-w.Cached, 1)
	k := w.KVUse
	if !(k > 0) { // a NaN too
		k = 0
	}
	k = min(k, 0.99)
	return float64(w.Pending+uncached)/max(w.Rate, 1) + w.Base + kvPenalty*k/(1-k)
}

// Slack is a twentieth of the best estimate and at least 2 ms: less than the estimates are off.
func (Adaptive) Slack(best float64) float64 { return max(0.002, best/20) }
