package source

import (
	"errors"
	"fmt"
)

// The codes of errors, for machines.
const (
	Invalid   = "invalid_source"    // the YAML: an unknown key or type, a value that cannot be
	Missing   = "no_such_input"     // a file, a table or a directory that is not there
	Truncated = "truncated_file"    // ends before it is complete
	Malformed = "malformed_file"    // is not what it should be
	Changed   = "input_changed"     // is no longer what the plan or an earlier run saw
	Schema    = "schema_changed"    // has other columns than the plan
	TooMany   = "too_many_bad"      // more bad records than allowed
	Refused   = "not_supported"     // well formed, but uses what is not read here
	TooLarge  = "too_large"         // beyond a limit
	Denied    = "permission_denied" // must not be read
)

// Error is what another try would not mend; every other error of a Source may pass by itself.
type Error struct {
	Code    string
	Message string // what happened, where, and what to do next
	Err     error  // the reason, where there is one; Message names it too
}

func (e *Error) Error() string { return e.Message }

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an *Error as fmt.Errorf does; what %w names is its reason.
func Errorf(code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

// CodeOf is the code of an error that is, or wraps, an *Error; empty for others.
func CodeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
