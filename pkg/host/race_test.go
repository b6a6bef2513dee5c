//go:build race

package host_test

// detector says that the race detector is on, whose own books count as memory of the process.
const detector = true
