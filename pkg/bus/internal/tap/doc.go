// Package tap takes the messages of chosen subscriptions out of a NATS connection, and puts messages in, on the
// goroutine that has them.
//
// nats.go hands a message over twice on each side: a publisher wakes the goroutine that writes, the reader wakes that of
// the subscription. At low load each is the wake of a sleeping core, and a request crosses the bus three times. A tap is
// the net.Conn beneath a nats.Conn. It publishes in the caller's goroutine and calls handlers in the reader's;
// connecting, credentials, reconnecting, pings and everything else on the connection stay with nats.go, which sees the
// stream without the messages that were taken out.
//
// The package knows NATS's client protocol and refuses to know what messages mean. It does nothing for a connection that
// is encrypted or a WebSocket, since those are changed above it; see Hub.Usable.
package tap
