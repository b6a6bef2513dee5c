package policy

import (
	"math"
	"time"
)

const (
	// DefaultRate is the prefill rate, in tokens/s, where nothing is known of any worker (SMG's fallback).
	DefaultRate = 2000
	// rateKeep is what a new observation leaves of the older ones: about the last 30 count.
	rateKeep = 1 - 1.0/30
	// forgetAfter is the time constant with which observations lose weight against the prior: a worker that was slow
	// gets its chance again.
	forgetAfter = 30 * time.Second
)

// Rates learns one worker's prefill from what its requests needed: seconds = base + uncached tokens / rate, by least
// squares with exponentially fading weights. The zero value is ready. It is not safe for concurrent use.
type Rates struct {
	n, x, y, xx, xy float64
	reported        float64
	doubted         bool // reported may be as old as what was forgotten
	last            time.Time
}

// Report notes the prefill rate that the worker itself has learnt; 0 is unknown.
func (r *Rates) Report(tokensPerSecond float64) { r.reported = tokensPerSecond }

// Observe notes that a request needed prefill time for its uncached prompt tokens, ended at now.
func (r *Rates) Observe(uncached int, prefill time.Duration, now time.Time) {
	if prefill <= 0 || uncached < 0 {
		return
	}
	keep := rateKeep * math.Exp(-float64(now.Sub(r.last))/float64(forgetAfter))
	for _, s := range []*float64{&r.n, &r.x, &r.y, &r.xx, &r.xy} {
		*s *= keep
	}
	r.add(float64(uncached), prefill.Seconds())
	r.last = now
}

func (r *Rates) add(x, y float64) {
	r.n++
	r.x += x
	r.y += y
	r.xx += x * x
	r.xy += x * y
}

// Forget drops what was observed, of a worker that is faster than it was. A rate that the worker itself reports counts no
// more where it is below the prior: it learns from the same answers, and more slowly.
func (r *Rates) Forget() { *r = Rates{doubted: true} }

// Estimate is the learnt rate in tokens/s and the base in seconds at now. prior is the rate of a worker of which
// nothing is known, usually that of the whole pool; 0 is DefaultRate. Without observations the estimate is the reported
// rate, or the prior, and no base; with old ones it lies between.
func (r *Rates) Estimate(prior float64, now time.Time) (rate, base float64) {
	if prior <= 0 {
		prior = DefaultRate
	}
	if r.reported > prior || r.reported > 0 && !r.doubted {
		prior = r.reported
	}
	if r.n == 0 {
		return prior, 0
	}
	perToken, base := r.fit(1 / prior)
	trust := math.Exp(-float64(now.Sub(r.last)) / float64(forgetAfter))
	perToken = trust*perToken + (1-trust)/prior
	return 1 / perToken, trust * base
}

// fit is the line through the observations: seconds per token, and seconds. Two more on the prior's own line, at 0 and
// at 1,000 tokens, steady it where all prompts are of one size or tiny.
func (r *Rates) fit(prior float64) (perToken, base float64) {
	const far = 1000
	n := r.n + 2
	mx, my := (r.x+far)/n, (r.y+far*prior)/n
	vx, cov := (r.xx+far*far)/n-mx*mx, (r.xy+far*far*prior)/n-mx*my
	perToken = max(cov/vx, 1e-7)
	return perToken, max(my-perToken*mx, 0)
}
