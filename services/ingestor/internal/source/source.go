// Package source says what a source of raw data is to an ingestor: something that splits its input into partitions, and reads each from a cursor on,
// the same bytes every time. It opens nothing itself; its subpackages each speak to one kind of counterpart.
package source

import (
	"context"
	"encoding/json"

	"github.com/leathq/leat/pkg/arrowio"
)

// MaxRaw is how much of a rejected record is kept, in bytes.
const MaxRaw = 64 << 10

// Source reads one input, described by its YAML. It is used by several goroutines at once.
type Source interface {
	// Plan splits the input that is new since a watermark (nil: all of it). The same input gives the same plan.
	Plan(ctx context.Context, since Watermark) (*Plan, error)
	// Open reads a partition from a cursor on (nil: from its beginning). The same cursor gives the same rows.
	Open(ctx context.Context, p Part, c Cursor) (Stream, error)
}

// Plan is what there is to read.
type Plan struct {
	Schema *arrowio.Schema // given or inferred
	Parts  []Part          // in order
	Next   Watermark       // to plan from once everything of this plan is kept
	Seen   int             // how many files, or the like, are left out as known
}

// Part is a partition: what one stream reads.
type Part struct {
	ID    string          `json:"id"`              // the same input has the same id
	Name  string          `json:"name"`            // for people
	Bytes int64           `json:"bytes,omitempty"` // 0: unknown
	Rows  int64           `json:"rows,omitempty"`  // 0: unknown
	Spec  json.RawMessage `json:"spec,omitempty"`  // the source's own
}

// Stream yields a partition to one goroutine.
type Stream interface {
	// Next returns io.EOF at the end. An error is worth another try unless it is an *Error.
	Next(ctx context.Context) (*Chunk, error)
	// Close lets go of what the stream holds, at any point.
	Close() error
}

// Chunk is a piece of a partition.
type Chunk struct {
	Batch   *arrowio.Batch // nil: only rejects, or only progress
	Rejects []Reject       // records before After that are no rows
	After   Cursor         // reading on from here gives what follows
}

// Reject is a record that is no row.
type Reject struct {
	File   string
	Line   int64 // or the record's number, from 1
	Reason string
	Raw    []byte // at most MaxRaw bytes of it
}

// NewReject makes a reject of a record, cut where it is too long.
func NewReject(file string, line int64, reason string, raw []byte) Reject {
	if len(raw) > MaxRaw {
		raw = raw[:MaxRaw]
	}
	return Reject{File: file, Line: line, Reason: reason, Raw: append([]byte(nil), raw...)}
}

// Watermark is up to where a source was read, in its own JSON; nil is nothing yet.
type Watermark = json.RawMessage

// Cursor is a place in a partition, in the source's own JSON; nil is its beginning.
type Cursor = json.RawMessage

// Error is what another try does not mend.
type Error struct {
	Code    string // for machines: truncated_file, schema_changed, …
	Message string // what happened, where, and what to do next
}

func (e *Error) Error() string { return e.Message }
