// Package scenario holds what a user may rely on, written once: each scenario starts a fleet through a [Driver], speaks
// to it over HTTP, gRPC and by command-line tools, and says what must come back.
//
// It knows nothing of how a fleet runs; the packages under e2e/driver do. It uses the engine sim, whose answers depend
// on the request alone: what needs a real model lives in e2e/clients.
package scenario
