package file

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/leathq/leat/pkg/arrowio"
)

// group is a row group being read.
type group struct {
	f       *ParquetReader
	number  int
	first   int64 // its first row's number in the file
	rows    int64
	done    int64
	step    int64 // rows at once
	small   bool  // rows proved too large for their step, which stays then
	readers []*pqarrow.ColumnReader
}

func newGroup(f *ParquetReader, number int) *group {
	md := f.file.MetaData()
	g := &group{f: f, number: number, rows: md.RowGroup(number).NumRows()}
	for i := range number {
		g.first += md.RowGroup(i).NumRows()
	}
	size := int64(0)
	for i := range f.leaves {
		if c, err := md.RowGroup(number).ColumnChunk(i); err == nil {
			size += max(c.TotalUncompressedSize(), 0)
		}
	}
	g.step = int64(f.options.BatchRows)
	if g.rows > 0 && size > 0 {
		g.step = min(g.step, max(f.options.BatchBytes*g.rows/size, 1))
	}
	return g
}

// read is the next rows. Where they take more memory than is given, fewer are tried, down to one.
func (g *group) read(ctx context.Context) (*arrowio.Batch, error) {
	for {
		n := min(g.step, g.rows-g.done)
		b, column, err := g.try(ctx, n)
		if err == nil {
			g.done += n
			g.learn(b)
			return b, nil
		}
		if !g.f.memory.tripped.Load() {
			var limit *arrowio.LimitError
			if errors.As(err, &limit) {
				return nil, err
			}
			return nil, fmt.Errorf("row group %d, rows %d to %d: %w", g.number, g.first+g.done, g.first+g.done+n-1, named(column, err))
		}
		if n == 1 {
			return nil, &arrowio.LimitError{
				What: "bytes of memory for one row", Where: fmt.Sprintf("column %q, row %d", column, g.first+g.done), Is: g.f.options.Memory + 1, Limit: g.f.options.Memory,
				Remedy: "cut the value where the data comes from, or raise the limit",
			}
		}
		g.step, g.small, g.readers = max(n/8, 1), true, nil
	}
}

func named(column string, err error) error {
	err = broken(err)
	var bad *arrowio.MalformedError
	if column != "" && errors.As(err, &bad) && bad.Where == "" {
		bad.Where = fmt.Sprintf("column %q", column)
	}
	return err
}

// learn makes the next step smaller where rows turned out to be larger than the footer's mean.
func (g *group) learn(b *arrowio.Batch) {
	size := b.Bytes()
	if size > 2*g.f.options.BatchBytes {
		g.step = max(g.f.options.BatchBytes*int64(b.Rows())/size, 1)
	} else if size < g.f.options.BatchBytes/2 && !g.small {
		g.step = min(2*g.step, int64(g.f.options.BatchRows))
	}
}

// try reads n rows; column is the one that was read when it failed.
func (g *group) try(ctx context.Context, n int64) (b *arrowio.Batch, column string, err error) {
	defer arrowio.Recover("read rows", &err)
	g.f.memory.reset()
	if g.readers == nil {
		if column, err = g.open(ctx); err != nil {
			return nil, column, err
		}
	}
	columns := make([][]arrow.Array, len(g.readers))
	for i, r := range g.readers {
		column = g.f.schema.Fields[i].Name
		c, err := r.NextBatch(n)
		if err != nil {
			return nil, column, err
		}
		if int64(c.Len()) != n {
			return nil, column, &arrowio.MalformedError{What: fmt.Sprintf("%d rows should come and %d do: the file is damaged or cut off", n, c.Len())}
		}
		columns[i] = c.Chunks()
	}
	b, err = arrowio.FromChunks(g.f.schema, int(n), columns)
	return b, "", err
}

// open makes readers of the columns and passes over the rows that are done: after rows that took too much memory, their readers are of no use.
func (g *group) open(ctx context.Context) (string, error) {
	rg := g.f.file.RowGroup(g.number)
	for leaf := range g.f.leaves {
		// The library opens the columns of a struct in goroutines of its own, where a panic over a damaged header would end the process: here it ends in an error.
		p, err := rg.GetColumnPageReader(leaf)
		if err != nil {
			return g.f.file.MetaData().Schema.Column(leaf).Path(), err
		}
		_ = p.Close() // it was only looked at
	}
	var readers []*pqarrow.ColumnReader
	for i, field := range g.f.fields {
		r, err := g.f.arrow.GetFieldReader(ctx, field, g.f.leaves, []int{g.number})
		if err != nil {
			return g.f.schema.Fields[i].Name, err
		}
		for left := g.done; left > 0; {
			n := min(left, g.step)
			g.f.memory.reset()
			if _, err := r.NextBatch(n); err != nil {
				return g.f.schema.Fields[i].Name, err
			}
			left -= n
		}
		readers = append(readers, r)
	}
	g.readers = readers
	return "", nil
}
