package file

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/parquet"
	pqfile "github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/leathq/leat/pkg/arrowio"
)

// RowGroup is a part of a Parquet file that can be read alone.
type RowGroup struct {
	Rows  int64
	Bytes int64 // decompressed, as the file says
}

// ParquetReader reads a Parquet file in pieces of a row group: as many rows at once as give about Options.BatchBytes, fewer where they turn out to be
// large. Memory for a batch is bounded by Options.Memory.
type ParquetReader struct {
	options Options
	file    *pqfile.Reader
	arrow   *pqarrow.FileReader
	memory  *budget
	schema  *arrowio.Schema
	fields  []int // of the file, in the order given
	leaves  map[int]bool
	groups  []int
	at      int // of groups
	group   *group
	skip    int64
}

// OpenParquet reads a file's footer. Errors are *arrowio.MalformedError, *arrowio.LimitError, or of r.
func OpenParquet(r io.ReaderAt, size int64, o Options) (out *ParquetReader, err error) {
	const doing = "open a Parquet file"
	defer arrowio.Recover(doing, &err)
	o = o.filled()
	if err := checkEnds(r, size); err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	f := &ParquetReader{options: o, memory: &budget{most: o.Memory}, skip: o.Skip}
	props := parquet.NewReaderProperties(f.memory)
	props.BufferedStreamEnabled = true
	props.BufferSize = 1 << 20
	props.MaxCompressedPageSize, props.MaxUncompressedPageSize = o.Memory/2, o.Memory/2
	if f.file, err = pqfile.NewParquetReader(io.NewSectionReader(r, 0, size), pqfile.WithReadProps(props)); err != nil {
		return nil, fmt.Errorf("%s: %w", doing, broken(err))
	}
	if err := f.describe(); err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return f, nil
}

// Schema is the columns that are given.
func (f *ParquetReader) Schema() *arrowio.Schema { return f.schema }

// RowGroups are all of the file's, whichever are read.
func (f *ParquetReader) RowGroups() []RowGroup {
	out := make([]RowGroup, f.file.NumRowGroups())
	for i := range out {
		g := f.file.MetaData().RowGroup(i)
		out[i] = RowGroup{Rows: g.NumRows(), Bytes: g.TotalByteSize()}
	}
	return out
}

// Rows is how many rows there are in the row groups that are read.
func (f *ParquetReader) Rows() int64 {
	n := int64(0)
	for _, i := range f.groups {
		n += f.file.MetaData().RowGroup(i).NumRows()
	}
	return n
}

// Close ends reading. The file that was given stays open.
func (f *ParquetReader) Close() error {
	f.group, f.at = nil, len(f.groups)
	return nil
}

// Next is the next batch; io.EOF after the last. After any other error, reading is over.
func (f *ParquetReader) Next() (b *arrowio.Batch, err error) {
	const doing = "read a Parquet file"
	defer arrowio.Recover(doing, &err)
	for {
		b, err := f.step(context.Background())
		if err != nil && !errors.Is(err, io.EOF) {
			err = fmt.Errorf("%s: %w", doing, err)
		}
		if err != nil {
			_ = f.Close() // it has nothing to say
			return nil, err
		}
		if b != nil && b.Rows() > 0 {
			return b, nil
		}
	}
}

// step reads a batch, which may be empty, or opens a row group.
func (f *ParquetReader) step(ctx context.Context) (*arrowio.Batch, error) {
	if f.group == nil {
		return nil, f.enter()
	}
	if f.group.done == f.group.rows {
		f.group, f.at = nil, f.at+1
		return nil, nil
	}
	b, err := f.group.read(ctx)
	if err != nil {
		return nil, err
	}
	first := f.group.first + f.group.done - int64(b.Rows())
	n := min(f.skip, int64(b.Rows()))
	f.skip -= n
	b = b.Slice(int(n), b.Rows())
	return b, b.Check(f.options.Limits, first+n)
}

// enter opens the next row group, passing over those that are skipped whole.
func (f *ParquetReader) enter() error {
	for {
		if f.at >= len(f.groups) {
			return io.EOF
		}
		rows := f.file.MetaData().RowGroup(f.groups[f.at]).NumRows()
		if rows > f.skip {
			break
		}
		f.skip, f.at = f.skip-rows, f.at+1
	}
	f.group = newGroup(f, f.groups[f.at])
	return nil
}
