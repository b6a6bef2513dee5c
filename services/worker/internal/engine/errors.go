package engine

import (
	"errors"
	"time"
)

// ErrClosed is what running sequences get when their engine is closed.
var ErrClosed = errors.New("engine: closed")

// Error is an engine's refusal or failure with the facts that a client or a router needs.
type Error struct {
	// Code is machine-readable: context_length_exceeded, invalid_prompt, unsupported_parameter, engine_crashed,
	// engine_unavailable, upstream_error, upstream_truncated, idle_timeout, overloaded, …
	Code string
	// Message tells the user what happened and what to do next.
	Message string
	// Param is the request field at fault, or empty.
	Param string
	// Client: the request itself is at fault (a 4xx); no other worker would do better.
	Client bool
	// Retry: another worker may well succeed, provided that nothing was emitted yet.
	Retry bool
	// Status is the upstream's HTTP status, 0 where there was none.
	Status int
	// RetryAfter is how long the upstream asks to be left alone, 0 where it does not say.
	RetryAfter time.Duration
	Err        error
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }
