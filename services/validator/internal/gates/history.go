package gates

import (
	"fmt"
	"math"
	"slices"
)

// History is how a number of this run is held against earlier runs': by its distance to their median in robust deviations (1.4826 × the median absolute deviation, which estimates a standard deviation
// and which a few odd runs do not move; F. R. Hampel 1974). Where earlier runs hardly differ, a deviation counts as a least one, so that no small change alarms.
type History struct {
	Runs int     `yaml:"runs" doc:"earlier runs that a verdict needs; with fewer there is none"`
	Warn float64 `yaml:"warn" doc:"distance in robust deviations that warns"`
	Fail float64 `yaml:"fail" doc:"distance in robust deviations that fails"`
}

// DefaultHistory asks for 5 runs, warns at 3.5 deviations and fails at 6.
func DefaultHistory() History { return History{Runs: 5, Warn: 3.5, Fail: 6} }

// Validate reports limits that contradict each other.
func (h History) Validate() error {
	switch {
	case h.Runs < 3:
		return fmt.Errorf("runs: %d earlier runs have no deviation: at least 3", h.Runs)
	case !(h.Warn > 0) || !(h.Fail >= h.Warn):
		return fmt.Errorf("warn, fail: %v and %v: warn is above 0 and fail not below it", h.Warn, h.Fail)
	}
	return nil
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	n := len(s)
	return s[(n-1)/2]/2 + s[n/2]/2
}

// distance is (value − median) in robust deviations of at least least.
func distance(earlier []float64, value, least float64) (distance, center float64) {
	center = median(earlier)
	apart := make([]float64, len(earlier))
	for i, e := range earlier {
		apart[i] = math.Abs(e - center)
	}
	return (value - center) / max(1.4826*median(apart), least), center
}

func (h History) judge(v Verdict, far float64) Verdict {
	v.Threshold, v.Value = h.Fail, min(max(far, -1e9), 1e9)
	switch far := math.Abs(far); {
	case far >= h.Fail:
		v.Status = Fail
	case far >= h.Warn:
		v.Status, v.Threshold = Warn, h.Warn
	default:
		v.Status = Pass
	}
	return v
}

// Volume holds the number of rows against those of earlier runs, any order. A robust deviation counts as at least 5 % of their median. Value is the distance in deviations, negative for fewer rows.
func Volume(earlier []int64, rows int64, h History) Verdict {
	v := Verdict{Gate: GateVolume, Status: Unknown, Threshold: h.Fail}
	if len(earlier) < h.Runs {
		v.Reason = fmt.Sprintf("no verdict yet: %d earlier runs, %d are needed", len(earlier), h.Runs)
		return v
	}
	before := make([]float64, len(earlier))
	for i, n := range earlier {
		before[i] = float64(n)
	}
	far, center := distance(before, float64(rows), max(0.05*median(before), 1))
	v = h.judge(v, far)
	v.Reason = fmt.Sprintf("%d rows, %s; the median of %d earlier runs is %.0f", rows, away(far), len(earlier), center)
	return v
}

func away(far float64) string {
	if far < 0 {
		return fmt.Sprintf("%.1f robust deviations below what is usual", -far)
	}
	return fmt.Sprintf("%.1f robust deviations above what is usual", far)
}

// Nulls is what NullRate judges.
type Nulls struct {
	Column  string
	Earlier []float64 // shares of earlier runs, 0…1, any order
	Missing int64     // rows of this run without a value
	Rows    int64     // of this run
}

// NullRate holds a column's share of missing values against that of earlier runs. A robust deviation counts as at least half a percentage point, and as what chance does in so few rows. Fewer missing
// values than usual warn at most. Value is the distance in deviations.
func NullRate(n Nulls, h History) Verdict {
	v := Verdict{Gate: GateNullRate, Column: n.Column, Status: Unknown, Threshold: h.Fail}
	switch {
	case n.Rows == 0:
		v.Reason = "no rows"
		return v
	case len(n.Earlier) < h.Runs:
		v.Reason = fmt.Sprintf("no verdict yet: %d earlier runs, %d are needed", len(n.Earlier), h.Runs)
		return v
	}
	rate := float64(n.Missing) / float64(n.Rows)
	usual := median(n.Earlier)
	chance := math.Sqrt(max(usual*(1-usual), 0) / float64(n.Rows))
	far, center := distance(n.Earlier, rate, max(0.005, chance))
	v = h.judge(v, far)
	if far < 0 && v.Status == Fail {
		v.Status, v.Threshold = Warn, h.Warn
	}
	v.Reason = fmt.Sprintf("%.2f %% of %s are missing, %s; the median of %d earlier runs is %.2f %%", 100*rate, n.Column, away(far), len(n.Earlier), 100*center)
	return v
}
