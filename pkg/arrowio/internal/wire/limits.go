// Package wire reads Arrow's messages without trust: every size and position is checked against what is there before memory is taken for it, and what
// it returns is safe to index. It knows the format's flatbuffers itself, as the library's reader takes their word.
//
// It refuses big-endian data, unions, run-end encoding, views of lists and decimals of 32 and 64 bits, by name.
package wire

import "fmt"

// Limits bound what a batch may be. A zero bound is none.
type Limits struct {
	MaxBytes     int64 // of a message, and of a batch when decompressed
	MaxRows      int64 // of a batch
	MaxColumns   int   // fields of a schema, nested ones included
	MaxDepth     int   // of nesting; a plain column has depth 1
	MaxString    int64 // bytes of one string or binary value
	ValidateUTF8 bool  // refuse strings that are not UTF-8, by column and row

	AllowDuplicates bool // take schemas in which two columns have one name
}

// bounded is the limits with bounds where recursion needs some.
func (l Limits) bounded() Limits {
	if l.MaxColumns <= 0 {
		l.MaxColumns = 1 << 20
	}
	if l.MaxDepth <= 0 || l.MaxDepth > 64 {
		l.MaxDepth = 64
	}
	return l
}

// LimitError says that something is larger than a limit allows. It is found in the data, so trying again does not help.
type LimitError struct {
	What   string // "rows", "a string of column \"text\""
	Where  string // "row 7"; may be empty
	Is     int64
	Limit  int64
	Remedy string
}

// Error names what, where, and the limit.
func (e *LimitError) Error() string {
	s := fmt.Sprintf("%s: %d is over the limit of %d", e.What, e.Is, e.Limit)
	if e.Where != "" {
		s = e.Where + ": " + s
	}
	if e.Remedy != "" {
		s += "; " + e.Remedy
	}
	return s
}

// MalformedError says that bytes are not what they should be.
type MalformedError struct {
	What  string // "offsets go backwards"
	Where string // "column \"text\", row 7"; may be empty
}

// Error names what and where.
func (e *MalformedError) Error() string {
	if e.Where == "" {
		return e.What
	}
	return e.Where + ": " + e.What
}

func malformed(where, format string, args ...any) *MalformedError {
	return &MalformedError{What: fmt.Sprintf(format, args...), Where: where}
}

func over(is, limit int64) bool { return limit > 0 && is > limit }
