package conf

import (
	"errors"
	"fmt"
	"strings"
)

// Error lists everything that was refused, each with its source and what would be accepted.
type Error struct {
	// Problems are whole sentences, in the order of the sources: file, environment, flags, validation.
	Problems []string
	// Usage is set when all of them come from the command line.
	Usage bool
}

func (e *Error) Error() string {
	if len(e.Problems) == 1 {
		return e.Problems[0]
	}
	return fmt.Sprintf("%d settings are refused:\n  %s", len(e.Problems), strings.Join(e.Problems, "\n  "))
}

// Help is returned by Load as an error when --help was asked for; the text belongs on standard output and the exit
// code is 0.
type Help string

func (h Help) Error() string { return string(h) }

// Refusal is a Validate method's complaint about one key; Load adds the value and where it came from.
type Refusal struct {
	// Key is the yaml key, relative to the struct that was validated; it may be dotted.
	Key string
	// Allowed says what would be accepted: "must be at least 1".
	Allowed string
}

func (r *Refusal) Error() string { return r.Key + " " + r.Allowed }

// Refuse makes the error that a Validate method returns for one of its keys; several are joined with errors.Join.
func Refuse(key, allowed string, args ...any) error {
	return &Refusal{Key: key, Allowed: fmt.Sprintf(allowed, args...)}
}

// IsUsage says whether err is a refusal of the command line itself.
func IsUsage(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Usage
}
