// Package routing shows what the routing policies are worth on six simulated engines behind the real services: gateway,
// router and workers, each with its own connections to one NATS, asked over HTTP by clients who come at random times.
//
// The services run in virtual time (bustest.Bubble): the clock stands while the platform computes and jumps to the next
// moment at which an engine ends a step, a report is due or a client comes. A time to first token is then the engines'
// queue and prefill to the nanosecond, whatever else the machine does, and two policies get the same requests at the
// same times. What repeats only nearly is the order of things that happen at one moment, and how the router breaks ties.
// One test asks the same over sockets and in real time.
//
// The load is given as the share of time for which the engines would prefill if nothing were ever found in a cache.
package routing
