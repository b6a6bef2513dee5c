package sample

import "math"

const expSteps = 1024

// exp2Table holds 2^(i/expSteps). It is never written after its initialisation.
var exp2Table = func() (t [expSteps]float64) {
	for i := range t {
		t[i] = math.Exp2(float64(i) / expSteps)
	}
	return t
}()

// weight is exp(x) for x ≤ 0 to about 1e-14, and 0 below −depth, where a sum of a vocabulary's weights would not
// notice. It is several times quicker than math.Exp: a table over the fraction of x/ln 2 and a cubic for the rest.
func weight(x float64) float64 {
	if !(x > -depth) {
		return 0
	}
	k := math.Floor(x * (expSteps / math.Ln2))
	r := x - k*(math.Ln2/expSteps)
	n := int(k)
	p := 1 + r*(1+r*(0.5+r*(1.0/6)))
	return p * exp2Table[n&(expSteps-1)] * math.Float64frombits(uint64(1023+n>>10)<<52)
}
