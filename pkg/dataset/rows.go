package dataset

import (
	"context"
	"errors"
	"fmt"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/file"
)

// RowWriter is a shard of rows on its way: a Parquet file whose bytes depend on the rows and the schema alone. It is used by one
// goroutine, and ends with Close or Discard.
type RowWriter struct {
	d       *Datasets
	pending *pending
	writer  *file.ParquetWriter
	columns statistics
}

// groupBytes is how large the row groups of shards are, in Arrow bytes. A writer holds one, a copy of it and its pages, and a process several writers.
const groupBytes = 16 << 20

// NewRowWriter begins a shard of rows of a schema. An error names a column whose type Parquet does not have.
func (d *Datasets) NewRowWriter(s *arrowio.Schema) (*RowWriter, error) {
	p, err := newPending()
	if err != nil {
		return nil, err
	}
	w, err := file.NewParquetWriter(p, s, file.WriteOptions{RowGroupBytes: groupBytes})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("write a shard: %w", err), p.drop())
	}
	return &RowWriter{d: d, pending: p, writer: w, columns: newStatistics(s)}, nil
}

// Add takes the rows of a batch, which must have the shard's schema.
func (r *RowWriter) Add(b *arrowio.Batch) error {
	if err := r.writer.Write(b); err != nil {
		return r.pending.explain(fmt.Errorf("write a shard: %w", err))
	}
	r.columns.add(b)
	return nil
}

// Len is how many rows there are.
func (r *RowWriter) Len() int64 { return r.writer.Rows() }

// Close keeps the shard in the store, with Digest, Path, Bytes and Rows, and says what was counted of its columns. Where there are
// no rows, nothing is kept, and Digest is empty. blob.ErrNoSpace says that this machine or the store is full.
func (r *RowWriter) Close(ctx context.Context) (s Shard, columns []Column, err error) {
	defer func() { err = errors.Join(err, r.pending.drop()) }()
	if err := r.writer.Close(); err != nil {
		return Shard{}, nil, r.pending.explain(fmt.Errorf("write a shard: %w", err))
	}
	if r.Len() == 0 {
		return Shard{}, r.columns, nil
	}
	if s, err = r.pending.keep(ctx, r.d, "parquet"); err != nil {
		return Shard{}, nil, err
	}
	s.Rows = r.Len()
	return s, r.columns, nil
}

// Discard ends it, and keeps nothing.
func (r *RowWriter) Discard() error { return errors.Join(r.writer.Close(), r.pending.drop()) }

// Read gives a shard's rows in order, some of the columns (nil: all), until each returns an error, which is returned, or the rows end. What
// the store has is compared with the digest before any row is given.
func (d *Datasets) Read(ctx context.Context, s Shard, columns []string, each func(*arrowio.Batch) error) error {
	if err := d.verify(ctx, s); err != nil {
		return err
	}
	at, size, err := d.store.ReaderAt(ctx, s.Path)
	if err != nil {
		return err
	}
	defer at.Close()
	r, err := file.OpenParquet(at, size, file.Options{Columns: columns})
	if err != nil {
		return fmt.Errorf("read %s: %w", s.Path, err)
	}
	defer r.Close() //nolint:errcheck // only read
	return drain(r, s.Path, each)
}
