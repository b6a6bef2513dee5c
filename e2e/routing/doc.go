// Package routing shows what the routing policies are worth on six simulated engines behind the real services: gateway,
// router and workers, each with its own connections to one NATS, asked over HTTP by an open-loop client.
//
// Every claim is a ratio of two runs that follow each other on one machine. The same experiment in virtual time, over
// more load and more faults, is beside the router's dispatch package.
package routing
