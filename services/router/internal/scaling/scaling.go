// Package scaling decides how many workers a pool should have.
//
// It is two pure functions: Judge says what the signals of one moment ask for, Decide makes a decision of that which does
// not flap. The package refuses to read a clock, to start anything, and to guess: what a signal does not tell is left out.
package scaling

import "time"

// Config says when a pool should have more or fewer workers. Every field must be set.
type Config struct {
	Min, Max    int           // workers; Min is at least 1
	Zero        bool          // down to none while nobody asks
	QueueFactor float64       // more than so many batches of one worker that wait are a deep queue
	GPUMemory   float64       // a share of GPU memory above this is full
	GPUUse      float64       // GPUs below this are not busy
	TTFTRise    float64       // the time to the first token rises when it is so many times the usual
	SlotUse     float64       // what workers that stay should have taken of their slots at most after a step down
	UpAfter     time.Duration // how long the signals must ask for more
	DownAfter   time.Duration // and for less
	CoolDown    time.Duration // between two changes
	Idle        time.Duration // without a request, until Zero takes the last worker; it is its own window
}

// Level is a share between 0 and 1 that may be unknown.
type Level struct {
	Value float64
	Known bool
}

// Signals are a pool at one moment.
type Signals struct {
	At          time.Time
	Replicas    int // workers there are: those that start, are ready, unhealthy or cordoned
	Ready       int // of these, those that take work
	Starting    int // of these, those that are loading
	Cordoned    int // of these, those that were told to take none
	Queued      int // sequences that wait
	Running     int // sequences that workers hold
	MaxBatch    int // sequences that one worker runs at once; 0: unknown
	GPUUse      Level
	GPUMemory   Level     // of the fullest
	LastRequest time.Time // zero: none yet, as far as is known
	Since       time.Time // since when requests have been counted: what came before is not known
	Kept        bool      // what the pool serves is kept, so that a request can wake it

	// Means of late, and over the last minutes. 0 is unknown.
	TTFT, TTFTUsual     float64 // seconds to the first token, queue included
	Tokens, TokensUsual float64 // generated a second
	Load, LoadUsual     float64 // sequences that wait or run
}

// Verdict is what should become of a pool's size.
type Verdict uint8

// The verdicts.
const (
	Hold Verdict = iota
	Up
	Down
	Suboptimal // hold, though requests wait: the GPUs are not busy, so a larger batch would help, not more of them
)

func (v Verdict) String() string {
	return [...]string{"hold", "up", "down", "batching is suboptimal"}[v]
}

// Decision is how many workers a pool should have, and why. The first reason is the one that decided.
type Decision struct {
	Verdict  Verdict
	Desired  int
	Replicas int
	Reasons  []string
}

// sample is what one moment asked for.
type sample struct {
	at         time.Time
	desired    int
	suboptimal bool
}

// History is what Decide remembers between two calls. The zero value remembers nothing; Since makes one that does.
type History struct {
	samples []sample
	desired int // of the last decision
	changed time.Time
	decided bool
}

// Since is the history of a pool that another router decided about until now.
func Since(desired int) History { return History{desired: desired, decided: true} }

// Decide turns what the signals ask for into a decision, as Kubernetes' autoscaler does with its stabilisation windows: more
// workers only where all moments of UpAfter asked for more, and then as many as the most modest of them; fewer only where
// all of DownAfter did with fewer, and then as few as the most demanding of them. The first request that a pool without
// workers gets wakes it at once, and one that nobody has asked for Idle sleeps at once. h must not be used again.
func Decide(c Config, h History, s Signals) (Decision, History) {
	advice := Judge(c, s)
	h.add(sample{s.At, advice.Desired, advice.Verdict == Suboptimal}, max(c.UpAfter, c.DownAfter))
	if !h.decided {
		h.desired, h.decided = s.Replicas, true
	}
	before := h.desired
	reasons := advice.Reasons
	switch up, down := h.least(s.At.Add(-c.UpAfter)), h.most(s.At.Add(-c.DownAfter)); {
	case before == 0 && advice.Desired > 0: // somebody waits
		h.desired = advice.Desired
	case advice.Desired == 0 && c.quiet(s):
		h.desired = 0
	case !h.changed.IsZero() && s.At.Sub(h.changed) < c.CoolDown:
		if advice.Desired != before {
			reasons = append(reasons, "the last change was less than "+c.CoolDown.String()+" ago")
		}
	case up > before:
		h.desired = up
	case down >= 0 && down < before:
		h.desired = down
	case advice.Desired > before:
		reasons = append(reasons, "not for "+c.UpAfter.String()+" yet")
	case advice.Desired < before:
		reasons = append(reasons, "more were needed within the last "+c.DownAfter.String())
	}
	h.desired = c.bound(h.desired)
	if h.desired != before {
		h.changed = s.At
	}
	return Decision{Verdict: h.verdict(c, s), Desired: h.desired, Replicas: s.Replicas, Reasons: reasons}, h
}

// verdict compares the decision with what there is.
func (h *History) verdict(c Config, s Signals) Verdict {
	switch {
	case h.desired > s.Replicas:
		return Up
	case h.desired < s.Replicas:
		return Down
	case h.suboptimal(s.At.Add(-c.UpAfter)):
		return Suboptimal
	}
	return Hold
}

// bound keeps a number within what the pool may have.
func (c Config) bound(n int) int {
	if c.Zero && n == 0 {
		return 0
	}
	return min(max(n, c.Min), c.Max)
}

// add appends a sample and forgets those that no window needs: all but the newest of those that are older.
func (h *History) add(x sample, window time.Duration) {
	old := 0
	for old+1 < len(h.samples) && !h.samples[old+1].at.After(x.at.Add(-window)) {
		old++
	}
	h.samples = append(h.samples[old:], x)
}

// least is the smallest number that was asked for since a time; −1 where that is not known for the whole time.
func (h *History) least(since time.Time) int {
	n := -1
	for i := len(h.samples) - 1; i >= 0; i-- {
		if x := h.samples[i]; n < 0 || x.desired < n {
			n = x.desired
		}
		if !h.samples[i].at.After(since) {
			return n
		}
	}
	return -1
}

// most is the greatest number that was asked for since a time; −1 where that is not known for the whole time.
func (h *History) most(since time.Time) int {
	n := -1
	for i := len(h.samples) - 1; i >= 0; i-- {
		n = max(n, h.samples[i].desired)
		if !h.samples[i].at.After(since) {
			return n
		}
	}
	return -1
}

// suboptimal says whether every moment since a time found the batching suboptimal.
func (h *History) suboptimal(since time.Time) bool {
	for i := len(h.samples) - 1; i >= 0 && h.samples[i].suboptimal; i-- {
		if !h.samples[i].at.After(since) {
			return true
		}
	}
	return false
}
