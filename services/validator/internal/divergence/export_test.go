package divergence

// The logarithms, for their test.
var (
	Log   = log
	Log1p = log1p
)
