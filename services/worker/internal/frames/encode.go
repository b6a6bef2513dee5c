package frames

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/services/worker/internal/engine"
)

// Field numbers of proto/leat/infer/v1. A test holds them against the generated code.
const (
	frameWorker, frameNumber, frameDeltas = 1, 2, 3

	deltaSequence, deltaAttempt, deltaIndex, deltaText, deltaTokens  = 1, 2, 3, 4, 5
	deltaLogprobs, deltaPrompt, deltaEnd, deltaStart, deltaReasoning = 6, 7, 8, 9, 10
	deltaToolCalls, deltaSignature                                   = 11, 12

	callIndex, callID, callName, callArguments = 1, 2, 3, 4

	startFingerprint, startVersion, startQueue = 1, 2, 3

	endFinish, endError, endUsage, endTiming, endElsewhere = 1, 2, 3, 4, 5

	usageUncached, usageCacheRead, usageCacheWrite, usageOutput, usageReasoning, usageEstimated = 1, 2, 3, 4, 5, 6

	timingQueue, timingPrefill, timingDecode = 1, 2, 3

	logprobID, logprobText, logprobValue, logprobTop = 1, 2, 3, 4

	errorKind, errorCode, errorMessage, errorParam, errorRetry = 1, 2, 3, 4, 5
)

// Start is what the first delta says of who runs the sequence.
type Start struct {
	Fingerprint  string
	ModelVersion string
	QueueNanos   int64 // from the gateway's submission to acceptance
}

// Failure is how an attempt ends badly.
type Failure struct {
	*errs.Error
	Elsewhere bool // it is the worker's: another one may make the answer, where the client has nothing of it
}

// appendDelta appends d as one element of Frame.deltas. head is the encoded sequence and attempt.
func appendDelta(b, head []byte, index uint32, start *Start, d *engine.Delta, failure *Failure) []byte {
	b, mark := open(b, frameDeltas)
	b = append(b, head...)
	b = number(b, deltaIndex, uint64(index))
	b = text(b, deltaText, d.Text)
	b = text(b, deltaReasoning, d.Reasoning)
	b = tokens(b, d.Tokens)
	for i := range d.Logprobs {
		b = logprob(b, deltaLogprobs, &d.Logprobs[i])
	}
	for i := range d.Prompt {
		b = logprob(b, deltaPrompt, &d.Prompt[i])
	}
	if d.Finish != engine.FinishNone || failure != nil {
		b = end(b, d, failure)
	}
	if start != nil {
		var m int
		b, m = open(b, deltaStart)
		b = text(b, startFingerprint, start.Fingerprint)
		b = text(b, startVersion, start.ModelVersion)
		b = number(b, startQueue, uint64(start.QueueNanos))
		b = shut(b, m)
	}
	if d.Extra != nil {
		b = extra(b, d.Extra)
	}
	return shut(b, mark)
}

func extra(b []byte, e *engine.Extra) []byte {
	for i := range e.ToolCalls {
		c := &e.ToolCalls[i]
		var m int
		b, m = open(b, deltaToolCalls)
		b = number(b, callIndex, uint64(c.Index))
		b = text(b, callID, c.ID)
		b = text(b, callName, c.Name)
		b = text(b, callArguments, c.Arguments)
		b = shut(b, m)
	}
	return text(b, deltaSignature, e.Signature)
}

func appendHead(b []byte, sequence uint64, attempt uint32) []byte {
	return number(number(b, deltaSequence, sequence), deltaAttempt, uint64(attempt))
}

func end(b []byte, d *engine.Delta, failure *Failure) []byte {
	b, mark := open(b, deltaEnd)
	if failure != nil {
		var m int
		b, m = open(b, endError)
		b = text(b, errorKind, failure.Kind.String())
		b = text(b, errorCode, failure.Code)
		b = text(b, errorMessage, failure.Message)
		b = text(b, errorParam, failure.Param)
		b = number(b, errorRetry, uint64(failure.RetryAfter.Milliseconds()))
		b = shut(b, m)
		if failure.Elsewhere {
			b = number(b, endElsewhere, 1)
		}
	} else {
		b = protowire.AppendTag(b, endFinish, protowire.BytesType)
		b = protowire.AppendString(b, string(d.Finish))
	}
	if u := d.Usage; u != nil {
		var m int
		b, m = open(b, endUsage)
		b = number(b, usageUncached, uint64(u.UncachedInput))
		b = number(b, usageCacheRead, uint64(u.CacheRead))
		b = number(b, usageCacheWrite, uint64(u.CacheWrite))
		b = number(b, usageOutput, uint64(u.Output))
		b = number(b, usageReasoning, uint64(u.Reasoning))
		if u.Estimated {
			b = number(b, usageEstimated, 1)
		}
		b = shut(b, m)
	}
	if t := d.Timing; t != nil {
		var m int
		b, m = open(b, endTiming)
		b = number(b, timingQueue, uint64(t.Queue))
		b = number(b, timingPrefill, uint64(t.Prefill))
		b = number(b, timingDecode, uint64(t.Decode))
		b = shut(b, m)
	}
	return shut(b, mark)
}

func logprob(b []byte, field protowire.Number, l *engine.TokenLogprob) []byte {
	b, mark := open(b, field)
	b = number(b, logprobID, uint64(l.ID))
	b = raw(b, logprobText, l.Text)
	if !l.Null {
		b = protowire.AppendTag(b, logprobValue, protowire.Fixed64Type)
		b = protowire.AppendFixed64(b, math.Float64bits(l.Logprob))
	}
	for i := range l.Top {
		var m int
		b, m = open(b, logprobTop)
		b = number(b, logprobID, uint64(l.Top[i].ID))
		b = raw(b, logprobText, l.Top[i].Text)
		if l.Top[i].Logprob != 0 {
			b = protowire.AppendTag(b, logprobValue, protowire.Fixed64Type)
			b = protowire.AppendFixed64(b, math.Float64bits(l.Top[i].Logprob))
		}
		b = shut(b, m)
	}
	return shut(b, mark)
}

func tokens(b []byte, ids []int32) []byte {
	if len(ids) == 0 {
		return b
	}
	b, mark := open(b, deltaTokens)
	for _, id := range ids {
		b = protowire.AppendVarint(b, uint64(id))
	}
	return shut(b, mark)
}

func number(b []byte, field protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func text(b []byte, field protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func raw(b []byte, field protowire.Number, s []byte) []byte {
	if len(s) == 0 {
		return b
	}
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), s)
}

// open begins a length-delimited field with room for a length of one byte; shut writes the length and moves the body
// where that was not enough.
func open(b []byte, field protowire.Number) (out []byte, mark int) {
	b = append(protowire.AppendTag(b, field, protowire.BytesType), 0)
	return b, len(b)
}

func shut(b []byte, mark int) []byte {
	n := len(b) - mark
	if n < 1<<7 {
		b[mark-1] = byte(n)
		return b
	}
	more := protowire.SizeVarint(uint64(n)) - 1
	b = append(b, make([]byte, more)...)
	copy(b[mark+more:], b[mark:mark+n])
	protowire.AppendVarint(b[:mark-1], uint64(n))
	return b
}
