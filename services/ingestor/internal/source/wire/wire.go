// Package wire is what an ingestor and a source program say to each other (docs/source-protocol.md): one request as a JSON line on the program's
// standard input, JSON lines from the program on descriptor 3, and Arrow batches on its standard output. It starts nothing and knows no source.
package wire

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Version is the version of the protocol that this package speaks.
const Version = 1

// Descriptor is the file descriptor on which a program writes its lines.
const Descriptor = 3

// MaxLine bounds a line, its end included, in bytes: a rejected record (64 KiB, in base64) and a partition's spec fit with room to spare.
const MaxLine = 1 << 20

// The modes, given as the program's last argument.
const (
	Plan = "plan" // say the schema, the partitions and the watermark
	Read = "read" // read one partition from a cursor on
)

// Request is the line on standard input. The input stays open while the ingestor lives: its end tells the program to stop.
type Request struct {
	Protocol int             `json:"protocol"`
	Config   json.RawMessage `json:"config"`           // what stands in the source's YAML
	Since    json.RawMessage `json:"since,omitempty"`  // plan: the watermark of the run before
	Part     json.RawMessage `json:"part,omitempty"`   // read: the spec that plan gave
	Cursor   json.RawMessage `json:"cursor,omitempty"` // read: after the last batch that is kept; absent at the beginning
	Schema   json.RawMessage `json:"schema,omitempty"` // read: the schema that plan gave
}

// The kinds of lines.
const (
	Hello     = "hello"     // first: Protocol, Name, Version
	Schema    = "schema"    // plan: Schema
	Part      = "part"      // plan: ID, Name, Rows, Bytes, Spec
	Watermark = "watermark" // plan: Watermark, Seen
	Batch     = "batch"     // read: Number, Rows, Bytes, Cursor; Bytes bytes on standard output follow
	Reject    = "reject"    // read: File, Number, Reason, Raw
	Alive     = "alive"     // nothing to say yet, but working
	Log       = "log"       // Level, Message
	Failed    = "error"     // last: Code, Message, Retry
	Done      = "done"      // last: Batches, Rows, Rejects
)

// Line is a line of the program. Which fields belong to which kind stands at the kinds.
type Line struct {
	Type      string          `json:"type"`
	Protocol  int             `json:"protocol,omitempty"`
	Name      string          `json:"name,omitempty"`
	Version   string          `json:"version,omitempty"`
	ID        string          `json:"id,omitempty"`
	Schema    json.RawMessage `json:"schema,omitempty"`
	Spec      json.RawMessage `json:"spec,omitempty"`
	Watermark json.RawMessage `json:"watermark,omitempty"`
	Cursor    json.RawMessage `json:"cursor,omitempty"`
	Seen      int             `json:"seen,omitempty"`
	Number    int64           `json:"number,omitempty"` // a batch's, from 0; a reject's line or record, from 1
	Bytes     int64           `json:"bytes,omitempty"`
	Rows      int64           `json:"rows,omitempty"`
	Batches   int64           `json:"batches,omitempty"`
	Rejects   int64           `json:"rejects,omitempty"`
	File      string          `json:"file,omitempty"`
	Reason    string          `json:"reason,omitempty"`
	Raw       []byte          `json:"raw,omitempty"` // base64
	Level     string          `json:"level,omitempty"`
	Code      string          `json:"code,omitempty"`
	Message   string          `json:"message,omitempty"`
	Retry     bool            `json:"retry,omitempty"`
}

// Lines reads a program's lines, for one goroutine.
type Lines struct {
	r *bufio.Reader
	n int
}

// NewLines reads from r.
func NewLines(r io.Reader) *Lines { return &Lines{r: bufio.NewReaderSize(r, MaxLine)} }

// Next is the next line. It returns io.EOF at the end, and *GarbageError for what is no line of the protocol; it never keeps more than MaxLine bytes.
func (l *Lines) Next() (Line, error) {
	raw, err := l.r.ReadSlice('\n')
	if err != nil && len(raw) == 0 {
		return Line{}, err
	}
	l.n++
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return Line{}, l.garbage(raw, fmt.Sprintf("longer than %d bytes", MaxLine))
	case err != nil && err != io.EOF:
		return Line{}, err
	case err == io.EOF:
		return Line{}, l.garbage(raw, "ends without a newline")
	}
	var out Line
	if err := json.Unmarshal(bytes.TrimSpace(raw), &out); err != nil {
		return Line{}, l.garbage(raw, err.Error())
	}
	if out.Type == "" {
		return Line{}, l.garbage(raw, `has no "type"`)
	}
	return out, nil
}

func (l *Lines) garbage(raw []byte, why string) error {
	const shown = 80
	if len(raw) > shown {
		raw = raw[:shown]
	}
	return &GarbageError{Line: l.n, Why: why, Text: string(bytes.TrimSpace(raw))}
}

// GarbageError is a line on descriptor 3 that is none of the protocol's.
type GarbageError struct {
	Line int // from 1
	Why  string
	Text string // how it begins
}

func (e *GarbageError) Error() string {
	return fmt.Sprintf("line %d on descriptor %d is not one of the protocol's (%s): %q; see docs/source-protocol.md", e.Line, Descriptor, e.Why, e.Text)
}

// Append writes a line to b as it travels.
func Append(b []byte, v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return b, fmt.Errorf("write a line of the source protocol: %w", err)
	}
	if len(raw) >= MaxLine {
		return b, fmt.Errorf("write a line of the source protocol: %d bytes, at most %d fit", len(raw), MaxLine-1)
	}
	return append(append(b, raw...), '\n'), nil
}
