// Package bench measures an OpenAI-compatible endpoint: latency, time to first token, time per output token, gaps
// between tokens, throughput, goodput under an SLO, and what went wrong, by class.
//
// Two loops exist. The open loop sends at times drawn beforehand (Poisson or constant) and counts every latency from
// the time at which a request was *meant* to leave, so a server that stalls cannot hide the requests that would have
// come meanwhile (no "coordinated omission": G. Tene, "How NOT to measure latency"). The closed loop keeps a fixed
// number of requests in flight and counts from the moment of sending.
//
// The client is meant to share a small machine with what it measures, so plain http:// goes through a small HTTP/1.1
// client of its own; https:// goes through net/http.
//
// The package never prints, logs or stores a prompt or an answer. It does not retry: an answer that failed is counted.
package bench
