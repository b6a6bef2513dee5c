// Package divergence computes the Kullback–Leibler divergence of a column from an expected partition the way expect_column_kl_divergence_to_be_less_than does: its holdouts for tails and empty bins,
// its partitions with infinite ends, its refusals, and scipy.stats.entropy's arithmetic.
//
// It knows weights and counts alone: the histogram comes from package histogram or quantile, the labels of categories stay with the caller.
package divergence

import (
	"math"

	"github.com/leathq/leat/services/validator/internal/sums"
)

// Partition is an expected distribution over bins or over categories.
type Partition struct {
	Bins    []float64 // strictly increasing edges, one more than weights; may end in infinities. nil: categories
	Weights []float64 // of the bins or categories; with Tails they sum to 1
	Tails   []float64 // weight below and above the bins; nil: none given
}

// Holdouts are weights set aside for what the partition gives none.
type Holdouts struct {
	Tail     float64 // for values outside the bins, or categories that were not expected
	Internal float64 // for bins whose weight is 0
}

// Observed is a histogram over a partition's bins.
type Observed struct {
	Counts       []int64 // of the bins
	Below, Above int64   // outside them
	Values       int64   // that are there
}

// Result is the divergence, and the weights that Great Expectations shows.
type Result struct {
	Value         float64   // in nats; infinite or NaN where it is not defined: Great Expectations then reports null
	From, To      int       // Bins[From:To] are the edges shown: without infinite ends
	Observed      []float64 // weights
	Expected      []float64
	ObservedTails []float64 // nil for categories
	ExpectedTails []float64
}

// Defined reports whether the divergence is a number.
func (r Result) Defined() bool { return !math.IsNaN(r.Value) && !math.IsInf(r.Value, 0) }

// Success judges the divergence; without a threshold (nil) anything is a success.
func (r Result) Success(threshold *float64) bool { return threshold == nil || r.Value <= *threshold }

// Refusal is why nothing was computed, in Great Expectations' words.
type Refusal string

// Error returns the words.
func (r Refusal) Error() string { return string(r) }

// The refusals of Check and Continuous.
const (
	ErrPartition   Refusal = "Invalid partition object."
	ErrThreshold   Refusal = "Threshold must be specified, greater than or equal to zero."
	ErrTail        Refusal = "tail_weight_holdout must be between zero and one."
	ErrInternal    Refusal = "internal_weight_holdout must be between zero and one."
	ErrTwice       Refusal = "tail_weight_holdout must be 0 when using tail_weights in partition object"
	ErrDiscrete    Refusal = "Internal weight holdout cannot be used for discrete data."
	ErrInfinite    Refusal = "tail_weight_holdout cannot be used for partitions with infinite endpoints."
	ErrTailsBeyond Refusal = "There can be no tail weights for partitions with one or both endpoints at infinity"
)

// Check reports what Great Expectations refuses before it computes anything, in its order. threshold may be nil.
func Check(p Partition, h Holdouts, threshold *float64) error {
	switch {
	case !p.valid():
		return ErrPartition
	case threshold != nil && !(*threshold >= 0):
		return ErrThreshold
	case !(h.Tail >= 0 && h.Tail <= 1):
		return ErrTail
	case !(h.Internal >= 0 && h.Internal <= 1):
		return ErrInternal
	case h.Tail != 0 && p.Tails != nil:
		return ErrTwice
	case p.Bins == nil && h.Internal > 0:
		return ErrDiscrete
	}
	return nil
}

func (p Partition) valid() bool {
	if p.Bins == nil {
		return one(p.Weights)
	}
	if len(p.Bins) != len(p.Weights)+1 || p.Tails != nil && len(p.Tails) != 2 {
		return false
	}
	for i := 1; i < len(p.Bins); i++ {
		if !(p.Bins[i]-p.Bins[i-1] > 0) {
			return false
		}
	}
	return one(append(append([]float64{}, p.Tails...), p.Weights...))
}

// one is numpy's allclose with its defaults.
func one(weights []float64) bool { return math.Abs(sums.Pairwise(weights)-1) <= 1e-8+1e-5 }

// Continuous is the divergence of a histogram over the partition's bins. The partition has passed Check; o has a count for each bin.
func Continuous(p Partition, h Holdouts, o Observed) (Result, error) {
	n := float64(o.Values)
	observed := make([]float64, len(o.Counts))
	for i, c := range o.Counts {
		observed[i] = float64(c) / n
	}
	seen := sides{weights: observed, below: float64(o.Below) / n, above: float64(o.Above) / n}
	e := sides{weights: h.expect(p.Weights), below: h.Tail, above: h.Tail}
	low, high := math.IsInf(p.Bins[0], -1), math.IsInf(p.Bins[len(p.Bins)-1], 1)
	switch {
	case low && high && h.Tail > 0:
		return Result{}, ErrInfinite
	case (low || high) && p.Tails != nil:
		return Result{}, ErrTailsBeyond
	case p.Tails != nil:
		e.below, e.above = p.Tails[0], p.Tails[1]
	case !low && !high:
		e.below, e.above = h.Tail/2, h.Tail/2
	}
	r := Result{To: len(p.Bins)}
	var all, want []float64
	all, r.Observed, r.ObservedTails = seen.part(low, high)
	want, r.Expected, r.ExpectedTails = e.part(low, high)
	if low {
		r.From++
	}
	if high {
		r.To--
	}
	r.Value = Entropy(all, want)
	return r, nil
}

// sides are the weights of bins and of what lies beside them.
type sides struct {
	weights      []float64
	below, above float64
}

// part returns all weights in order, those of bins with finite ends, and those of the two tails: of a partition that is infinite on a side, its last bin there is the tail.
func (s sides) part(low, high bool) (all, inner, tails []float64) {
	all = s.weights
	if !low {
		all = append([]float64{s.below}, all...)
	}
	if !high {
		all = append(append([]float64{}, all...), s.above)
	}
	last := len(all) - 1
	return all, all[1:last], []float64{all[0], all[last]}
}

// expect scales the expected weights and gives empty bins their holdout.
func (h Holdouts) expect(weights []float64) []float64 {
	out := make([]float64, len(weights))
	empty := 0
	for i, w := range weights {
		if out[i] = w * (1 - h.Tail - h.Internal); out[i] == 0 {
			empty++
		}
	}
	if h.Internal > 0 {
		for i, w := range out {
			if w == 0 {
				out[i] = h.Internal / float64(empty)
			}
		}
	}
	return out
}

// Categorical is the divergence of counts of categories. counts[i] is how often the partition's category i was seen, others how often each category was that it lacks, in the order of their values:
// the result's weights are those of the partition's categories and then of the others. The partition has passed Check.
func Categorical(p Partition, h Holdouts, counts, others []int64, values int64) Result {
	r := Result{Expected: append([]float64{}, p.Weights...)}
	for _, c := range append(append([]int64{}, counts...), others...) {
		w := 0.0
		if c > 0 {
			w = float64(c) / float64(values)
		}
		r.Observed = append(r.Observed, w)
	}
	if len(others) > 0 {
		for i := range r.Expected {
			r.Expected[i] *= 1 - h.Tail
		}
		for range others {
			r.Expected = append(r.Expected, h.Tail/float64(len(others)))
		}
	}
	r.Value = Entropy(r.Observed, r.Expected)
	return r
}

// Entropy is scipy.stats.entropy(p, q): the divergence of p from q, each scaled to sum to 1, in nats. NaN where either cannot be scaled.
func Entropy(p, q []float64) float64 {
	sumP, sumQ := sums.Pairwise(p), sums.Pairwise(q)
	terms := make([]float64, len(p))
	for i := range p {
		terms[i] = relative(p[i]/sumP, q[i]/sumQ)
	}
	return sums.Pairwise(terms)
}

// relative is scipy.special.rel_entr: x·log(x/y), through log1p where the two are near.
func relative(x, y float64) float64 {
	switch {
	case math.IsNaN(x) || math.IsNaN(y):
		return math.NaN()
	case x > 0 && y > 0:
		ratio := x / y
		switch {
		case ratio > 0.5 && ratio < 2:
			return x * log1p((x-y)/y)
		case ratio > 0x1p-1022 && !math.IsInf(ratio, 1):
			return x * log(ratio)
		}
		return x * (log(x) - log(y))
	case x == 0 && y >= 0:
		return 0
	}
	return math.Inf(1)
}
