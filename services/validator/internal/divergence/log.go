package divergence

import "math"

// double is a number of about 106 bits: the sum of two floats of which the second is below the last bit of the first (T. J. Dekker, "A floating-point technique for extending the available precision", 1971).
type double struct{ high, low float64 }

func plus(a, b float64) double {
	sum := a + b
	t := sum - a
	return double{sum, (a - (sum - t)) + (b - t)}
}

func times(a, b float64) double {
	p := a * b
	return double{p, math.FMA(a, b, -p)}
}

func (a double) add(b double) double {
	s := plus(a.high, b.high)
	t := plus(a.low, b.low)
	s = plus(s.high, s.low+t.high)
	return plus(s.high, s.low+t.low)
}

func (a double) mul(b double) double {
	p := times(a.high, b.high)
	return plus(p.high, p.low+(a.high*b.low+a.low*b.high))
}

func (a double) div(b double) double {
	q := a.high / b.high
	r := a.add(b.mul(double{-q, 0}))
	q2 := r.high / b.high
	r = r.add(b.mul(double{-q2, 0}))
	return plus(q, q2).add(double{r.high / b.high, 0})
}

var ln2 = double{0.6931471805599453, 2.3190468138462996e-17}

// logarithm is ln of x > 0, by 2·artanh((m−1)/(m+1)) of its significand m between √½ and √2, good to about 2^-100. The last bit of math.Log differs between architectures; results must not.
func logarithm(x double) float64 {
	m, exponent := math.Frexp(x.high)
	if m < math.Sqrt2/2 {
		m *= 2
		exponent--
	}
	r := double{m, math.Ldexp(x.low, -exponent)}
	z := r.add(double{-1, 0}).div(r.add(double{1, 0}))
	square := z.mul(z)
	sum := double{}
	const terms = 23
	for k := terms; k >= 0; k-- {
		sum = sum.mul(square).add(double{1, 0}.div(double{float64(2*k + 1), 0}))
	}
	out := z.mul(sum)
	out = out.add(out).add(ln2.mul(double{float64(exponent), 0}))
	return out.high + out.low
}

// log is ln x of x > 0, rounded correctly but for about one in 2^40 arguments.
func log(x float64) float64 {
	if math.IsInf(x, 1) {
		return x
	}
	return logarithm(double{x, 0})
}

// log1p is ln (1+x) of x > −1, rounded as log is.
func log1p(x float64) float64 { return logarithm(plus(1, x)) }
