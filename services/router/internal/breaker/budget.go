package breaker

import "time"

// Budget bounds retries to a share of the traffic plus a burst. The zero value allows none; use NewBudget.
type Budget struct {
	ratio, burst, floor float64
	tokens              float64
	last                time.Time
}

// NewBudget allows retries for ratio of the requests (0.1 is 10 %), with a burst that is full at the start and that
// refills by floor retries a second however little traffic there is.
func NewBudget(ratio, burst, floor float64) *Budget {
	return &Budget{ratio: ratio, burst: burst, floor: floor, tokens: burst}
}

// Request notes a first attempt.
func (b *Budget) Request() { b.tokens = min(b.tokens+b.ratio, b.burst) }

// Retry takes one retry out of the budget at now, or says that there is none left.
func (b *Budget) Retry(now time.Time) bool {
	if !b.last.IsZero() && now.After(b.last) {
		b.tokens = min(b.tokens+now.Sub(b.last).Seconds()*b.floor, b.burst)
	}
	b.last = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
