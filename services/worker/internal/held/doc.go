// Package held is a worker's books: which sequences it holds, for which routers and gateways, and what became of them.
//
// It decides what to do with a dispatch (take it, refuse it, recognise it), who may still dispatch (epochs), which
// gateways are silent for too long, and what a report says of each router's dispatches. It runs nothing, sends nothing
// and reads no clock: the time is an argument.
package held
