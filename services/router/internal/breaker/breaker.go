// Package breaker takes a failing worker out and tries it again, and keeps retries from becoming a storm.
//
// It refuses to read a clock and to lock: callers pass the time, and one owner calls.
package breaker

import "time"

// Config says when a worker is taken out. The zero value of a field means its default.
type Config struct {
	MaxFails    int           // failures within FailTimeout that open the breaker; default 3
	FailTimeout time.Duration // how long a failure counts; default 10 s
	Cooldown    time.Duration // from opening to the first trial; default 500 ms
	MaxCooldown time.Duration // the cool-down doubles with every failed trial up to this; default 2 s
}

func (c Config) withDefaults() Config {
	if c.MaxFails == 0 {
		c.MaxFails = 3
	}
	for _, f := range []struct {
		v *time.Duration
		d time.Duration
	}{{&c.FailTimeout, 10 * time.Second}, {&c.Cooldown, 500 * time.Millisecond}, {&c.MaxCooldown, 2 * time.Second}} {
		if *f.v == 0 {
			*f.v = f.d
		}
	}
	return c
}

// State is what a breaker lets through.
type State uint8

// The states: everything, nothing, one trial at a time.
const (
	Closed State = iota
	Open
	HalfOpen
)

func (s State) String() string { return [...]string{"closed", "open", "half-open"}[s] }

// Breaker judges one worker by its outcomes. It is not safe for concurrent use.
type Breaker struct {
	cfg      Config
	fails    []time.Time // of the last MaxFails failures, oldest first
	open     bool
	trial    bool // a trial is out
	cooldown time.Duration
	until    time.Time // when an open breaker becomes half-open
}

// New makes a closed breaker.
func New(cfg Config) *Breaker {
	cfg = cfg.withDefaults()
	return &Breaker{cfg: cfg, cooldown: cfg.Cooldown, fails: make([]time.Time, 0, cfg.MaxFails)}
}

// State is the state at now.
func (b *Breaker) State(now time.Time) State {
	switch {
	case !b.open:
		return Closed
	case now.Before(b.until):
		return Open
	}
	return HalfOpen
}

// Tripped says whether the worker is out, trials included.
func (b *Breaker) Tripped() bool { return b.open }

// Allows says whether the worker may get a request at now.
func (b *Breaker) Allows(now time.Time) bool {
	return !b.open || !b.trial && !now.Before(b.until)
}

// Sent notes that the worker got a request and says whether it is a trial, on which the state depends.
func (b *Breaker) Sent(now time.Time) (trial bool) {
	if b.State(now) != HalfOpen {
		return false
	}
	b.trial = true
	return true
}

// Succeeded notes a good answer. Only a trial's success closes the breaker, since what was sent before it opened proves
// nothing about now, and only that clears the failures: a worker that fails every third request is not well.
func (b *Breaker) Succeeded(trial bool) {
	if !trial {
		return
	}
	b.open, b.trial, b.cooldown = false, false, b.cfg.Cooldown
	b.fails = b.fails[:0]
}

// Failed notes a failure at now and says whether it opened the breaker.
func (b *Breaker) Failed(trial bool, now time.Time) (opened bool) {
	if b.open {
		if trial {
			b.cooldown = min(2*b.cooldown, b.cfg.MaxCooldown)
			b.trial, b.until = false, now.Add(b.cooldown)
		}
		return false
	}
	b.note(now)
	if len(b.fails) < b.cfg.MaxFails || now.Sub(b.fails[0]) > b.cfg.FailTimeout {
		return false
	}
	b.open, b.trial, b.until = true, false, now.Add(b.cooldown)
	return true
}

// Spared notes a failure at now that must not open the breaker: too many others are open. The next one may, while it
// counts.
func (b *Breaker) Spared(now time.Time) {
	if b.open {
		return
	}
	b.note(now)
}

// note remembers a failure, and forgets the oldest where there are MaxFails.
func (b *Breaker) note(now time.Time) {
	if len(b.fails) == b.cfg.MaxFails {
		copy(b.fails, b.fails[1:])
		b.fails = b.fails[:len(b.fails)-1]
	}
	b.fails = append(b.fails, now)
}

// Abandoned notes that a trial ended without a verdict (it was cancelled or lost): another one may start.
func (b *Breaker) Abandoned(trial bool) {
	if trial {
		b.trial = false
	}
}

// RecentFails is the number of failures within FailTimeout; a policy may count them as load so that a worker that
// fails fast does not look idle.
func (b *Breaker) RecentFails(now time.Time) int {
	n := 0
	for _, t := range b.fails {
		if now.Sub(t) <= b.cfg.FailTimeout {
			n++
		}
	}
	return n
}
