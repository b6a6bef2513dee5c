// Package pace has a loop go round often while there is something to do and seldom while there is not, so that an idle
// process leaves its processor alone.
//
// It knows neither what is done nor when it is due, and refuses to be exact: what has a moment of its own needs a timer of
// its own.
package pace

import (
	"sync/atomic"
	"time"
)

// linger is how long nothing must have been to do before a loop rests: at low load a request should not find it resting
// and have to wake it.
const linger = time.Second

// Pace is the pace of one loop: a round whenever C says so, then Next. Wake and Resting are safe for concurrent use, the
// rest belongs to the loop.
type Pace struct {
	C <-chan time.Time

	often, seldom time.Duration
	timer         *time.Timer
	resting       atomic.Bool
	rested        bool      // Next left it resting
	since         time.Time // when there was first nothing to do; zero: there is something
}

// New begins the pace of a loop that goes round every often, and every seldom while it rests; 0 is never.
func New(often, seldom time.Duration) *Pace {
	t := time.NewTimer(often)
	return &Pace{C: t.C, timer: t, often: often, seldom: seldom}
}

// Stop ends it.
func (p *Pace) Stop() { p.timer.Stop() }

// Resting reports whether the loop rests: who gives it something to do must then call Wake, after having done so.
func (p *Pace) Resting() bool { return p.resting.Load() }

// Wake ends a rest: the next round comes after often. It costs nothing where the loop does not rest, and never blocks.
func (p *Pace) Wake() {
	if p.resting.Load() && p.resting.Swap(false) {
		p.timer.Reset(p.often)
	}
}

// Next decides when the next round comes, after one at now. idle says whether there is nothing to do.
func (p *Pace) Next(now time.Time, idle func(now time.Time) bool) {
	if p.rested && !p.resting.Load() { // it was woken
		p.since = time.Time{}
	}
	p.rested = false
	if !idle(now) {
		p.since = time.Time{}
		p.resting.Store(false)
		p.timer.Reset(p.often)
		return
	}
	if p.since.IsZero() {
		p.since = now
	}
	if now.Sub(p.since) < linger {
		p.timer.Reset(p.often)
		return
	}
	p.rest(now, idle)
}

func (p *Pace) rest(now time.Time, idle func(time.Time) bool) {
	p.rested = true
	if p.seldom > 0 {
		p.timer.Reset(p.seldom)
	} else {
		p.timer.Stop()
	}
	p.resting.Store(true)
	if !idle(now) { // what came before that saw no rest to end
		p.Wake()
	}
}
