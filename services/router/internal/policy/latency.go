package policy

import (
	"math"
	"time"
)

// latencyFade is the time in which an old latency loses all but 1/e of its say (Finagle's and Linkerd's default).
const latencyFade = 10 * time.Second

// Latency is a peak-sensitive moving average of one worker's times to first token: it jumps to a longer time at once and
// comes down slowly, so that a worker that becomes slow is left alone before it has made many wait. Source: Finagle's
// PeakEwma (finagle-core, loadbalancer/PeakEwma.scala), which Linkerd has too; decay time 10 s. The zero value is
// ready. It is not safe for concurrent use.
type Latency struct {
	cost float64 // seconds, at last
	last time.Time
}

// Observe notes a time to first token that became known at now.
func (l *Latency) Observe(d time.Duration, now time.Time) {
	if d <= 0 {
		return
	}
	if s := d.Seconds(); s > l.cost {
		l.cost = s
	} else {
		w := l.weight(now)
		l.cost = l.cost*w + s*(1-w)
	}
	l.last = now
}

// Seconds is the average at now; 0 is unknown. As in Finagle it fades towards 0 while nothing is observed, so that a
// worker that was slow gets its chance again; here looking at it changes nothing. And it does not fade while the worker is
// busy with requests of ours: a first token is known here only when its answer ends, so that the silence of a slow worker
// with long answers would make it look fast.
func (l *Latency) Seconds(busy bool, now time.Time) float64 {
	if busy {
		return l.cost
	}
	return l.cost * l.weight(now)
}

func (l *Latency) weight(now time.Time) float64 {
	return math.Exp(-max(float64(now.Sub(l.last)), 0) / float64(latencyFade))
}

// LeastLatency picks the worker with the least latency for the sequences that it would hold. It counts the time to the
// first token and not to the end: how long an answer becomes is the request's doing, not the worker's.
type LeastLatency struct{}

// Name is least_latency.
func (LeastLatency) Name() string { return "least_latency" }

// unseen is what a worker costs that has work and has never answered: one request at a time finds out what it is worth
// (Finagle's Penalty).
const unseen = 1e6

// Score is the latency in seconds times the sequences that the worker would hold with this one. It equals out at loads in
// inverse proportion to the latencies: a worker five times as slow holds a fifth.
func (LeastLatency) Score(_ Request, w *Worker) float64 {
	held := float64(max(w.InFlight, 0))
	if w.Latency == 0 && held > 0 {
		return unseen + held
	}
	return w.Latency * (held + 1)
}

// Slack is none.
func (LeastLatency) Slack(float64) float64 { return 0 }
