// Package source says what a source of raw data is: something that splits into partitions and reads each, from a cursor on, as Arrow batches. It knows
// no format and no protocol, and never decides what becomes of a batch or of a refused record: that is the run's.
package source

import (
	"context"
	"encoding/json"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
)

// Source reads one input, which its YAML describes. It may be used by several goroutines at once.
type Source interface {
	// Plan splits the input into partitions. The same input gives the same plan, whoever makes it and wherever. Since is the watermark of an earlier run,
	// whose input is left out; nil takes everything.
	Plan(ctx context.Context, since Watermark) (*Plan, error)
	// Open reads a partition from a cursor on, nil being its beginning. The same cursor gives the same chunks. An error is an *Error where another try
	// would not mend it.
	Open(ctx context.Context, p Part, c Cursor) (Stream, error)
}

// Bounded is a Source that can leave out what is older than a time.
type Bounded interface {
	Source
	// Since sets the time, beside whatever bound its YAML has; the later one holds. It is called before Plan, by one goroutine. An error says why this source cannot.
	Since(t time.Time) error
}

// Plan is what a source will read.
type Plan struct {
	Schema *arrowio.Schema // every batch's, given or inferred
	Parts  []Part          // in the order of the rows; none where there is nothing new
	Next   Watermark       // remembered when the run is complete; given to the Plan of the next one
	Seen   int             // files, or the like, that are left out because an earlier run had them
	Notes  []string        // what a person should know: how the schema was inferred, which files are empty
}

// Part is a partition: what one reader takes at a time.
type Part struct {
	ID    string          `json:"id"`              // the same input has the same one, in every plan
	Name  string          `json:"name"`            // for people
	Bytes int64           `json:"bytes,omitempty"` // as they lie there; 0: unknown
	Rows  int64           `json:"rows,omitempty"`  // 0: unknown
	Spec  json.RawMessage `json:"spec,omitempty"`  // the source's own; with the source's YAML it is all that Open needs
}

// Stream yields a partition. It is used by one goroutine.
type Stream interface {
	// Next is the next piece, and io.EOF at the end.
	Next(ctx context.Context) (*Chunk, error)
	// Close frees what the stream holds. It may be called at any time, more than once.
	Close() error
}

// Chunk is a piece of a partition: at most one batch, and the records beside it that are no rows.
type Chunk struct {
	Batch   *arrowio.Batch // nil where there were only bad records
	Rejects []Reject
	After   Cursor // reading on from here yields what follows
}

// Reject is a record that is no row. Nothing is lost: Raw is what stood there.
type Reject struct {
	File   string `json:"file"`
	Line   int64  `json:"line"` // of the file, or the number of its row or record; from 1
	Reason string `json:"reason"`
	Raw    []byte `json:"raw"` // cut at MaxRaw bytes
}

// MaxRaw is how many bytes of a refused record are kept.
const MaxRaw = 64 << 10

// Refuse makes a Reject with its own copy of raw.
func Refuse(file string, line int64, reason string, raw []byte) Reject {
	if len(raw) > MaxRaw {
		raw = raw[:MaxRaw]
	}
	return Reject{File: file, Line: line, Reason: reason, Raw: append([]byte{}, raw...)}
}

// Watermark is how far a source has been read by runs that are complete: JSON that only the source understands.
type Watermark = json.RawMessage

// Cursor is a place between two chunks of a partition: JSON that only the source understands.
type Cursor = json.RawMessage
