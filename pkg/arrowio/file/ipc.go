package file

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/internal/wire"
)

const magic = "ARROW1"

// IPCReader reads Arrow's IPC file format (Feather v2 is that) or stream format, compressed or not, with dictionaries. A batch of the file is in memory
// whole; Limits.MaxBytes bounds it.
type IPCReader struct {
	source  source
	options Options
	read    *wire.Schema
	schema  *arrowio.Schema // of what is given
	columns []int
	known   wire.Dictionaries
	row     int64
	left    pieces
}

// source gives messages in order, nil after the last.
type source interface {
	next() (*wire.Message, error)
}

// OpenIPC reads the schema of an IPC file or stream of the given size. Errors are *arrowio.MalformedError, *arrowio.LimitError, or of r.
func OpenIPC(r io.ReaderAt, size int64, o Options) (out *IPCReader, err error) {
	defer arrowio.Recover("open an Arrow file", &err)
	o = o.filled()
	f := &IPCReader{options: o, known: wire.Dictionaries{}, left: pieces{rows: o.BatchRows, skip: o.Skip}}
	head := make([]byte, min(size, 8))
	if _, err := r.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("open an Arrow file: %w", err)
	}
	switch {
	case len(head) == 0:
		return nil, fmt.Errorf("open an Arrow file: %w", &arrowio.MalformedError{What: "the file is empty"})
	case bytes.HasPrefix(head, []byte("FEA1")):
		return nil, fmt.Errorf("open an Arrow file: %w", &arrowio.MalformedError{What: "it is Feather version 1, which is not read here; write it again as version 2 (pyarrow.feather.write_feather)"})
	case bytes.HasPrefix(head, []byte(magic)):
		err = f.openFile(r, size)
	default:
		err = f.openStream(r, size)
	}
	if err != nil {
		return nil, fmt.Errorf("open an Arrow file: %w", err)
	}
	if f.schema, err = arrowio.SchemaOf(f.read.Arrow); err != nil {
		return nil, fmt.Errorf("open an Arrow file: %w", &arrowio.MalformedError{What: err.Error()})
	}
	if f.columns, err = o.selected(f.schema); err != nil {
		return nil, fmt.Errorf("open an Arrow file: %w", err)
	}
	if f.columns != nil {
		f.schema = arrowio.NewBuilder(f.schema).Batch().Select(f.columns...).Schema()
	}
	return f, nil
}

// Schema is the columns that are given.
func (f *IPCReader) Schema() *arrowio.Schema { return f.schema }

// Close does nothing: the file belongs to the caller.
func (f *IPCReader) Close() error { return nil }

// Next is the next batch, cut to Options.BatchRows; io.EOF after the last.
func (f *IPCReader) Next() (b *arrowio.Batch, err error) {
	defer arrowio.Recover("read an Arrow file", &err)
	for {
		if b := f.left.next(); b != nil {
			return b, nil
		}
		m, err := f.source.next()
		if err != nil {
			return nil, fmt.Errorf("read an Arrow file: %w", err)
		}
		if m == nil {
			return nil, io.EOF
		}
		if err := f.take(m); err != nil {
			return nil, fmt.Errorf("read an Arrow file, batch at row %d: %w", f.row, err)
		}
	}
}

func (f *IPCReader) take(m *wire.Message) error {
	if m.IsDictionary() {
		return f.read.Dictionary(m, f.known, f.options.Limits)
	}
	rec, err := f.read.Batch(m, f.known, f.options.Limits)
	if err != nil {
		return err
	}
	b, err := arrowio.FromArrow(rec)
	if err != nil {
		return err
	}
	if f.columns != nil {
		b = b.Select(f.columns...)
	}
	if b, err = b.WithSchema(f.schema); err != nil {
		return err
	}
	f.row += int64(b.Rows())
	f.left.put(b)
	return nil
}

func (f *IPCReader) openStream(r io.ReaderAt, size int64) error {
	if f.options.RowGroups != nil {
		return errors.New("it is a stream, of which no batches can be picked: only the file format has an index")
	}
	s := &stream{file: file{r, size, f.options.Limits}}
	m, err := s.next()
	if err != nil {
		return err
	}
	if m == nil {
		return &arrowio.MalformedError{What: "the file has no schema"}
	}
	f.source = s
	f.read, err = m.Schema(f.options.Limits)
	return err
}

func (f *IPCReader) openFile(r io.ReaderAt, size int64) error {
	in := file{r, size, f.options.Limits}
	cut := &arrowio.MalformedError{What: "it does not end as an Arrow file does: it is cut off, or still being written"}
	if size < int64(2*len(magic)+4) {
		return cut
	}
	end, err := in.read(size-int64(len(magic))-4, int64(len(magic))+4)
	if err != nil {
		return err
	}
	n := int64(int32(binary.LittleEndian.Uint32(end)))
	if string(end[4:]) != magic || n <= 0 || n > size-int64(2*len(magic))-4 {
		return cut
	}
	footer, err := in.read(size-int64(len(end))-n, n)
	if err != nil {
		return err
	}
	s, dictionaries, batches, err := wire.Footer(footer, size, f.options.Limits)
	if err != nil {
		return err
	}
	if f.options.RowGroups != nil {
		if batches, err = chosen(batches, f.options.RowGroups); err != nil {
			return err
		}
	}
	f.read, f.source = s, &indexed{file: in, blocks: append(dictionaries, batches...)}
	return nil
}

func chosen(all []wire.Block, which []int) ([]wire.Block, error) {
	var out []wire.Block
	for _, i := range which {
		if i < 0 || i >= len(all) {
			return nil, fmt.Errorf("there is no batch %d of %d", i, len(all))
		}
		out = append(out, all[i])
	}
	return out, nil
}
