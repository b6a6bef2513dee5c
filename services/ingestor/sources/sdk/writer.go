package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source/wire"
)

// BatchBytes is a good size of a batch: from so many bytes of rows on, it is time to write one.
const BatchBytes = 512 << 10

// Writer writes a partition. It blocks where the ingestor is slower. One goroutine uses it; Working's own aside.
type Writer struct {
	// Schema is that of the plan, which every batch must have.
	Schema *arrowio.Schema

	mu      sync.Mutex // of control
	out     io.Writer
	control io.Writer
	counts  wire.Line
	pending int // rejects since the last cursor
}

func newReader(raw []byte) io.Reader { return bytes.NewReader(raw) }

// Batch writes rows. Reading on from cursor, as JSON, must give what follows. A batch without rows, or nil, says a cursor alone.
func (w *Writer) Batch(b *arrowio.Batch, cursor any) error {
	at, err := json.Marshal(cursor)
	if err != nil {
		return err
	}
	l := wire.Line{Type: wire.Batch, Number: w.counts.Batches, Cursor: at}
	var data []byte
	if b != nil && b.Rows() > 0 {
		if data, err = arrowio.Encode(b); err != nil {
			return err
		}
		l.Rows, l.Bytes = int64(b.Rows()), int64(len(data))
	}
	if err := w.line(l); err != nil {
		return err
	}
	w.counts.Batches, w.counts.Rows, w.pending = w.counts.Batches+1, w.counts.Rows+l.Rows, 0
	_, err = w.out.Write(data)
	return err
}

// maxRaw is how much of a record goes along with its refusal, in bytes.
const maxRaw = 64 << 10

// Reject says that a record is no row: where it stands (number from 1), why, and what it is. A Batch must follow some time.
func (w *Writer) Reject(file string, number int64, reason string, raw []byte) error {
	w.counts.Rejects, w.pending = w.counts.Rejects+1, w.pending+1
	return w.line(wire.Line{Type: wire.Reject, File: file, Number: number, Reason: reason, Raw: raw[:min(len(raw), maxRaw)]})
}

// Pending is how many rejects wait for a cursor. Some thousand are too many.
func (w *Writer) Pending() int { return w.pending }

// Log says something to the ingestor's log. level is debug, info, warn or error.
func (w *Writer) Log(level, message string) error {
	return w.line(wire.Line{Type: wire.Log, Level: level, Message: message})
}

// Working tells the ingestor now and then that all is well, until stop is called: for a wait on something that has a time limit of its own.
func (w *Writer) Working() (stop func()) {
	quit, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		t := time.NewTicker(10 * time.Second)
		defer t.Stop()
		for {
			select {
			case <-quit:
				return
			case <-t.C:
				_ = w.line(wire.Line{Type: wire.Alive}) // whoever writes next sees the error too
			}
		}
	}()
	return sync.OnceFunc(func() { close(quit); <-gone })
}

func (w *Writer) plan(p *Plan) error {
	schema, err := json.Marshal(p.Schema)
	if err != nil {
		return err
	}
	if err := w.line(wire.Line{Type: wire.Schema, Schema: schema}); err != nil {
		return err
	}
	for _, note := range p.Notes {
		if err := w.Log("info", note); err != nil {
			return err
		}
	}
	for _, part := range p.Parts {
		spec, err := json.Marshal(part.Spec)
		if err != nil {
			return err
		}
		if err := w.line(wire.Line{Type: wire.Part, ID: part.ID, Name: part.Name, Rows: part.Rows, Bytes: part.Bytes, Spec: spec}); err != nil {
			return err
		}
	}
	if p.Watermark != nil || p.Seen > 0 {
		mark, err := json.Marshal(p.Watermark)
		if err != nil {
			return err
		}
		if err := w.line(wire.Line{Type: wire.Watermark, Watermark: mark, Seen: p.Seen}); err != nil {
			return err
		}
	}
	return w.line(wire.Line{Type: wire.Done})
}

func (w *Writer) done() error {
	if w.pending > 0 {
		return errors.New("the source rejected records after its last batch; write a Batch of nil with a cursor after them")
	}
	l := w.counts
	l.Type = wire.Done
	return w.line(l)
}

func (w *Writer) failed(err error) error {
	l := wire.Line{Type: wire.Failed, Message: err.Error(), Retry: true}
	var e *Error
	if errors.As(err, &e) {
		l.Code, l.Retry = e.Code, false
	}
	return w.line(l)
}

func (w *Writer) line(l wire.Line) error {
	raw, err := wire.Append(nil, l)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err = w.control.Write(raw)
	return err
}
