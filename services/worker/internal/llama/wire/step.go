package wire

import (
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// Step is everything that one engine step changed: deltas and ends of sequences, and the load after it.
type Step struct {
	Kind    StepKind
	Tokens  int           // tokens that the step's native calls processed
	Elapsed time.Duration // of the native calls and the sampling
	Load    Load
	Events  []Event
}

// StepKind says what a step did.
type StepKind uint8

// What a step did.
const (
	StepNone    StepKind = iota // no native call: ends only
	StepPrefill                 // prompt tokens
	StepDecode                  // one token for each running sequence
	StepMixed                   // both in one call
	stepEnd
)

// Load is the child's counters; the worker adds what it knows of the process.
type Load struct {
	QueuedTokens int
	KVUse        float64
	PrefillRate  float64
	DecodeRate   float64
	PromptTokens uint64
	CachedTokens uint64
	OutputTokens uint64
	Steps        uint64
}

// Event is a change of one sequence. End without Err follows a Delta with Finish; Err is a refusal or failure;
// Cancelled answers a cancel. After End the sequence's slot is free and its id is never used again.
type Event struct {
	ID        uint64
	Delta     *engine.Delta
	End       bool
	Cancelled bool
	Err       *engine.Error
}

const (
	eventDelta = 1 << iota
	eventEnd
	eventCancelled
	eventErr
	eventFlagsEnd
)

// Append encodes s behind b.
func (s *Step) Append(b []byte) []byte {
	b = append(b, byte(s.Kind))
	b = putUint(b, uint64(s.Tokens))
	b = putInt(b, int64(s.Elapsed))
	l := &s.Load
	b = putUint(b, uint64(l.QueuedTokens))
	b = putFloat(putFloat(putFloat(b, l.KVUse), l.PrefillRate), l.DecodeRate)
	b = putUint(putUint(putUint(putUint(b, l.PromptTokens), l.CachedTokens), l.OutputTokens), l.Steps)
	b = putUint(b, uint64(len(s.Events)))
	for i := range s.Events {
		b = appendEvent(b, &s.Events[i])
	}
	return b
}

func appendEvent(b []byte, e *Event) []byte {
	var f byte
	if e.Delta != nil {
		f |= eventDelta
	}
	if e.End {
		f |= eventEnd
	}
	if e.Cancelled {
		f |= eventCancelled
	}
	if e.Err != nil {
		f |= eventErr
	}
	b = append(putUint(b, e.ID), f)
	if e.Delta != nil {
		b = appendDelta(b, e.Delta)
	}
	if e.Err != nil {
		b = appendError(b, e.Err)
	}
	return b
}

// DecodeStep decodes a KindStep payload.
func DecodeStep(b []byte) (Step, error) {
	r := &reader{b: b}
	var s Step
	if kind := r.uint(); kind < uint64(stepEnd) {
		s.Kind = StepKind(kind)
	} else {
		r.fail("unknown step kind")
	}
	s.Tokens, s.Elapsed = int(r.uint()), time.Duration(r.int())
	l := &s.Load
	l.QueuedTokens = int(r.uint())
	l.KVUse, l.PrefillRate, l.DecodeRate = r.float(), r.float(), r.float()
	l.PromptTokens, l.CachedTokens, l.OutputTokens, l.Steps = r.uint(), r.uint(), r.uint(), r.uint()
	if n := r.count(2); n > 0 {
		s.Events = make([]Event, n)
		for i := range s.Events {
			decodeEvent(r, &s.Events[i])
		}
	}
	return s, r.end()
}

func decodeEvent(r *reader, e *Event) {
	e.ID = r.uint()
	f := r.uint()
	if f >= eventFlagsEnd {
		r.fail("unknown event flags")
		return
	}
	e.End, e.Cancelled = f&eventEnd != 0, f&eventCancelled != 0
	if f&eventDelta != 0 {
		e.Delta = decodeDelta(r)
	}
	if f&eventErr != 0 {
		e.Err = decodeError(r)
	}
}

func appendError(b []byte, e *engine.Error) []byte {
	b = putString(putString(putString(b, e.Code), e.Message), e.Param)
	return putBool(putBool(b, e.Client), e.Retry)
}

func decodeError(r *reader) *engine.Error {
	return &engine.Error{Code: r.string(), Message: r.string(), Param: r.string(), Client: r.bool(), Retry: r.bool()}
}
