package scaling

import (
	"math"
	"time"
)

// lately and usually are the time constants of the two means that Signals compare.
const (
	lately  = 15 * time.Second
	usually = 3 * time.Minute
)

// Meter keeps the means of Signals. The zero value is ready. It is not safe for concurrent use.
type Meter struct {
	at                 time.Time
	ttft, tokens, load trend
}

// Sample is what happened since the sample before.
type Sample struct {
	At           time.Time
	FirstTokens  uint64  // sequences that got their first token
	FirstSeconds float64 // that these took together
	Tokens       uint64  // generated
	Load         int     // sequences that wait or run, at the moment
}

// Add takes a sample in. The first one only begins the measuring.
func (m *Meter) Add(s Sample) {
	gap := s.At.Sub(m.at)
	first := m.at.IsZero()
	if m.at = s.At; first || gap <= 0 {
		return
	}
	dt := gap.Seconds()
	m.ttft.add(s.FirstSeconds, float64(s.FirstTokens), dt)
	m.tokens.add(float64(s.Tokens), dt, dt)
	m.load.add(float64(s.Load)*dt, dt, dt)
}

// Fill sets the means of s.
func (m *Meter) Fill(s *Signals) {
	s.TTFT, s.TTFTUsual = m.ttft.means()
	s.Tokens, s.TokensUsual = m.tokens.means()
	s.Load, s.LoadUsual = m.load.means()
}

// trend is a mean that forgets, twice: fast and slowly.
type trend struct{ late, usual fading }

type fading struct{ sum, weight float64 }

func (t *trend) add(sum, weight, seconds float64) {
	t.late.add(sum, weight, seconds, lately)
	t.usual.add(sum, weight, seconds, usually)
}

func (f *fading) add(sum, weight, seconds float64, over time.Duration) {
	keep := math.Exp(-seconds / over.Seconds())
	f.sum, f.weight = f.sum*keep+sum, f.weight*keep+weight
}

func (t *trend) means() (late, usual float64) { return t.late.mean(), t.usual.mean() }

// mean is 0 where there is nothing to speak of any more.
func (f *fading) mean() float64 {
	if f.weight < 1e-3 {
		return 0
	}
	return f.sum / f.weight
}
