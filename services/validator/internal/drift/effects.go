package drift

import (
	"cmp"
	"math"
	"slices"
)

// Wasserstein is the first Wasserstein distance, the area between the cumulative distributions, in standard deviations of the reference: by how much values moved on average. Where the reference does not
// vary, 0 if nothing moved and infinity if something did.
func Wasserstein(reference, current *Numbers) (float64, error) {
	x, y, keys := together(&reference.grid, &current.grid)
	if x.count == 0 || y.count == 0 {
		return 0, ErrEmpty
	}
	area := 0.0
	var a, b uint64
	for i, k := range keys {
		a, b = a+x.cells[k], b+y.cells[k]
		if i+1 < len(keys) {
			gap := middle(keys[i+1], x.drop) - middle(k, x.drop)
			if apart := math.Abs(float64(a)/float64(x.count) - float64(b)/float64(y.count)); apart > 0 {
				area += gap * apart
			}
		}
	}
	if area == 0 {
		return 0, nil
	}
	scale := reference.deviation()
	if math.IsNaN(area) || math.IsNaN(scale) || math.IsInf(scale, 0) {
		// Infinite numbers moved, or measure what did.
		return math.Inf(1), nil
	}
	return area / scale, nil
}

// Floor is the share that a bin or category without values counts as in a stability index, whose logarithm has none of 0.
const Floor = 1e-4

// Stability is the population stability index of numbers: over bins that hold about a tenth of the reference each, Σ (q−p)·ln(q/p). By custom, below 0.1 is stable and above 0.25 has shifted. Equal numbers are
// never parted, so there are fewer bins where few numbers occur.
func Stability(reference, current *Numbers) (float64, error) {
	x, y, keys := together(&reference.grid, &current.grid)
	if x.count == 0 || y.count == 0 {
		return 0, ErrEmpty
	}
	const bins = 10
	var p, q []float64
	var a, b, seen uint64
	next := uint64(1)
	for _, k := range keys {
		// Numbers above all of the reference's stay in the last bin.
		if seen < x.count && seen*bins >= next*x.count {
			p, q = append(p, share(a, x.count)), append(q, share(b, y.count))
			a, b, next = 0, 0, seen*bins/x.count+1
		}
		a, b, seen = a+x.cells[k], b+y.cells[k], seen+x.cells[k]
	}
	return index(append(p, share(a, x.count)), append(q, share(b, y.count))), nil
}

func share(part, whole uint64) float64 { return float64(part) / float64(whole) }

func index(p, q []float64) float64 {
	sum := 0.0
	for i := range p {
		a, b := max(p[i], Floor), max(q[i], Floor)
		sum += (b - a) * math.Log(b/a)
	}
	return sum
}

// StabilityOfCategories is the population stability index over categories.
func StabilityOfCategories(reference, current *Categories) (float64, error) {
	x, y, keys := together(&reference.grid, &current.grid)
	if x.count == 0 || y.count == 0 {
		return 0, ErrEmpty
	}
	var p, q []float64
	for _, k := range keys {
		p, q = append(p, share(x.cells[k], x.count)), append(q, share(y.cells[k], y.count))
	}
	return index(p, q), nil
}

// Variation is the total variation distance of categories: the share of rows that would have to change their category, 0…1.
func Variation(reference, current *Categories) (float64, error) {
	x, y, keys := together(&reference.grid, &current.grid)
	if x.count == 0 || y.count == 0 {
		return 0, ErrEmpty
	}
	sum := 0.0
	for _, k := range keys {
		sum += math.Abs(share(x.cells[k], x.count) - share(y.cells[k], y.count))
	}
	return sum / 2, nil
}

// Holm corrects p-values for their number so that the chance of any false alarm among them stays below the level each is held against (S. Holm 1979). NaN stays NaN and is not counted.
func Holm(p []float64) []float64 {
	order := make([]int, 0, len(p))
	out := slices.Clone(p)
	for i, v := range p {
		if v == v {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	least := 0.0
	for rank, i := range order {
		least = max(least, min(1, p[i]*float64(len(order)-rank)))
		out[i] = least
	}
	return out
}
