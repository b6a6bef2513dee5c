// Package upstream is an instant OpenAI-compatible server: the yardstick that a gateway is compared with and the engine
// behind it in benchmarks and fault tests. It answers chat and completions from prepared bytes, streams tokens on a
// timing wheel (one goroutine for all streams), and can be made to fail in the ways that real engines fail.
//
// It runs no model, checks no key, does not look at prompts, and wants requests with a Content-Length. The text of
// token i is " ti", so a reader can tell a lost, doubled or swapped token.
package upstream

import (
	"errors"
	"fmt"
	"time"
)

// Profile is how answers are timed. The zero value answers at once with one token.
type Profile struct {
	// TTFT is the time from a streamed request to its first token.
	TTFT time.Duration `json:"ttft_ns"`
	// TPOT is the time between the tokens of a stream. Answers that are not streamed are always instant.
	TPOT time.Duration `json:"tpot_ns"`
	// Tokens is the length of an answer whose request does not give max_tokens.
	Tokens int `json:"tokens"`
}

// Fault is a way to fail, for all requests at once.
type Fault string

// The faults. A change takes effect for running answers too; /health keeps answering where connections are taken.
const (
	FaultNone Fault = "none"
	// FaultRefuse takes no connections and closes idle ones; running streams finish.
	FaultRefuse Fault = "refuse"
	// FaultKill takes no connections and cuts all that there are, like a dead process.
	FaultKill Fault = "kill"
	// FaultError answers 500 at once; running streams go on.
	FaultError Fault = "error"
	// FaultHangFirst sends nothing for answers that have not begun; with FaultNone they go on.
	FaultHangFirst Fault = "hang_first"
	// FaultHangStream stops streams after at least one token; with FaultNone they go on.
	FaultHangStream Fault = "hang_stream"
	// FaultTruncate ends streams cleanly in the middle: no finish reason, no [DONE]. Of whole answers three
	// quarters are sent before the connection is closed.
	FaultTruncate Fault = "truncate"
	// FaultCut closes the connection in the middle of streams.
	FaultCut Fault = "cut"
	// FaultSlow takes slowness times as long to every token; whole answers wait for as long as to a stream's first token.
	FaultSlow Fault = "slow"
	// FaultGarbage answers with what is no answer, in turns: bytes that are not HTTP, a web page under status 200, and the
	// right content type with a body that is no JSON. Running streams go on.
	FaultGarbage Fault = "garbage"
	// FaultBigError answers 500 with an explanation of 10 MiB; running streams go on.
	FaultBigError Fault = "big_error"
)

// slowness is how many times longer a slow server takes.
const slowness = 10

func (f Fault) known() bool {
	switch f {
	case FaultNone, FaultRefuse, FaultKill, FaultError, FaultHangFirst, FaultHangStream, FaultTruncate, FaultCut,
		FaultSlow, FaultGarbage, FaultBigError:
		return true
	}
	return false
}

// Config of a server.
type Config struct {
	// Address to listen on, host:port; port 0 picks one.
	Address string
	// Model is the name that answers carry and /v1/models lists; requests may name any.
	Model   string
	Profile Profile
}

// maxTokens bounds an answer.
const maxTokens = 1 << 20

// Validate says what is wrong with the configuration.
func (c Config) Validate() error {
	var problems []error
	if c.Address == "" {
		problems = append(problems, errors.New("address is empty: use host:port"))
	}
	if c.Model == "" {
		problems = append(problems, errors.New("model is empty: use any name"))
	}
	return errors.Join(append(problems, c.Profile.validate())...)
}

func (p Profile) validate() error {
	if p.TTFT < 0 || p.TPOT < 0 {
		return fmt.Errorf("times of a profile cannot be negative")
	}
	if p.Tokens < 0 || p.Tokens > maxTokens {
		return fmt.Errorf("tokens %d: use 0 to %d", p.Tokens, maxTokens)
	}
	return nil
}
