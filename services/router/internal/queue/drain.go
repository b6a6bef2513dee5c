package queue

import (
	"math"
	"time"
)

// Drain measures service as exponentially decaying counts over one second and over ten; the greater rate counts, so
// that a burst after an idle time is not judged by the idle time. The zero value is ready.
type Drain struct {
	fast, slow window
	last       time.Time
}

type window struct{ items, tokens, weight float64 }

func (w *window) decay(dt, tau float64) {
	keep := math.Exp(-dt / tau)
	w.items *= keep
	w.tokens *= keep
	w.weight = w.weight*keep + tau*(1-keep)
}

// rates is zero until half a second was seen.
func (w *window) rates() (items, tokens float64) {
	if w.weight < 0.5 {
		return 0, 0
	}
	return w.items / w.weight, w.tokens / w.weight
}

func (d *Drain) add(tokens int, now time.Time) {
	d.decay(now)
	for _, w := range []*window{&d.fast, &d.slow} {
		w.items++
		w.tokens += float64(tokens)
	}
}

func (d *Drain) decay(now time.Time) {
	if d.last.IsZero() {
		d.last = now
	}
	// Below a millisecond the counts stay as they are: a decay costs two exponentials.
	if dt := now.Sub(d.last).Seconds(); dt >= 1e-3 {
		d.fast.decay(dt, 1)
		d.slow.decay(dt, 10)
		d.last = now
	}
}

// Rates is items and tokens a second; zeros until half a second was seen.
func (d *Drain) Rates(now time.Time) (items, tokens float64) {
	d.decay(now)
	fi, ft := d.fast.rates()
	si, st := d.slow.rates()
	return max(fi, si), max(ft, st)
}
