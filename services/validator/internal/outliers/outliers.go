// Package outliers judges values by where they lie in their column: expect_column_value_z_scores_to_be_less_than and expect_column_values_to_not_be_outliers.
//
// Both judge by statistics of the whole column, so the rows that fail are known only when all values have been seen: Column keeps them for that. The statistics come from packages sums and quantile.
package outliers

import (
	"fmt"
	"math"
)

// ZScore judges values by their distance to the mean in standard deviations.
type ZScore struct {
	Mean, Deviation float64 // of the column: sums.State's; the sample deviation
	Threshold       float64
	DoubleSided     bool
	Float32         bool // pandas computes over such a column in float32
}

// Score is the value's z-score, NaN where there is no spread to measure by.
func (z ZScore) Score(v float64) float64 {
	if z.Deviation == 0 {
		return math.NaN()
	}
	if z.Float32 {
		return float64((float32(v) - float32(z.Mean)) / float32(z.Deviation))
	}
	return (v - z.Mean) / z.Deviation
}

// Fails reports whether a value is as far out as the threshold or farther. A score that is NaN never is.
func (z ZScore) Fails(v float64) bool {
	score, threshold := z.Score(v), z.Threshold
	if z.DoubleSided {
		score, threshold = math.Abs(score), math.Abs(threshold)
	}
	if z.Float32 {
		threshold = float64(float32(threshold))
	}
	return score >= threshold
}

// Method is how a Window is measured.
type Method string

// The methods of Great Expectations.
const (
	IQR Method = "iqr" // Tukey's fences: multiplier × interquartile range beyond the quartiles
	STD Method = "std" // multiplier × standard deviation around the mean
)

// Check refuses other methods, in Great Expectations' words.
func (m Method) Check() error {
	if m != IQR && m != STD {
		return fmt.Errorf("method '%s' has not been implemented", string(m))
	}
	return nil
}

// Statistics are what a window is measured from. For IQR: the quartiles by the method "linear". For STD: the mean twice, and the sample deviation.
type Statistics struct{ Low, High, Spread float64 }

// Quartiles are the statistics of method IQR.
func Quartiles(first, third float64) Statistics { return Statistics{first, third, third - first} }

// Around are the statistics of method STD.
func Around(mean, deviation float64) Statistics { return Statistics{mean, mean, deviation} }

// Window judges values by whether they lie in it.
type Window struct {
	method     Method
	low, high  float64
	reach      float64
	everything bool
	narrow     bool
}

// NewWindow returns the window of values that are no outliers. Where a statistic is no finite number, all are in it.
func NewWindow(m Method, s Statistics, multiplier float64) (Window, error) {
	if err := m.Check(); err != nil {
		return Window{}, err
	}
	w := Window{method: m, low: s.Low, high: s.High, reach: multiplier * s.Spread}
	for _, x := range []float64{s.Low, s.High} {
		w.everything = w.everything || math.IsNaN(x) || math.IsInf(x, 0)
	}
	// The difference of finite quartiles may overflow, and then reaches everywhere by itself; a deviation that is not finite gives no window.
	w.everything = w.everything || m == STD && (math.IsNaN(s.Spread) || math.IsInf(s.Spread, 0))
	return w, nil
}

// Float32 returns the window for a column of float32, over which pandas computes in float32.
func (w Window) Float32() Window {
	w.narrow = true
	return w
}

// Fails reports whether a value lies outside. On the fence of IQR it lies inside, at the threshold of STD outside.
func (w Window) Fails(v float64) bool {
	round := func(x float64) float64 {
		if w.narrow {
			return float64(float32(x))
		}
		return x
	}
	switch {
	case w.everything:
		return false
	case w.method == IQR:
		return !(v >= round(w.low-w.reach) && v <= round(w.high+w.reach))
	case w.reach <= 0:
		return v != round(w.low)
	}
	return !(math.Abs(round(v-round(w.low))) < round(w.reach))
}
