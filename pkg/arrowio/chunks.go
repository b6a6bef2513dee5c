package arrowio

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
)

// FromChunks makes a batch of columns that come in pieces, each as the library has them; pieces that are one stay uncopied. For packages below
// this one.
func FromChunks(s *Schema, rows int, columns [][]arrow.Array) (*Batch, error) {
	b := &Batch{schema: s, rows: rows, columns: make([]*Column, len(columns))}
	for i, chunks := range columns {
		f := s.Fields[i]
		p := make(parts, len(chunks))
		for j, a := range chunks {
			d := a.Data()
			if !arrow.TypeEqual(dataType(f.Type), d.DataType()) { // an extension, somewhere in it
				d = retype(f.Type, d)
			}
			p[j] = whole(d)
		}
		switch {
		case p.total() != rows:
			return nil, fmt.Errorf("column %q has %d rows where others have %d", f.Name, p.total(), rows)
		case len(p) == 1:
			b.columns[i] = newColumn(f, p[0].ArrayData)
			continue
		}
		d, err := gather(f.Type, p)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", f.Name, err)
		}
		b.columns[i] = newColumn(f, d)
	}
	return b, nil
}
