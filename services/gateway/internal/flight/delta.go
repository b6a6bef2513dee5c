// Package flight keeps the books of sequences between their submission and their end: which worker a sequence is bound
// to, which delta comes next, what the reader has taken, and when silence must be looked into.
//
// It is pure: time is passed in, nothing is sent. The gateway around it turns its verdicts into messages.
package flight

import (
	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/services/gateway/internal/openai"
)

// Delta is a piece of a sequence as it came from a worker. Index counts from 0 without gaps within an attempt.
type Delta struct {
	Index     uint32
	Reasoning string // comes before Text
	Text      string
	Tokens    []int32
	Logprobs  []Token
	Prompt    []Token // echoed prompt tokens
	Start     *Start  // on the first delta
	End       *End    // on the last delta
	Extra     *Extra  // what few deltas have; nil where there is nothing of it
}

// Extra is what few deltas have. It comes after Text.
type Extra struct {
	ToolCalls []ToolCall // calls of tools, or parts of them
	Signature string     // what the engine wants to see again beside the reasoning; opaque
}

// ToolCall is a call of a tool that the model wants made, or a part of one.
type ToolCall = openai.ToolCall

// Start says who took the sequence.
type Start struct {
	Fingerprint  string
	ModelVersion string
	QueueNanos   int64
}

// End is how a sequence ended: with Finish, or with Err.
type End struct {
	Finish string
	Err    *errs.Error
	Retry  bool // with Err: another worker may not have it
	Usage  Usage
	Timing Timing
}

// Usage counts tokens in classes that do not overlap.
type Usage struct {
	UncachedInput, CacheRead, CacheWrite, Output, Reasoning int
	Estimated                                               bool // nothing was counted: Output is what was seen, the prompt is not known
}

// Prompt is all tokens of the prompt.
func (u Usage) Prompt() int { return u.UncachedInput + u.CacheRead + u.CacheWrite }

// Timing is where the worker's time went, in nanoseconds.
type Timing struct {
	QueueNanos, PrefillNanos, DecodeNanos int64
}

// Token is a token with its log-probability and the best alternatives, in the form in which it goes out.
type Token = openai.TokenLogprob

// Alternative is another token at the same place.
type Alternative = openai.TopLogprob
