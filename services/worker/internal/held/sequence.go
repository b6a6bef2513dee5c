package held

import (
	"time"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/frames"
)

// Verdict is what a router does next with a dispatch. The numbers are those of leat.infer.v1.Verdict.
type Verdict uint8

// The verdicts; the protocol says what each means.
const (
	None Verdict = iota
	Done
	Broken
	Retry
	Full
	HandedBack
	Fenced
	Cancelled
)

// Key names an attempt of a gateway's sequence. Attempt 0 stands for every attempt.
type Key struct {
	Gateway  string
	Sequence uint64
	Attempt  uint32
}

// Ticket is a router's right to an outcome: the number of its dispatch.
type Ticket struct {
	Router string
	Number uint64
}

// Dispatch is one arriving order to run a sequence.
type Dispatch struct {
	Key
	Ticket
	Pool      string
	Partition uint32
	Epoch     uint64
	Deadline  time.Time // zero: none
}

// Outcome is how a dispatch ended.
type Outcome struct {
	Verdict    Verdict
	Error      *errs.Error // nil where all went well
	Usage      engine.Usage
	FirstToken time.Duration // from acceptance; 0 where there was no delta
	Prefill    time.Duration
	Total      time.Duration
	Epoch      uint64 // Fenced: the one that is known
}

// Sequence is one entry of a Table. Its exported fields do not change once Admit has returned it.
type Sequence struct {
	Dispatch
	Accepted time.Time
	// Request is the request's id for the log, once known; it belongs to whoever runs the sequence.
	Request string
	// Out is where its deltas go.
	Out *frames.Stream
	// Stop ends the run with a reason. It may be called often and by anyone.
	Stop func(cause error)

	tickets []Ticket
	stopped time.Time // when Stop was first called
	ended   time.Time
	outcome Outcome
	bytes   int
	sibling *Sequence // another attempt of the same sequence
}
