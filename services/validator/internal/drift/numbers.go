// Package drift compares a data set with a reference: population stability, Kolmogorov and Smirnov's two-sample test, Wasserstein distance for numbers; chi-square and G tests for categories; with
// p-values, corrected for looking at many columns.
//
// It compares compact summaries that merge. They are exact up to a bound on distinct values; above it values are told apart by fewer and fewer of their bits, as many as keep the bound, which gives
// an error that a result states. Nothing depends on the order of rows or merges. It judges nothing: package gates does.
package drift

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/leathq/leat/services/validator/internal/codec"
	"github.com/leathq/leat/services/validator/internal/presence"
)

// DefaultNumbers is the bound on a column's distinct numbers: about 600 KiB a column in memory.
const DefaultNumbers = 1 << 14

// leastNumbers is the number of binary orders of magnitude of float64, with both signs: as many cells always suffice.
const leastNumbers = 1 << 12

// Numbers is the summary of a numeric column. Not for concurrent use.
type Numbers struct {
	grid    grid
	missing uint64
}

// NewNumbers returns an empty summary that tells at most bound numbers apart; 0 is DefaultNumbers, and 4,096 the least.
func NewNumbers(bound int) *Numbers {
	if bound == 0 {
		bound = DefaultNumbers
	}
	return &Numbers{grid: newGrid(max(bound, leastNumbers))}
}

const sign = 1 << 63

// floatKey maps floats to integers of the same order; −0 is 0.
func floatKey(v float64) uint64 {
	b := math.Float64bits(v + 0)
	return b ^ (uint64(int64(b)>>63) | sign)
}

func keyFloat(k uint64) float64 { return math.Float64frombits(k ^ (uint64(^int64(k)>>63) | sign)) }

// Add adds rows; NaN is missing, integers above 2^53 are rounded.
func Add[T ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64](s *Numbers, values []T, there presence.Mask) {
	for i, v := range values {
		x := float64(v)
		if x != x || !there.Has(i) {
			s.missing++
			continue
		}
		s.grid.add(floatKey(x), 1)
	}
}

// Count returns how many rows held a number.
func (s *Numbers) Count() uint64 { return s.grid.count }

// Missing returns how many rows held none.
func (s *Numbers) Missing() uint64 { return s.missing }

// Exact reports whether every number is known exactly.
func (s *Numbers) Exact() bool { return s.grid.drop == 0 }

// Error is the bound on the relative error of numbers where the summary is not exact: each is known to one part in 1/Error. 0 where it is.
func (s *Numbers) Error() float64 {
	if s.grid.drop == 0 {
		return 0
	}
	return math.Ldexp(1, int(s.grid.drop)-52)
}

// Merge adds the rows of next, which has the same bound and is not changed. The order of merges does not matter.
func (s *Numbers) Merge(next *Numbers) error {
	s.missing += next.missing
	return s.grid.merge(&next.grid)
}

// middle is the number that stands for a cell.
func middle(key uint64, drop uint) float64 {
	if drop == 0 {
		return keyFloat(key)
	}
	low, high := keyFloat(key<<drop), keyFloat(key<<drop|(1<<drop-1))
	switch {
	case math.IsNaN(low): // the cell of −Inf
		return high
	case math.IsNaN(high): // of +Inf
		return low
	}
	return low + (high-low)/2
}

// point is a number and how often it occurs.
type point struct {
	value float64
	count uint64
}

func (s *Numbers) points() []point {
	out := make([]point, 0, len(s.grid.cells))
	for _, k := range slices.Sorted(maps.Keys(s.grid.cells)) {
		out = append(out, point{middle(k, s.grid.drop), s.grid.cells[k]})
	}
	return out
}

// deviation is the standard deviation of the summary's numbers.
func (s *Numbers) deviation() float64 {
	n := float64(s.grid.count)
	mean, squares := 0.0, 0.0
	for _, p := range s.points() {
		mean += p.value * (float64(p.count) / n)
	}
	for _, p := range s.points() {
		squares += (p.value - mean) * (p.value - mean) * (float64(p.count) / n)
	}
	return math.Sqrt(squares)
}

const (
	numbersName = "DRFN"
	wireVersion = 1
)

// MarshalBinary returns the summary's bytes, the same for the same rows in any order.
func (s *Numbers) MarshalBinary() ([]byte, error) {
	var out codec.Append
	out.Header(numbersName, wireVersion)
	out.Uint(s.missing)
	s.grid.write(&out)
	return out, nil
}

// UnmarshalBinary reads what MarshalBinary wrote, and refuses damaged bytes with an error that says where; s then is as it was.
func (s *Numbers) UnmarshalBinary(data []byte) error {
	r := codec.NewReader(data)
	r.Header(numbersName, wireVersion)
	n := Numbers{missing: r.Uint()}
	n.grid = readGrid(r, leastNumbers, func(low, high uint64) bool { return !math.IsNaN(keyFloat(low)) || !math.IsNaN(keyFloat(high)) })
	if err := r.Done(); err != nil {
		return fmt.Errorf("read a summary of numbers: %w", err)
	}
	*s = n
	return nil
}

// Each calls yield with every number that is told apart, in order, and how often it occurs, until yield says false. Where the summary is not exact, numbers near each other are one.
func (s *Numbers) Each(yield func(value float64, count uint64) bool) {
	for _, p := range s.points() {
		if !yield(p.value, p.count) {
			return
		}
	}
}

// Distinct returns how many numbers are told apart.
func (s *Numbers) Distinct() int { return len(s.grid.cells) }
