package flow

// For tests of what comes from the bus.
var (
	ReadFact = readFact
	Number   = number
	Incoming = incoming
)
