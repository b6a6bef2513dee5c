package dispatch

import (
	"time"

	"github.com/leathq/leat/services/router/internal/queue"
)

// Key names a sequence: a gateway's own number.
type Key struct {
	Gateway  string
	Sequence uint64
}

// Submit asks for one attempt of a sequence.
type Submit struct {
	Key
	Attempt      uint32
	Partition    uint32
	Tenant       string
	Class        queue.Class
	Deadline     time.Time     // zero: none
	QueueTimeout time.Duration // 0: the pool's
	Wake         time.Time     // until when it waits where no worker is up; zero: no longer than for the queue
	PromptTokens int           // estimate
	MaxTokens    int           // 0: unknown
	Prefix       []uint64      // block hashes; kept by reference until the sequence ends
	Session      uint64        // hash of the session's key; 0: none
	Model        string        // as reports name it; empty: any worker will do
	Avoid        []string      // workers that failed this sequence
	ReplyTo      string        // opaque
	Payload      any           // opaque; kept until the sequence ends
	RequestID    string        // for Explain
	Overtakes    uint64        // the gateway's sequence beside which it is to run, at once or not at all; 0: none
	Failed       any           // the attempt before ended with this error, opaque, and this one is a retry; nil: it is none
}

// Call is a sequence as actions name it.
type Call struct {
	Key
	Attempt   uint32
	Partition uint32
	ReplyTo   string
	Payload   any
}

// Kind says what an action asks for.
type Kind uint8

// The kinds of action.
const (
	Send     Kind = iota // send Call to Worker as dispatch Number
	Queued               // tell the gateway that Call waits, Ahead others before it
	Refuse               // tell the gateway that Call is refused
	Cancel               // tell Worker to stop Call
	StepDown             // the partition has another owner (Call.Partition)
)

// Action is one thing to do.
type Action struct {
	Kind    Kind
	Worker  string
	Number  uint64 // Send: counts this machine's dispatches to the worker
	Retry   uint32 // Send: how often the attempt was moved
	Ahead   int    // Queued
	Call    Call
	Refusal Refusal // Refuse
	Epoch   uint64  // StepDown: the one that the worker knows
}

// Code is why a request was refused.
type Code string

// The codes; they are part of the public API.
const (
	QueueFull    Code = "queue_full"
	QueueTimeout Code = "queue_timeout"
	TotalTimeout Code = "total_timeout"
	NoWorker     Code = "no_worker"
	WorkerFailed Code = "worker_failed"
	Overloaded   Code = "overloaded"
	NoHedge      Code = "no_hedge" // between router and gateway only
)

// Refusal is a final no.
type Refusal struct {
	Code       Code
	Message    string // what happened and what to do next
	RetryAfter time.Duration
	Cause      any // the worker's own error, opaque; nil where there is none
}

// Verdict is a worker's word on a dispatch.
type Verdict uint8

// The verdicts.
const (
	Done       Verdict = iota // the gateway has the answer, or an error that no other worker would mend
	Broken                    // failed after the first delta
	Retry                     // failed before the first delta
	Full                      // no room
	Limited                   // the upstream behind the worker takes no more for a while
	HandedBack                // draining
	Fenced                    // our epoch is old
	Cancelled                 // the gateway withdrew it
)

// Outcome ends a dispatch.
type Outcome struct {
	Worker     string
	Number     uint64
	Verdict    Verdict
	Cause      any           // the worker's error, opaque
	RetryAfter time.Duration // Limited: for how long, 0 where that is not said
	Uncached   int           // prompt tokens that were prefilled
	Cached     int           // prompt tokens that came from the cache
	FirstToken time.Duration // from acceptance; 0: none
	Prefill    time.Duration // 0: unknown
	Epoch      uint64        // Fenced: the one that the worker knows
}

// State is what a worker says of itself.
type State uint8

// The states of a worker.
const (
	Starting State = iota
	Ready
	Unhealthy
	Draining
	Gone
	Cordoned // takes nothing new and stays
)

func (s State) String() string {
	return [...]string{"starting", "ready", "unhealthy", "draining", "gone", "cordoned"}[s]
}

// Report is a worker's word on itself.
type Report struct {
	Worker       string
	Number       uint64
	Started      int64 // tells two lives of one name apart
	State        State
	Note         string
	Slots        int
	Weight       int // its share against other workers'; 0 is 1
	Held         int // sequences accepted and not finished, of all routers
	QueuedTokens int
	KVUse        float64
	PrefillRate  float64
	CachedTokens uint64 // since its start; 0 also where the engine does not tell
	OutputTokens uint64 // since its start
	Running      int    // sequences that its engine runs
	Steps        uint64 // of its engine, since its start
	Known        bool   // the report says what it holds of ours: Highest and Numbers
	Highest      uint64 // highest dispatch number of ours that arrived
	Numbers      []uint64
	Models       []string // that it serves; none: it does not say, and counts as serving all
}

// Ref names an attempt of a sequence.
type Ref struct {
	Key
	Attempt uint32
}

// Status answers a probe: Worker, or Queued with Ahead, or neither (unknown).
type Status struct {
	Worker string
	Queued bool
	Ahead  int
}
