// Package enginesim is a discrete-event model of a continuous-batching LLM engine: slots, chunked prefill, paged KV
// cache with prefix reuse, preemption, and a linear cost model.
//
// It has no goroutine, no lock and no clock of its own: the caller says what time it is. The worker's sim engine drives
// one Machine in real time, a routing experiment drives many in virtual time.
//
// The scheduling follows vLLM's V1 scheduler (running sequences first, then the waiting queue, one token budget a step
// for prefill and decode together, preemption by recomputation of the youngest). It does not model tensor or pipeline
// parallelism, speculative decoding, or swap to host memory, and it produces no text.
package enginesim
