package drift

import (
	"errors"
	"math"
)

// Test is the outcome of a statistical test of "both samples come from one distribution".
type Test struct {
	Statistic float64
	P         float64 // the probability of a statistic at least as large if they do
	Exact     bool    // whether P is exact for data without ties; else asymptotic
	Freedom   int     // degrees of freedom of ChiSquare and G
	Slack     float64 // of Smirnov: by how much the statistic may be too small because numbers are not told apart; 0 where both summaries are exact
}

// ErrEmpty says that a sample has no values, so that nothing can be compared.
var ErrEmpty = errors.New("a sample without values cannot be compared")

// exactPaths is the product of sample sizes up to which Smirnov computes the exact probability: about 20 ms.
const exactPaths = 1 << 23

// Smirnov is the two-sample Kolmogorov–Smirnov test, two-sided: the largest difference of the cumulative distributions. P is exact (by counting lattice paths, J. L. Hodges 1958) while the product of
// the sample sizes is at most 8,388,608, above that Kolmogorov's limit; with ties it errs to the side of no drift.
func Smirnov(reference, current *Numbers) (Test, error) {
	x, y, keys := together(&reference.grid, &current.grid)
	m, n := x.count, y.count
	if m == 0 || n == 0 {
		return Test{}, ErrEmpty
	}
	var t Test
	var a, b uint64
	for _, k := range keys {
		a, b = a+x.cells[k], b+y.cells[k]
		t.Statistic = max(t.Statistic, math.Abs(float64(a)/float64(m)-float64(b)/float64(n)))
		if x.drop > 0 {
			t.Slack = max(t.Slack, float64(x.cells[k])/float64(m), float64(y.cells[k])/float64(n))
		}
	}
	if m <= exactPaths/n {
		t.Exact = true
		t.P = pathsOutside(t.Statistic, int(m), int(n))
		return t, nil
	}
	size := float64(m) * (float64(n) / (float64(m) + float64(n)))
	t.P = kolmogorov(math.Sqrt(size) * t.Statistic)
	return t, nil
}

// pathsOutside is the share of lattice paths from (0,0) to (m,n) that reach a point with |i/m − j/n| ≥ d.
func pathsOutside(d float64, m, n int) float64 {
	// In whole numbers: |i·n − j·m| ≥ reach.
	reach := int64(math.Round(d * float64(m) * float64(n)))
	if reach == 0 {
		return 1
	}
	inside := make([]float64, n+1)
	for j := range inside {
		if int64(j)*int64(m) < reach {
			inside[j] = 1
		}
	}
	for i := 1; i <= m; i++ {
		// inside[j] is the share of paths to (i,j) that stayed inside, times a factor that is 1 at the end: no numbers grow.
		w := float64(i) / float64(i+n)
		at := int64(i) * int64(n)
		if inside[0] *= w; at >= reach {
			inside[0] = 0
		}
		for j := 1; j <= n; j++ {
			if at -= int64(m); at >= reach || at <= -reach {
				inside[j] = 0
			} else {
				inside[j] = w*inside[j] + inside[j-1]
			}
		}
	}
	return min(max(1-inside[n], 0), 1)
}

// kolmogorov is the upper tail of Kolmogorov's distribution, by the one of its two series that is short.
func kolmogorov(x float64) float64 {
	if x <= 0.04 {
		return 1
	}
	sum := 0.0
	if x < 1.18 {
		for k := 1.0; k < 40; k += 2 {
			sum += math.Exp(-k * k * math.Pi * math.Pi / (8 * x * x))
		}
		return min(max(1-math.Sqrt(2*math.Pi)/x*sum, 0), 1)
	}
	for k := 1.0; k < 20; k++ {
		term := math.Exp(-2 * k * k * x * x)
		if math.Mod(k, 2) == 0 {
			term = -term
		}
		sum += term
	}
	return min(max(2*sum, 0), 1)
}

// Pool is the expected count below which categories are taken together for a test: below 5 the approximation by the chi-square distribution is poor (W. G. Cochran 1954).
const Pool = 5

// ChiSquare is Pearson's test of homogeneity of two samples of categories. Categories that are expected less often than pool in either sample are counted as one.
func ChiSquare(reference, current *Categories, pool float64) (Test, error) {
	return homogeneity(reference, current, pool, func(seen, expected float64) float64 { return (seen - expected) * (seen - expected) / expected })
}

// G is the likelihood-ratio test of homogeneity, otherwise like ChiSquare.
func G(reference, current *Categories, pool float64) (Test, error) {
	return homogeneity(reference, current, pool, func(seen, expected float64) float64 {
		if seen == 0 {
			return 0
		}
		return 2 * seen * math.Log(seen/expected)
	})
}

func homogeneity(reference, current *Categories, pool float64, term func(seen, expected float64) float64) (Test, error) {
	x, y, keys := together(&reference.grid, &current.grid)
	if x.count == 0 || y.count == 0 {
		return Test{}, ErrEmpty
	}
	m, n := float64(x.count), float64(y.count)
	t := Test{Freedom: -1}
	count := func(a, b float64) {
		if a+b == 0 {
			return
		}
		t.Freedom++
		t.Statistic += term(a, (a+b)*(m/(m+n))) + term(b, (a+b)*(n/(m+n)))
	}
	var restA, restB float64
	for _, k := range keys {
		a, b := float64(x.cells[k]), float64(y.cells[k])
		if (a+b)*(min(m, n)/(m+n)) < pool {
			restA, restB = restA+a, restB+b
			continue
		}
		count(a, b)
	}
	count(restA, restB)
	t.P = 1
	if t.Freedom > 0 {
		t.P = upperGamma(float64(t.Freedom)/2, max(t.Statistic, 0)/2)
	}
	return t, nil
}

// upperGamma is the regularised upper incomplete gamma function Q(a, x): by its series below a+1, by its continued fraction (modified Lentz) above.
func upperGamma(a, x float64) float64 {
	if x <= 0 {
		return 1
	}
	g, _ := math.Lgamma(a)
	front := math.Exp(a*math.Log(x) - x - g)
	if x < a+1 {
		term := 1 / a
		sum := term
		for k := 1.0; term > sum*1e-17 && k < 1e6; k++ {
			term *= x / (a + k)
			sum += term
		}
		return min(max(1-front*sum, 0), 1)
	}
	const tiny = 1e-300
	b := x + 1 - a
	c, d := 1/tiny, 1/b
	h := d
	for k := 1.0; k < 1e6; k++ {
		an := -k * (k - a)
		b += 2
		if d = an*d + b; math.Abs(d) < tiny {
			d = tiny
		}
		if c = b + an/c; math.Abs(c) < tiny {
			c = tiny
		}
		d = 1 / d
		h *= d * c
		if math.Abs(d*c-1) < 1e-16 {
			break
		}
	}
	return min(max(front*h, 0), 1)
}
