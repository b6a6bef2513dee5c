// Package tail keeps the recent distribution of a duration in little memory, for its quantiles. It knows no clock and does
// not lock: time is passed in, and one owner calls it.
package tail

import (
	"math"
	"time"
)

const (
	// gamma is the ratio of neighbouring buckets' bounds: a quantile is right to 2.5 %.
	gamma = 1.05
	// least is where the buckets begin; what is shorter counts as this.
	least = time.Millisecond
	// buckets reach to half an hour; what is longer counts as that.
	buckets = 296
)

// Sketch is a DDSketch (Masson, Rim, Lee 2019: "DDSketch: A fast and fully-mergeable quantile sketch with relative-error
// guarantees") of the last one to two spans. It has 2.4 kB. Its zero value is ready.
type Sketch struct {
	Span  time.Duration // after it, what is older than one more is forgotten; 0: never
	at    time.Duration
	count [2]uint32
	halfs [2][buckets]uint32
}

// Add counts a duration.
func (s *Sketch) Add(d time.Duration) {
	i := 0
	if d > least {
		i = min(int(math.Ceil(math.Log(float64(d)/float64(least))/math.Log(gamma))), buckets-1)
	}
	s.halfs[0][i]++
	s.count[0]++
}

// Age forgets what is too old at now.
func (s *Sketch) Age(now time.Duration) {
	if s.Span == 0 || now-s.at < s.Span {
		return
	}
	if s.halfs[1], s.count[1] = s.halfs[0], s.count[0]; now-s.at >= 2*s.Span {
		s.halfs[1], s.count[1] = [buckets]uint32{}, 0
	}
	s.halfs[0], s.count[0], s.at = [buckets]uint32{}, 0, now
}

// Count is how many durations there are.
func (s *Sketch) Count() int { return int(s.count[0] + s.count[1]) }

// Quantile is the duration that a share q of all does not exceed; 0 where there is none.
func (s *Sketch) Quantile(q float64) time.Duration {
	rank := uint32(math.Ceil(q * float64(s.Count())))
	for i, seen := 0, uint32(0); i < buckets; i++ {
		if seen += s.halfs[0][i] + s.halfs[1][i]; seen > 0 && seen >= rank {
			return time.Duration(float64(least) * math.Pow(gamma, float64(i)) * 2 / (1 + gamma))
		}
	}
	return 0
}
