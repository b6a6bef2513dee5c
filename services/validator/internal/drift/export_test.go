package drift

// The distributions, for their tests.
var (
	Kolmogorov = kolmogorov
	UpperGamma = upperGamma
)
