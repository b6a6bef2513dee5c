package profile

import (
	"math"

	"github.com/leathq/leat/services/validator/internal/drift"
)

// bars is how many bins a histogram has at most.
const bars = 24

// binsOf cuts the finite numbers into bins of one width, which is 1, 2 or 5 times a power of ten, so that edges read well; at least 1 for whole numbers.
func binsOf(s *drift.Numbers, whole bool) []Bin {
	least, most := math.Inf(1), math.Inf(-1)
	for v := range s.Each {
		if !math.IsInf(v, 0) {
			least, most = min(least, v), max(most, v)
		}
	}
	if least > most {
		return nil
	}
	out := edges(least, most, whole)
	fill(out, s)
	return out
}

// edges are empty bins from one number to another; one for all where floats of that size cannot be cut so.
func edges(least, most float64, whole bool) []Bin {
	width := step((most - least) / bars)
	if whole {
		width = max(width, 1)
	}
	from := math.Floor(least/width) * width
	if end := from + (bars+2)*width; math.IsInf(end, 0) || math.IsNaN(end) || from+width == from || most+width == most {
		return []Bin{{Low: least, High: most}}
	}
	var out []Bin
	for i := 0; i <= bars+1; i++ {
		out = append(out, Bin{Low: tidy(from+float64(i)*width, width), High: tidy(from+float64(i+1)*width, width)})
		if out[i].High > most {
			break
		}
	}
	return out
}

func fill(bins []Bin, s *drift.Numbers) {
	at := 0
	for v, n := range s.Each {
		if math.IsInf(v, 0) {
			continue
		}
		for at < len(bins)-1 && v >= bins[at].High {
			at++
		}
		bins[at].Count += int64(n)
	}
}

// step is the least of 1, 2 and 5 times a power of ten that is not below x; 1 for 0.
func step(x float64) float64 {
	if x <= 0 || math.IsInf(x, 0) {
		return 1
	}
	p := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{1, 2, 5} {
		if m*p >= x {
			return m * p
		}
	}
	return 10 * p
}

// tidy takes away what floats leave of a multiple of a width: 0.30000000000000004 is 0.3.
func tidy(x, width float64) float64 {
	digits := max(0, -int(math.Floor(math.Log10(width)))+1)
	if digits > 15 || math.Abs(x) > 1e15 {
		return x
	}
	p := math.Pow(10, float64(digits))
	if r := math.Round(x*p) / p; !math.IsInf(r, 0) && !math.IsNaN(r) {
		return r
	}
	return x
}
