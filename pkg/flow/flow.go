// Package flow carries data runs: graphs of stages over partitions, whose batches travel on DATA and whose state is the fold of their facts on
// EVENTS (docs/adr/0024). A service gives it handlers of stages, or sources, and runs a Runner; any number of replicas may.
//
// It promises that what is written of a partition depends on its input alone, whoever dies when. It refuses to look into batches, to know what a
// stage does, and to keep state of its own.
package flow

import (
	"context"
	"encoding/json"
	"time"

	"github.com/leathq/leat/pkg/blob"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// Batch is a batch as it travels. The zero Batch has no rows: a stage that keeps none of a batch's rows hands it on, so that numbers have no holes.
type Batch struct {
	// Data is one Arrow IPC stream with one batch, as pkg/arrowio encodes it. It may be kept, and must not be changed.
	Data []byte
	// Rows is how many rows it has.
	Rows uint64
	// Schema is its schema's fingerprint.
	Schema string
}

// Handler does a kind of stage. It is used by several goroutines at once.
type Handler interface {
	// Kind is that of the stages that it does.
	Kind() string
	// Check reads a stage's spec; its errors name the field.
	Check(spec []byte) error
	// Segment begins a segment of a partition. An error is tried again unless it is an *Error.
	Segment(ctx context.Context, p Place) (Segment, error)
	// Finish judges a stage whose partitions are all done. Run, Stage, Counts, Replica and UnixNanos of what it returns are set by the caller.
	Finish(ctx context.Context, f Finishing) (*datav1.StageFinished, error)
}

// Segment takes the batches of a segment in order, by one goroutine. It ends by Close or Discard.
type Segment interface {
	// Add takes a batch and returns what goes on to the next stage in its place. An *Undecodable says that it is no batch.
	Add(ctx context.Context, number uint64, b Batch) (next Batch, err error)
	// Close writes what the stage keeps, named by its content, and says what that is. RowsIn of the counts must be the rows that were added.
	Close(ctx context.Context) (*datav1.Counts, []*datav1.Object, error)
	// Discard forgets the segment: another try, here or elsewhere, begins it anew.
	Discard()
}

// Place is where a segment lies.
type Place struct {
	Run       *datav1.Run
	Stage     *datav1.Stage
	Partition *datav1.Partition
	Segment   uint32 // from 0
	FirstRow  uint64 // how many rows of the partition came before it
	Blob      *blob.Store
	Schema    []byte // the source's, in JSON
}

// Finishing is a stage whose partitions are all done.
type Finishing struct {
	Run      *datav1.Run
	Stage    *datav1.Stage
	Segments [][]*datav1.SegmentDone // by partition, each in order
	Blob     *blob.Store
	Schema   []byte    // the source's, in JSON
	Planned  time.Time // when the run was planned
}

// Source does a kind of stage that has no input. It is used by several goroutines at once.
type Source interface {
	// Kind is that of the stages that it does.
	Kind() string
	// Check reads a stage's spec; its errors name the field.
	Check(spec []byte) error
	// Plan splits the input; the same input gives the same plan.
	Plan(ctx context.Context, r *datav1.Run, s *datav1.Stage) (*Plan, error)
	// Open reads a partition from a cursor on, nil being its beginning: the same cursor gives the same chunks.
	Open(ctx context.Context, p Place, cursor json.RawMessage) (Stream, error)
}

// Plan is what a source will read.
type Plan struct {
	Partitions []*datav1.Partition // Number is set by the caller: their order
	Schema     []byte              // in JSON
	Watermark  []byte              // in JSON; remembered when the run is complete
	Known      uint64              // how many files, or the like, are left out
}

// Stream yields a partition, to one goroutine.
type Stream interface {
	// Next returns io.EOF at the end. An error is tried again unless it is an *Error.
	Next(ctx context.Context) (*Chunk, error)
	Close() error
}

// Chunk is a piece of a partition: at most one batch, and what was refused beside it.
type Chunk struct {
	Batch   Batch           // without Data: none
	Refused []Refusal       // records that are no rows
	After   json.RawMessage // reading on from here yields what follows
}

// Refusal is a record that is no row.
type Refusal struct {
	File   string `json:"file"`
	Line   int64  `json:"line"` // or the record's number, from 1
	Reason string `json:"reason"`
	Raw    []byte `json:"raw"`
}

// Error is what another try would not mend. It fails the partition.
type Error struct {
	Code    string // for machines: truncated_file, schema_changed, …
	Message string // what happened, where, and what to do next

	kept []*datav1.Object // refused records that no other fact names
}

func (e *Error) Error() string { return e.Message }

// Undecodable says that what came as a batch is none. The message goes to the dead letters and fails its partition.
type Undecodable struct{ Err error }

func (e *Undecodable) Error() string { return "not a batch: " + e.Err.Error() }

// Unwrap returns the reason.
func (e *Undecodable) Unwrap() error { return e.Err }
