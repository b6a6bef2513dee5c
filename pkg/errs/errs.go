// Package errs is the one error that crosses services, and the one table that renders it for clients.
//
// Whatever is not an *Error is internal: its text goes to the log, never to a caller. The package refuses to log, to
// wrap stack traces and to know any service.
package errs

import (
	"errors"
	"fmt"
	"time"
)

// Kind is what went wrong, coarsely: it decides HTTP status, gRPC code, OpenAI type and exit code.
type Kind uint8

// The kinds. The zero Kind is Internal.
const (
	Internal        Kind = iota // a fault of ours; its text stays in the log
	Invalid                     // the request is wrong and will stay wrong
	Unauthenticated             // no or a bad key
	Forbidden                   // a good key without the right
	NotFound                    // no such model, worker, …
	TooLarge                    // above a configured bound
	RateLimited                 // too much at the moment; RetryAfter says when
	Unavailable                 // nobody can serve it now
	Timeout                     // one of the named waits ran out
	Upstream                    // an engine or a provider failed
	Canceled                    // the caller left
)

// Error is a failure that the caller may see. Message says what happened and what to do next.
type Error struct {
	Kind       Kind
	Code       string        // machine-readable, e.g. context_length_exceeded
	Message    string        // for people
	Param      string        // the request field at fault, or empty
	RetryAfter time.Duration // when to try again; 0 is not said
	Err        error         // the cause, for the log; never shown
}

// New makes an error of a kind with a code and a formatted message.
func New(k Kind, code, format string, args ...any) *Error {
	return &Error{Kind: k, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Field makes an Invalid error that names the request field at fault.
func Field(param, code, format string, args ...any) *Error {
	return &Error{Kind: Invalid, Code: code, Param: param, Message: fmt.Sprintf(format, args...)}
}

// Because sets the cause, which only the log sees, and returns e.
func (e *Error) Because(err error) *Error {
	e.Err = err
	return e
}

// Error is the public message with the cause behind it.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// As returns err's *Error, or an Internal one that hides err's text from callers.
func As(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{
		Kind: Internal, Code: "internal_error", Err: err,
		Message: "The server had an error while processing your request. Retry it; if it stays, give the operator the x-request-id of this answer.",
	}
}
