package bench

import (
	"context"
	"errors"
	"fmt"
)

// The classes of failure. A request counts in exactly one.
const (
	ClassConnect   = "connect"     // no connection
	ClassTimeout   = "timeout"     // no end of the answer in time
	ClassCut       = "cut"         // the connection ended in the middle of an answer, or before it
	ClassHTTP      = "http"        // a status other than 200
	ClassEvent     = "error_event" // an error object inside a 200 answer
	ClassTruncated = "truncated"   // a 200 answer that ends cleanly without a finish reason or without [DONE]
	ClassMalformed = "malformed"   // not HTTP, not JSON, or not an event stream where one was asked for
)

// failure is why a request did not succeed.
type failure struct {
	class   string
	status  int    // for ClassHTTP
	code    string // the error object's code or type; for ClassTruncated what is missing
	message string // the server's or the network's words
}

// failureOf classifies an error of the transport or of the decoders.
func failureOf(err error) *failure {
	f := &failure{class: ClassCut, message: err.Error()}
	switch {
	case errors.Is(err, errConnect):
		f.class = ClassConnect
	case errors.Is(err, errTimeout):
		f.class = ClassTimeout
	case errors.Is(err, errProtocol), errors.Is(err, errNotJSON), errors.Is(err, errEventTooLong), errors.Is(err, errBodyTooLong):
		f.class = ClassMalformed
	}
	return f
}

// key groups equal failures in the report.
func (f *failure) key() string { return fmt.Sprintf("%s/%d/%s", f.class, f.status, f.code) }

// interrupted says that the user ended the run, which is no failure of the server.
func interrupted(err error) bool { return errors.Is(err, context.Canceled) }
