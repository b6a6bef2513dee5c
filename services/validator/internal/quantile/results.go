package quantile

import (
	"fmt"
	"math"
	"slices"
)

// Value is a number of a column's kind, or one between two of them.
type Value struct {
	Element bool    // whether it is an element of the column in the column's own kind; else only Float says it
	Int     int64   // of an element of Kind Int
	Uint    uint64  // of an element of Kind Uint
	Float   float64 // always set: the nearest float64
}

// Methods are the interpolations that Quantiles takes: numpy's names.
var Methods = []string{"linear", "lower", "higher", "midpoint", "nearest"}

// effective is the kind in which pandas holds the column: integers with gaps are floats.
func (s *State) effective() Kind {
	if s.kind < Float64 && s.missing > 0 {
		return Float64
	}
	return s.kind
}

func (s *State) value(key uint64) Value {
	v := Value{Element: s.effective() == s.kind}
	switch s.kind {
	case Int:
		v.Int = int64(key ^ sign)
		v.Float = float64(v.Int)
	case Uint:
		v.Uint = key
		v.Float = float64(key)
	default:
		v.Float = keyFloat(key)
	}
	return v
}

// at returns the keys at ranks, counted from 0, which must be in the range.
func (s *State) at(ranks []int64) (map[int64]uint64, error) {
	sorted := slices.Clone(ranks)
	slices.Sort(sorted)
	out := make(map[int64]uint64, len(sorted))
	if len(s.run) == 0 && len(s.spilled) == 0 {
		pick(s.cells, sorted, out)
		return out, nil
	}
	var passed uint64
	err := merge(s.sources(), func(p pair) error {
		passed += p.count
		for len(sorted) > 0 && uint64(sorted[0]) < passed {
			out[sorted[0]] = p.key
			sorted = sorted[1:]
		}
		if len(sorted) == 0 {
			return errStop
		}
		return nil
	})
	return out, err
}

// place is where a quantile lies: between two ranks, t of the way.
type place struct {
	low, high int64
	t         float64
	between   bool
}

func (s *State) place(q float64, method string) (place, error) {
	if !(q >= 0 && q <= 1) {
		return place{}, fmt.Errorf("quantile %v is not between 0 and 1", q)
	}
	index := float64(s.count-1) * q
	switch method {
	case "lower":
		index = math.Floor(index)
	case "higher":
		index = math.Ceil(index)
	case "nearest":
		index = math.RoundToEven(index)
	case "midpoint":
		index = 0.5 * (math.Floor(index) + math.Ceil(index))
	case "linear":
	default:
		return place{}, fmt.Errorf("interpolation %q is not one of %q", method, Methods)
	}
	low := math.Floor(index)
	p := place{low: int64(low), high: min(int64(low)+1, s.count-1), t: index - low, between: method == "linear" || method == "midpoint"}
	if index >= float64(s.count-1) {
		// Where the last value is infinite, numpy's difference of it to itself is NaN: so is ours.
		p.low = s.count - 1
	}
	return p, nil
}

// Quantiles returns the quantiles qs (each in 0…1) as pandas' Series.quantile does, NaN where there is no value. Methods lower, higher and nearest give elements of the column.
func (s *State) Quantiles(qs []float64, method string) ([]Value, error) {
	places := make([]place, len(qs))
	var ranks []int64
	for i, q := range qs {
		p, err := s.place(q, method)
		if err != nil {
			return nil, err
		}
		places[i] = p
		ranks = append(ranks, p.low, p.high)
	}
	out := make([]Value, len(qs))
	if s.count == 0 {
		for i := range out {
			out[i].Float = math.NaN()
		}
		return out, nil
	}
	keys, err := s.at(ranks)
	if err != nil {
		return nil, err
	}
	for i, p := range places {
		out[i] = s.value(keys[p.low])
		if p.between {
			out[i] = Value{Float: s.between(out[i], s.value(keys[p.high]), p.t)}
		}
	}
	return out, nil
}

// between is numpy's linear interpolation, with its order of operations. The explicit conversions keep compilers from fusing a product and a sum.
func (s *State) between(a, b Value, t float64) float64 {
	v := s.lerp(a, b, t)
	if s.kind == Float32 && s.missing > 0 {
		return float64(float32(v))
	}
	return v
}

func (s *State) lerp(a, b Value, t float64) float64 {
	difference := b.Float - a.Float
	switch s.effective() {
	case Int:
		difference = float64(b.Int - a.Int)
	case Uint:
		difference = float64(b.Uint - a.Uint)
	case Float32:
		difference = float64(float32(b.Float) - float32(a.Float))
	case Float64:
	}
	if t >= 0.5 {
		return b.Float - float64(difference*(1-t))
	}
	return a.Float + float64(difference*t)
}

// Median returns the median as pandas' Series.median does: the mean of the two middle values where there are two; NaN where there is none.
func (s *State) Median() (float64, error) {
	if s.count == 0 {
		return math.NaN(), nil
	}
	low, high := (s.count-1)/2, s.count/2
	keys, err := s.at([]int64{low, high})
	if err != nil {
		return 0, err
	}
	a, b := s.value(keys[low]).Float, s.value(keys[high]).Float
	switch {
	case low == high:
		return a, nil
	case s.kind == Float32:
		return float64((float32(a) + float32(b)) / 2), nil
	}
	return (a + b) / 2, nil
}

// Histogram counts values as numpy.histogram does with explicit edges: bin i holds edges[i] ≤ v < edges[i+1], the last bin its upper edge too. below and above count what lies outside.
// edges must increase strictly and be at least two; they may be infinite.
func (s *State) Histogram(edges []float64) (counts []int64, below, above int64, err error) {
	if err := CheckEdges(edges); err != nil {
		return nil, 0, 0, err
	}
	counts = make([]int64, len(edges)-1)
	bin := 0
	err = merge(s.sources(), func(p pair) error {
		v, n := s.value(p.key).Float, int64(p.count)
		switch last := edges[len(edges)-1]; {
		case v < edges[0]:
			below += n
			return nil
		case v > last:
			above += n
			return nil
		}
		for bin < len(counts)-1 && v >= edges[bin+1] {
			bin++
		}
		counts[bin] += n
		return nil
	})
	return counts, below, above, err
}

// CheckEdges reports edges that are no bins.
func CheckEdges(edges []float64) error {
	if len(edges) < 2 {
		return fmt.Errorf("%d edges make no bin: at least two are needed", len(edges))
	}
	for i, e := range edges[1:] {
		if !(e > edges[i]) {
			return fmt.Errorf("edges %d and %d do not increase: %v, %v", i, i+1, edges[i], e)
		}
	}
	return nil
}

// Each calls yield for every distinct value in order with its count. An error of yield ends it.
func (s *State) Each(yield func(Value, int64) error) error {
	return merge(s.sources(), func(p pair) error { return yield(s.value(p.key), int64(p.count)) })
}
