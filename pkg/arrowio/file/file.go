// Package file reads and writes files of batches: Parquet, and Arrow's IPC files and streams (Feather v2 is one). Readers stream: memory follows the
// batches, not the file, and what a file says of itself is checked before it is believed. Writers give the same bytes for the same rows.
//
// It refuses Feather v1, encrypted Parquet, and what arrowio refuses.
package file

import (
	"cmp"
	"fmt"

	"github.com/leathq/leat/pkg/arrowio"
)

// Reader gives a file's batches in order. It is used by one goroutine.
type Reader interface {
	// Schema is that of all batches.
	Schema() *arrowio.Schema
	// Next is the next batch, never an empty one; io.EOF after the last.
	Next() (*arrowio.Batch, error)
	// Close ends reading. The file that was given stays open.
	Close() error
}

// Options say what of a file is read, and how. Zeros are the defaults.
type Options struct {
	Columns    []string       // names, in the order wanted; nil: all
	RowGroups  []int          // Parquet: which, in this order; nil: all. IPC: which batches
	Skip       int64          // rows of these that are passed over
	BatchRows  int            // at most; 16,384 by default
	BatchBytes int64          // Parquet: about so many, decoded; 4 MiB by default
	Memory     int64          // Parquet: bytes that reading one batch may take, its pages included; 192 MiB by default
	Limits     arrowio.Limits // zero: DefaultLimits
}

// DefaultLimits are those of arrowio, but for MaxBytes, 256 MiB: what a file has in one piece (a page of Parquet, a batch of IPC) is read whole.
func DefaultLimits() arrowio.Limits {
	l := arrowio.DefaultLimits()
	l.MaxBytes = 256 << 20
	return l
}

func (o Options) filled() Options {
	o.BatchRows = cmp.Or(max(o.BatchRows, 0), 16<<10)
	o.BatchBytes = cmp.Or(max(o.BatchBytes, 0), 4<<20)
	o.Memory = cmp.Or(max(o.Memory, 0), 192<<20)
	if o.Limits == (arrowio.Limits{}) {
		o.Limits = DefaultLimits()
	}
	return o
}

// selected are the indices of the columns that are wanted, nil for all.
func (o Options) selected(s *arrowio.Schema) ([]int, error) {
	if o.Columns == nil {
		return nil, nil
	}
	out := make([]int, len(o.Columns))
	for i, name := range o.Columns {
		if out[i] = s.Index(name); out[i] < 0 {
			return nil, fmt.Errorf("there is no column %q; there are: %s", name, names(s))
		}
	}
	return out, nil
}

func names(s *arrowio.Schema) string {
	text := ""
	for i, f := range s.Fields {
		if i == 40 {
			return text + fmt.Sprintf(" and %d more", len(s.Fields)-i)
		}
		if i > 0 {
			text += ", "
		}
		text += f.Name
	}
	return text
}

// pieces hands out a batch in pieces of at most so many rows, after skipping some.
type pieces struct {
	rest *arrowio.Batch
	rows int
	skip int64
}

func (p *pieces) put(b *arrowio.Batch) {
	n := min(p.skip, int64(b.Rows()))
	p.skip -= n
	p.rest = b.Slice(int(n), b.Rows())
}

// next is a piece, nil where there is nothing left.
func (p *pieces) next() *arrowio.Batch {
	if p.rest == nil || p.rest.Rows() == 0 {
		p.rest = nil
		return nil
	}
	n := min(p.rows, p.rest.Rows())
	out := p.rest.Slice(0, n)
	p.rest = p.rest.Slice(n, p.rest.Rows())
	return out
}
