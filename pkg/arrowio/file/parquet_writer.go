package file

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/leathq/leat/pkg/arrowio"
)

// Codec is how a Parquet file's pages are compressed.
type Codec uint8

// The codecs. Zstd is the default.
const (
	Zstd Codec = iota
	Snappy
	None
)

// WriteOptions say how a Parquet file is written. Zeros are the defaults.
type WriteOptions struct {
	Codec         Codec
	RowGroupRows  int   // at most; 131,072 by default
	RowGroupBytes int64 // of Arrow data in a row group, at most unless one row is larger; 32 MiB by default. Memory is a few times that.
}

// ParquetWriter writes batches as a Parquet file whose bytes depend on the rows, the schema and the options alone: row groups are cut by rows and
// their size, whatever batches they came in. It is used by one goroutine.
type ParquetWriter struct {
	to     io.Writer
	open   func(io.Writer, ...parquet.WriterProperty) (*pqarrow.FileWriter, error)
	out    *pqarrow.FileWriter // nil until there are rows: it depends on them
	schema *arrowio.Schema
	chunks *arrowio.Rechunker
	rows   int64
}

// NewParquetWriter begins a file. An error names a column whose type Parquet does not have.
func NewParquetWriter(w io.Writer, s *arrowio.Schema, o WriteOptions) (out *ParquetWriter, err error) {
	defer arrowio.Recover("write a Parquet file", &err)
	if err := Writable(s); err != nil {
		return nil, fmt.Errorf("write a Parquet file: %w", err)
	}
	codec := map[Codec]compress.Compression{Zstd: compress.Codecs.Zstd, Snappy: compress.Codecs.Snappy, None: compress.Codecs.Uncompressed}
	size := cmp.Or(max(o.RowGroupBytes, 0), 32<<20)
	rows := cmp.Or(max(o.RowGroupRows, 0), 128<<10)
	props := []parquet.WriterProperty{
		parquet.WithCreatedBy("leat"), parquet.WithVersion(parquet.V2_LATEST), parquet.WithCompression(codec[o.Codec]),
		parquet.WithMaxRowGroupLength(int64(rows)), parquet.WithStats(true),
	}
	stored, noted, err := storage(s)
	if err != nil {
		return nil, fmt.Errorf("write a Parquet file: %w", err)
	}
	open := func(to io.Writer, more ...parquet.WriterProperty) (*pqarrow.FileWriter, error) {
		fw, err := pqarrow.NewFileWriter(arrowio.ArrowSchema(stored), struct{ io.Writer }{to}, parquet.NewWriterProperties(append(more, props...)...), noted)
		if err != nil {
			return nil, fmt.Errorf("write a Parquet file: %w", err)
		}
		return fw, nil
	}
	if _, err := open(io.Discard); err != nil { // what is wrong with the schema shows now
		return nil, err
	}
	return &ParquetWriter{to: w, open: open, schema: stored, chunks: arrowio.NewRechunker(size, size).MaxRows(rows)}, nil
}

// storage is the schema as the library is told of it, and whether the library notes it down: it does, unless there are durations to note.
func storage(s *arrowio.Schema) (*arrowio.Schema, pqarrow.ArrowWriterProperties, error) {
	fields, any := numbers(s.Fields)
	if !any {
		return s, pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()), nil
	}
	note, err := writeNote(s)
	out := &arrowio.Schema{Fields: fields, Metadata: maps.Clone(s.Metadata)}
	if out.Metadata == nil {
		out.Metadata = map[string]string{}
	}
	out.Metadata[noteKey] = note
	return out, pqarrow.NewArrowWriterProperties(), err
}

// Writable says which column's type cannot be written as Parquet, and why; nil where all can.
func Writable(s *arrowio.Schema) error {
	for _, f := range s.Fields {
		if err := writable(f, true); err != nil {
			return fmt.Errorf("column %q: %w", f.Name, err)
		}
	}
	return nil
}

var errNoType = errors.New("Parquet has no such type; cast the column to another")

// writable says why a field cannot be written; each says whether every row has a value of it, no more and no less.
func writable(f arrowio.Field, each bool) error {
	each = each && !f.Nullable
	switch t := f.Type; t.Kind {
	case arrowio.Interval:
		return fmt.Errorf("%s: %w", t, errNoType)
	case arrowio.FixedList:
		if !each {
			return fmt.Errorf("%s is only written where nothing that it lies in is null or a list; declare it a list", t)
		}
	case arrowio.Null:
		if !f.Nullable {
			return errors.New("a column of nulls must be nullable")
		}
	case arrowio.Decimal128, arrowio.Decimal256:
		if t.Scale < 0 || t.Scale > t.Precision {
			return fmt.Errorf("%s: %w", t, errNoType)
		}
	case arrowio.Dictionary:
		if k := t.Elem[0].Type.Kind; k >= arrowio.List && k <= arrowio.Dictionary {
			return fmt.Errorf("%s: %w", t, errNoType)
		}
	}
	for _, e := range f.Type.Elem {
		if err := writable(e, each && f.Type.Kind == arrowio.Struct); err != nil {
			return err
		}
	}
	return nil
}

// Write takes rows of the file's schema. They are in the file after Close.
func (w *ParquetWriter) Write(b *arrowio.Batch) error {
	full, err := w.chunks.Add(b)
	if err != nil {
		return fmt.Errorf("write a Parquet file: %w", err)
	}
	w.rows += int64(b.Rows())
	return w.groups(full)
}

func (w *ParquetWriter) groups(bs []*arrowio.Batch) (err error) {
	defer arrowio.Recover("write a Parquet file", &err)
	for _, b := range bs {
		if err := w.begin(b); err != nil {
			return err
		}
		if err := w.out.Write(b.Canonical().Reinterpret(w.schema).Arrow()); err != nil {
			return fmt.Errorf("write a Parquet file: %w", err)
		}
	}
	return nil
}

// begin opens the file by its first rows; nil where there are none.
func (w *ParquetWriter) begin(first *arrowio.Batch) (err error) {
	if w.out != nil {
		return nil
	}
	var more []parquet.WriterProperty
	for i, f := range w.schema.Fields {
		if first != nil && varied(first.Column(i)) {
			more = append(more, parquet.WithDictionaryFor(f.Name, false))
		}
	}
	w.out, err = w.open(w.to, more...)
	return err
}

// Rows is how many rows were given.
func (w *ParquetWriter) Rows() int64 { return w.rows }

// Close writes what is left and the footer. What the bytes went to stays open.
func (w *ParquetWriter) Close() error {
	last, err := w.chunks.Flush()
	if err == nil {
		err = w.groups(last)
	}
	if err == nil {
		err = w.begin(nil)
	}
	if w.out == nil {
		return err
	}
	if cerr := w.out.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("write a Parquet file: %w", cerr)
	}
	return err
}
