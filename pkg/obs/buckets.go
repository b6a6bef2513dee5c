package obs

// Histogram buckets sized for language models. Each function returns a new slice, upper bounds in rising order.

// RequestBuckets are seconds of a whole request: a cache hit takes milliseconds, a long answer minutes. They double
// from OpenTelemetry's GenAI smallest bound (10 ms) to beyond its largest (81.92 s), up to the default total time-out.
func RequestBuckets() []float64 {
	return []float64{.005, .01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 300}
}

// FirstTokenBuckets are seconds until the first token (TTFT); finer than vLLM's below 100 ms, where cached prefixes land.
func FirstTokenBuckets() []float64 {
	return []float64{.002, .005, .01, .02, .04, .06, .08, .1, .15, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160}
}

// TokenGapBuckets are seconds per output token (TPOT) and between tokens.
func TokenGapBuckets() []float64 {
	return []float64{.0005, .001, .0025, .005, .01, .015, .02, .025, .03, .04, .05, .075, .1, .15, .2, .3, .5, 1, 2.5, 5}
}

// QueueBuckets are seconds spent waiting for a worker; most requests wait for nothing.
func QueueBuckets() []float64 {
	return []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120}
}

// TokenBuckets count tokens of a request or answer, by powers of four up to four million, as OpenTelemetry's GenAI
// convention asks, with the powers of two between where most requests are.
func TokenBuckets() []float64 {
	return []float64{1, 4, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 65536, 262144, 1048576, 4194304}
}

// RPCBuckets are seconds of one internal call.
func RPCBuckets() []float64 {
	return []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 300}
}
